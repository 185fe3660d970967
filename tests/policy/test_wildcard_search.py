"""What stands between two `*`, with `?` in it, in any text (threat-model PE-5)."""

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.policy.evaluation.budget import LONGEST_TEXT
from keystead.policy.text.patterns import LONGEST_SEARCH, Wild, glob, is_too_long, wildcards
from keystead.policy.text.wildcard_search import FILTERED, QUICK, SHORT, Run, Text, long_enough
from tests.policy.test_patterns import steps


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("*a?c*", ["abc", "xabc", "abcx", "aabc", "a?c"], ["", "ac", "abbc", "ab", "cba"]),
        ("*?a*", ["xa", "aa", "aab"], ["", "a", "ab"]),
        ("*a?*", ["ax", "aa", "ba-"], ["", "a", "ba"]),
        ("*ab?ab*", ["ab-ab", "abab-ab", "abaabab"], ["abab", "ababab", "ab--ab", "aba-b"]),
        ("*a??b*", ["a--b", "aabab"], ["a-b", "a---b"]),
        ("*a?*b?*", ["a-b-", "aab-", "aabb"], ["ab-", "a-b", "b-a-"]),
        ("*é?x*", ["éax", "aé-x", "ééx"], ["éx", "eax", "iax", "ix-x"]),
        ("*a?*", ["éa-"], ["š-", "\U00010061-", "éa"]),
        ("*š?*", ["aš-"], ["a-", "éa-", "š"]),
        ("*\U0001f511?*", ["\U0001f511-", "a\U0001f511é"], ["ab", "éa", "\U0001f511", "\uf511-"]),
        ("*\ud800?*", ["\ud800-"], ["\ud801-", "--"]),
        ("*\ud800?*", ["-" * SHORT + "\ud800-"], ["-" * SHORT + "\ud801-"]),
        ("*\n?*", ["\n\n"], ["\n", "--"]),
        ("*\x7f?*", ["\x7f-"], ["\x7e-", "\x3f-", "\x7f"]),
        ("*\xff?*", ["\xff-"], ["\xfe-", "\x7f-"]),
    ],
)
def test_a_run_with_holes(pattern: str, matching: list[str], others: list[str]) -> None:
    """It is found wherever it stands, whole, in any script, and nowhere else."""
    matches = glob(wildcards(pattern))
    assert [text for text in matching if not matches(text)] == []
    assert [text for text in others if matches(text)] == []


def test_every_character_is_told_from_every_other() -> None:
    """Whatever bit of its code another character differs in; beyond the end there is none."""
    codes = [0, *(1 << bit for bit in range(21) if 1 << bit < sys.maxunicode)]
    for highest in (0x40, 0x80, 0x8000, sys.maxunicode):
        text = "".join(chr(code) for code in codes if code <= highest)
        found = Text(text + "-" * SHORT)
        for code in [*codes, 3, 96, 0x181, 0x1F511]:
            places = [i for i, char in enumerate(text) if char == chr(code)]
            assert found.places(chr(code)) == sum(1 << i for i in places)


@pytest.mark.parametrize("letter", ["a", "é", "\0", "\U0001f511"])
@pytest.mark.parametrize("sought", [16, 99, 100, 500, 1200, 2400, 6200])
def test_a_long_literal_in_a_long_text(letter: str, sought: int) -> None:
    """It is found where it stands first, and nowhere else, however alike the text is."""
    literal, text = letter * (sought - 3) + "b" + letter * 2, letter * LONGEST_TEXT
    assert len(text) * sought > QUICK
    run = Run([literal])
    for place in (0, 1, 1000, LONGEST_TEXT - sought):
        there = text[:place] + literal + text[place + sought :]
        assert run.first(Text(there), 0, LONGEST_TEXT) == place
        assert run.first(Text(there), place, place + sought) == place
        assert run.first(Text(there), place + 1, LONGEST_TEXT) == -1
        assert run.first(Text(there), 0, place + sought - 1) == -1
    assert run.first(Text(text), 0, LONGEST_TEXT) == -1


@pytest.mark.parametrize("sought", [6, 99, 100, 2500, 8192])
def test_a_text_is_made_long_enough_for_the_linear_search(sought: int) -> None:
    """CPython's own conditions (Objects/stringlib/fastsearch.h), as it writes them."""
    length = long_enough(sought)
    assert length >= (2500 if sought >= 100 else 30000)
    assert (sought >> 2) * 3 < (length >> 2)


def test_the_leftmost_place_within_bounds() -> None:
    """A run begins at or after the start, and ends at or before the end."""
    run, text = Run(wildcards("a?a")), Text("a-a-a-a")
    assert run.first(text, 0, 7) == 0
    assert run.first(text, 1, 7) == 2
    assert run.first(text, 4, 7) == 4
    assert run.first(text, 5, 7) == -1
    assert run.first(text, 3, 6) == -1
    assert run.first(text, 0, 2) == -1
    assert run.first(text, 2, 5) == 2
    assert Run(("a-",)).first(text, 1, 7) == 2
    assert Run(wildcards("a?")).first(text, 7, 7) == -1
    assert Run(wildcards("a?")).first(text, 6, 7) == -1
    assert Run(()).first(text, 3, 3) == 3


@pytest.mark.parametrize(
    ("tokens", "literal", "length"),
    [
        ((), "", 0),
        (("a",), "a", 1),
        (("a", "b*"), "ab*", 3),
        ((Wild.ONE,), None, 1),
        (("a", Wild.ONE), None, 2),
        ((Wild.ONE, "a"), None, 2),
        (("ab", Wild.ONE, Wild.ONE, "c"), None, 5),
    ],
)
def test_a_run_without_holes_is_a_text(
    tokens: tuple[str | Wild, ...], literal: str | None, length: int
) -> None:
    """However many pieces it was substituted from."""
    run = Run(tokens)
    assert (run.literal(), run.length) == (literal, length)


@given(
    st.text("ab\xe9\u4e00\U0001f511", max_size=2 * SHORT),
    st.sampled_from("ab\xe9\u4e01\U0001f510c"),
)
def test_a_character_is_found_everywhere(text: str, char: str) -> None:
    """In short texts and in long ones, and never beyond the end."""
    assert Text(text).places(char) == sum(1 << i for i, each in enumerate(text) if each == char)


FEW, SOME = "ab", "".join(map(chr, range(0x61, 0x61 + 16)))
MANY = "".join(chr(0x10000 + 8191 * i) for i in range(LONGEST_SEARCH))


@pytest.mark.parametrize("letters", ["a", FEW, SOME, MANY], ids=["one", "few", "some", "many"])
@pytest.mark.parametrize("piece", [1, 2, 7, 30, LONGEST_SEARCH - 1])
@pytest.mark.parametrize("end", ["x~~", "\U0010ffff~~"])
def test_the_worst_that_may_be_stored(letters: str, piece: int, end: str) -> None:
    """In the longest text it takes a few steps for each character of the pattern, however many
    different ones there are and wherever they stand.
    """
    letters = (letters * LONGEST_SEARCH)[:LONGEST_SEARCH]
    pieces = [letters[i : i + piece] for i in range(LONGEST_SEARCH // (piece + 1))]
    tokens = wildcards("*" + "".join(f"?{each}*" for each in pieces) + "~~")
    text = (letters * LONGEST_TEXT)[: LONGEST_TEXT - len(end)] + end
    matches = glob(tokens)

    assert not is_too_long(tokens)
    assert matches(text)
    assert steps(lambda: matches(text)) < 50 * LONGEST_SEARCH


@pytest.mark.parametrize("unlike", ["bdc", "bddc", "bc"])
@pytest.mark.parametrize("start", ["a", "ab", MANY])
def test_long_values_that_are_found_by_turns(unlike: str, start: str) -> None:
    """Two values that begin alike, each of which stands where the other does not."""
    start = (start * FILTERED)[:FILTERED]
    text = "".join(f"{start}{last}x" for last in unlike * LONGEST_TEXT)[:LONGEST_TEXT]
    matches = glob((Wild.ANY, f"{start}b", Wild.ONE, f"{start}c", Wild.ONE, Wild.ANY))

    assert steps(lambda: matches(text)) < 4000
    assert matches(text) is ("bc" in unlike)


VALUES = [
    "a" * 8192,
    "b" + "a" * 4000 + "b",
    "ab" * 4096,
    "ab" * 2000 + "ba" * 2000,
    ("a" * 129 + "b") * 60,
    "é" * 4000 + "\U0001f511" + "é" * 4000,
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("text", [value * 2 for value in VALUES] + ["a" * 16384 + "c"])
def test_a_long_value_beside_a_hole(value: str, text: str) -> None:
    """What is substituted may be long: found or not, it takes few steps and is never wrong."""
    for tokens in (
        (Wild.ANY, value, Wild.ONE, "a", Wild.ANY),
        (Wild.ANY, "b", Wild.ONE, value, Wild.ANY),
        (Wild.ANY, Wild.ONE, value[:4000], Wild.ONE, value[4001:], Wild.ANY),
        (Wild.ANY, "b", value, Wild.ONE, Wild.ANY),
    ):
        matches = glob(tokens)
        assert steps(lambda: matches(text)) < 6000  # noqa: B023  # asked at once
        plain = "".join("." if t is Wild.ONE else re.escape(t) for t in tokens[1:-1])
        assert matches(text) is bool(re.search(plain, text, re.DOTALL))


@pytest.mark.parametrize("more", [0, 1, 100])
def test_a_literal_is_compared_to_its_end(more: int) -> None:
    """Beyond what is looked at one by one, a difference of one character still counts."""
    value = "a" * (FILTERED + more)
    wrong, right = "x" + value[:-1] + "b-", value + "-"
    for tokens in ((Wild.ANY, value, Wild.ONE, Wild.ANY), (Wild.ANY, Wild.ONE, value, Wild.ANY)):
        matches = glob(tokens)
        assert not matches(wrong)
        assert matches(f"{wrong}.{right}")
        assert matches(f"{wrong}.{wrong}.{right}{wrong}")
    late = glob((Wild.ANY, f"{value}b", Wild.ONE, Wild.ANY))
    assert late(f"a{value}b-")
    assert late(f"{value}.{value}a{value}b-")
    assert not late(f"a{value}b")
    both = glob((Wild.ANY, value, Wild.ONE, value, Wild.ANY))
    assert both(f"{value}-{value}")
    assert not both(f"{value}--{value}")
    assert not both(f"{wrong}{value}")
    assert both(f"{wrong}{value}-{value}b")


PIECES = ["*", "*", "?", "?", "a", "b", "ab", "aab" * 50, "a" * 130, "é", "\U0001f511"]
TEXTS = ["a", "b", "ab", "aab" * 50, "a" * 131, "é", "è", "\U0001f511", "\ud800"]


def by_positions(pattern: str, text: str) -> bool:
    """Does the pattern match the whole text?  By definition, token for token.

    Bit i of `reached` says that the pattern so far matches the first i characters. A regular
    expression would try the ways through several `*` one by one, which takes hours for some draws.
    """
    every = (1 << len(text) + 1) - 1
    at = {c: sum(1 << i for i, other in enumerate(text) if other == c) for c in set(pattern)}
    reached = 1
    for token in pattern:
        if token == "*":
            reached = every & -(reached & -reached) if reached else 0
        else:
            reached = every & ((reached if token == "?" else reached & at[token]) << 1)
    return bool(reached >> len(text))


@given(st.lists(st.sampled_from(PIECES), max_size=9), st.lists(st.sampled_from(TEXTS), max_size=9))
def test_long_texts_agree_with_the_definition(pattern: list[str], text: list[str]) -> None:
    """A run is found beyond the characters that are looked at one by one, in any script."""
    written, whole = "".join(pattern), "".join(text)
    assert glob(wildcards(written))(whole) == by_positions(written, whole)
