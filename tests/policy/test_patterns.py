"""Wildcards and ARN patterns (iam.md 4.5, 4.6, 4.7; threat-model PE-5, PE-8)."""

import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.policy.language.grammar import Element
from keystead.policy.language.statements import compile_actions
from keystead.policy.text import patterns, wildcard_search
from keystead.policy.text.patterns import (
    action_glob,
    arn_glob,
    ascii_lower,
    glob,
    is_quick,
    is_searched,
    is_too_long,
    resource_glob,
    wildcards,
    wildly,
)


def expression(pattern: str) -> re.Pattern[str]:
    """The same pattern for another matcher."""
    special = {"*": ".*", "?": "."}
    return re.compile("".join(special.get(c, re.escape(c)) for c in pattern), re.DOTALL)


@given(st.text("ab*?\n", max_size=12), st.text("ab\n*?", max_size=14))
def test_globs_agree_with_expressions(pattern: str, text: str) -> None:
    """A glob matches what the same regular expression matches."""
    assert glob(wildcards(pattern))(text) == bool(expression(pattern).fullmatch(text))


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("ab*ba", ["abba", "ab-ba", "abababa"], ["aba", "xabba", "abbax", "ab", "ba"]),
        ("a*", ["a", "aa", "ab\n"], ["", "ba"]),
        ("*a", ["a", "aa", "ba"], ["", "ab"]),
        ("?", ["a", "?", "\n"], ["", "ab"]),
        ("a?", ["ab", "a?"], ["a", "abc", "ba"]),
        ("ab*c*ba", ["abcba", "ab-c-ba"], ["abba", "aba", "xabcba", "abcbax", "abcb", "bcba"]),
        ("ab*?*ba", ["abxba", "abxxba"], ["abba", "aba"]),
        ("a*bc*bc*d", ["abcbcd", "a-bc-bc-d"], ["abcd", "abcbd", "bcbcd", "abcbc"]),
        ("a*b?d*e", ["abcde", "a-bcd-e", "abbcde"], ["abde", "abcdd", "bcde", "acde"]),
        ("?a*b*?c", ["xabyc", "xa-b-yc"], ["abyc", "xabc", "xayc"]),
        ("*a?*?a*", ["axya", "aaaa"], ["aaa", "axa"]),
        ("a**b", ["ab", "acb"], ["a", "b"]),
        ("*x*??a", ["x--a", "-x--a"], ["xa", "x-a", "--a"]),
    ],
)
def test_globs(pattern: str, matching: list[str], others: list[str]) -> None:
    """What stands first, last and between is there, in order, and nothing counts twice."""
    matches = glob(wildcards(pattern))
    assert [text for text in matching if not matches(text)] == []
    assert [text for text in others if matches(text)] == []


@given(st.text("ab*?[\\", max_size=8))
def test_literal_wildcards_match_only_themselves(text: str) -> None:
    """A literal `*` or `?` is no wildcard."""
    matches = glob((text,) if text else ())
    assert matches(text)
    assert not matches(f"{text}a")
    assert not matches(text.replace("*", "x").replace("?", "x")) or not set(text) & {"*", "?"}


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("arn:aws:kms:*:111122223333:key/*", "arn:aws:kms:eu-1:111122223333:key/a/b:c", True),
        ("arn:aws:kms:*:111122223333:key/*", "arn:aws:kms:eu-1:x:111122223333:key/a", False),
        ("arn:aws:kms:eu-1:*:key/a", "arn:aws:kms:eu-1:1:key/a", True),
        ("arn:aws:kms:eu-1:*:key/a", "arn:aws:kms:eu-1:1:2:key/a", False),
        ("arn:aws:kms:eu-1:1:key/a", "arn:aws:kms:eu-1:1:key/A", False),
        ("arn:aws:kms:eu-1:1:key/?", "arn:aws:kms:eu-1:1:key/ab", False),
        ("arn:aws:iam::1:role/*", "arn:aws:iam::1:role/a/b", True),
        ("arn:aws:iam:*:1:role/a", "arn:aws:iam::1:role/a", True),
        ("arn:aws:s?:::b*t/*", "arn:aws:s3:::bucket/x", True),
        ("arn:aws:kms:eu-1:1:key/a", "arn:aws:kms:eu-1:1:key/a\n", False),
        ("*", "*", True),
        ("*", "arn:aws:kms:eu-1:1:key/a", True),
        ("arn:aws:kms:eu-1:1:key/a", "*", False),
        ("arn:aws:kms:*", "arn:aws:kms:eu-1:1:key/a", True),
        ("arn:aws:kms:*", "arn:aws:s3:::b", False),
        ("arn:aws:kms:eu-1", "arn:aws:kms:eu-1:1:key/a", False),
        ("arn:aws:kms", "arn:aws:kms:eu-1:1:key/a", False),
        ("arn:aws:kms:*:*", "arn:aws:kms:", False),
        ("arn:aws:kms:*:*", "arn:aws:kms::", True),
        ("arn:aws:kms:*:*:key/*", "arn:aws:kms:a:b:key/", True),
        ("arn:aws:kms:*:*:key/*", "arn:aws:kms:a:b:c:key/", False),
        ("arn:aws:kms:*:*:key/a", "arn:aws:kms:a:b:key/a", True),
        ("arn:aws:kms:*:*:key/a", "arn:aws:kms:a:b:key/ab", False),
        ("arn:aws:kms:*:1:", "arn:aws:kms:a:1:", True),
        ("arn:aws:kms:*:1:", "arn:aws:kms:a:1", False),
        ("arn:*:kms:*:*:", "arn:aws:kms:a:", False),
        ("", "arn:aws:kms:eu-1:1:key/a", False),
        ("", "", False),
        ("arn:aws:kms:*:*:*", "arn:aws:kms:a:", False),
        ("arn:aws:kms:*:*:*", "arn:aws:kms:a::", True),
        ("*:aws:*:eu:1:k", ":aws:kms:eu:1:k", True),
        ("*:aws:*:eu:1:k", "aws:kms:eu:1:k", False),
        ("*:aws:kms:eu:1:k", ":aws:kms:eu:1:k", True),
        ("*:aws:kms:eu:1:k", "aws:kms:eu:1:k", False),
        ("arn:aws:kms:*:1:key/a", "arn:aws:ksm:eu-1:1:key/a", False),
        ("arn:aws:kms:*:*:key/a", "arn:aws:ksm:eu-1:1:key/a", False),
        ("arn:aws:kms:*:1:key/a", "arn:aws:kms:", False),
        ("a:b", "a:b", False),
        ("**", "arn:aws:kms:eu-1:1:key/a", True),
        ("arn:a?s:kms:eu-1:1:key", "arn:aws:kms:eu-1:1", False),
        ("arn:a?s:kms:eu-1:1:key", "arn:aws:kms:eu-1:1:key", True),
        ("arn:a?s:kms:eu-1:1:*", "arn:aws:kms:eu-1:1", False),
        ("arn:a?s:kms:eu-1:1:*", "arn:aws:kms:eu-1:1:", True),
    ],
)
def test_resource_patterns(pattern: str, text: str, matches: bool) -> None:
    """Resource patterns are compared part by part; a short one may swallow the rest."""
    assert resource_glob(wildcards(pattern))(text) is matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("arn:aws:sns:eu-1:1:topic:sub", True),
        ("arn:*:*:*:*:*", True),
        ("*:*:*:*:*:*", True),
        ("*", False),
        ("arn:aws:sns:*", False),
        ("arn:aws:sns:*:topic:sub", False),
        ("arn:aws:sns:eu-1:1:topic:*", True),
        ("arn:aws:sns:eu-1:1:*:sub", True),
    ],
)
def test_arn_operators_compare_six_parts(pattern: str, matches: bool) -> None:
    """A pattern with fewer parts never matches, and the sixth part keeps its colons."""
    assert arn_glob(wildcards(pattern))("arn:aws:sns:eu-1:1:topic:sub") is matches


def test_a_text_that_is_no_arn_never_matches() -> None:
    """An ARN pattern needs six parts in the value as well."""
    assert not arn_glob(wildcards("*:*:*:*:*:*"))("arn:aws:sns")


_PART = st.sampled_from(["*", "", "a", "b/*"]) | st.text("ab*?/", max_size=3)


@given(
    st.lists(_PART, min_size=6, max_size=6),
    st.lists(st.text("ab/", max_size=3), min_size=6, max_size=7),
)
def test_arn_patterns_agree_with_their_parts(parts: list[str], values: list[str]) -> None:
    """An ARN pattern matches exactly when each of its parts does."""
    value = [*values[:5], ":".join(values[5:])]
    each = all(expression(p).fullmatch(v) for p, v in zip(parts, value, strict=True))
    assert arn_glob(wildcards(":".join(parts)))(":".join(values)) is each


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("kms:Encrypt", True),
        ("KMS:eNCRYPT", True),
        ("kms:Enc*", True),
        ("kms:?ncrypt", True),
        ("*", True),
        ("kms:*", True),
        ("kms:Decrypt", False),
        ("kms:Encrypt,kms:Decrypt", False),
        ("kms:Encrypt,", False),
        ("kms:Encrypt ", False),
        (" kms:Encrypt", False),
    ],
)
def test_action_patterns(pattern: str, matches: bool) -> None:
    """Actions ignore case; a pattern with a blank or a comma matches nothing."""
    assert action_glob(pattern)("kms:encrypt") is matches


@pytest.mark.parametrize("pattern", ["kms:encrypt,kms:decrypt", "kms:encrypt kms:decrypt"])
def test_two_actions_in_one_text_are_none(pattern: str) -> None:
    """Not even that text itself matches."""
    assert not action_glob(pattern)(pattern)


def test_only_ascii_letters_have_no_case() -> None:
    """The Kelvin sign is not a k."""
    assert ascii_lower("KMS") == "kms"
    assert ascii_lower("\N{KELVIN SIGN}MS") == "\N{KELVIN SIGN}ms"
    assert ascii_lower("ÉA") == "Éa"
    assert ascii_lower("\ud800AÅ\U0001f511Z") == "\ud800aÅ\U0001f511z"


def steps(function: Callable[[], object]) -> int:
    """How many lines of the module are executed."""
    count = 0

    def line(_: FrameType, event: str, __: Any) -> Any:
        nonlocal count
        count += event == "line"
        return line

    def call(frame: FrameType, _: str, __: Any) -> Any:
        return (
            line
            if frame.f_code.co_filename in (patterns.__file__, wildcard_search.__file__)
            else None
        )

    before = sys.gettrace()
    sys.settrace(call)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" * 60 + "*b",
        "*?a" * 60 + "*b",
        "a*" * 100 + "b",
        "*" + "a?" * 60 + "b*",
        "*" * 200 + "b",
        "*" + "a?" * 400 + "b*",
        "*" + "?a*" * 300 + "b",
        "*" + "a*" * 500 + "b",
    ],
)
def test_no_pattern_goes_back(pattern: str) -> None:
    """Twice the text takes at most about twice the steps, however hostile the pattern."""
    matches = glob(wildcards(pattern))
    some = steps(lambda: matches("a" * 2000))
    more = steps(lambda: matches("a" * 4000))
    assert more <= 2 * some + 100
    assert more < 40_000


def test_a_stored_pattern_has_so_many_pieces() -> None:
    """More pieces, or more to search between two `*` because of a `?`, than any policy needs."""
    assert not is_too_long(wildcards("a*" * 128))
    assert is_too_long(wildcards("a*" * 128 + "a"))
    assert not is_too_long(wildcards("a?" * 128))
    assert is_too_long(wildcards("?" * 257))
    assert not is_too_long(wildcards("*" + "a" * 47 + "?*" + "a" * 47 + "?*"))
    assert is_too_long(wildcards("*" + "a" * 47 + "?*" + "a" * 48 + "?*"))
    assert not is_too_long(wildcards("a?" * 100 + "*" + "a" * 2000 + "*" + "?" * 50))


@pytest.mark.parametrize(
    ("pattern", "alone", "by_parts"),
    [
        ("", True, True),
        ("*", True, True),
        ("a*", True, True),
        ("a*b", True, True),
        ("a**b", True, True),
        ("a?", False, False),
        ("?*", False, False),
        ("*a*", False, False),
        ("arn:aws:kms:*:1:key/*", False, True),
        ("arn:aws:kms:eu:1:key/*", True, True),
        ("arn:aws:kms:e*:1:key/*", False, False),
        ("arn:aws:kms:*:1:key/?", False, False),
    ],
)
def test_what_is_only_compared(pattern: str, alone: bool, by_parts: bool) -> None:
    """A beginning and an end are no search, nor are the parts of a usual ARN."""
    assert is_quick(wildcards(pattern), by_parts=False) is alone
    assert is_quick(wildcards(pattern), by_parts=True) is by_parts


@pytest.mark.parametrize(
    ("pattern", "searched"),
    [("*a?*", True), ("*a*?*b", True), ("a?*b*c?", False), ("*a*", False), ("?", False)],
)
def test_what_is_searched_with_holes(pattern: str, searched: bool) -> None:
    """What stands first and last has its place."""
    assert is_searched(wildcards(pattern)) is searched


@given(
    st.lists(st.sampled_from(["a", "b", "ab", "*", "?"]), max_size=8).map("".join),
    st.text("ab", max_size=8),
)
def test_a_pattern_that_is_kept_as_text_matches_alike(pattern: str, text: str) -> None:
    """Without a matcher, and as an action of a statement, it matches what its matcher matches."""
    matches = glob(wildcards(pattern))(text)
    assert wildly(pattern, text) is matches
    for negated in (False, True):
        element = compile_actions(Element((pattern,), negated))
        assert element.matches(text) is (matches is not negated)
