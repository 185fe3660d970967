"""Wildcards and ARN patterns (iam.md 4.5, 4.6, 4.7; threat-model PE-5, PE-8)."""

import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.policy import patterns
from keystead.policy.patterns import (
    Wild,
    action_glob,
    arn_glob,
    ascii_lower,
    glob,
    is_too_long,
    resource_glob,
    wildcards,
)


def expression(pattern: str) -> re.Pattern[str]:
    """The same pattern for another matcher."""
    special = {"*": ".*", "?": "."}
    return re.compile("".join(special.get(c, re.escape(c)) for c in pattern), re.DOTALL)


@given(st.text("ab*?\n", max_size=12), st.text("ab\n*?", max_size=14))
def test_globs_agree_with_expressions(pattern: str, text: str) -> None:
    """A glob matches what the same regular expression matches."""
    assert glob(wildcards(pattern))(text) == bool(expression(pattern).fullmatch(text))


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


def test_only_ascii_letters_have_no_case() -> None:
    """The Kelvin sign is not a k."""
    assert ascii_lower("KMS") == "kms"
    assert ascii_lower("\N{KELVIN SIGN}MS") == "\N{KELVIN SIGN}ms"
    assert ascii_lower("ÉA") == "Éa"


def steps(function: Callable[[], object]) -> int:
    """How many lines of the module are executed."""
    count = 0

    def line(_: FrameType, event: str, __: Any) -> Any:
        nonlocal count
        count += event == "line"
        return line

    def call(frame: FrameType, _: str, __: Any) -> Any:
        return line if frame.f_code.co_filename == patterns.__file__ else None

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
    ],
)
def test_no_pattern_goes_back(pattern: str) -> None:
    """Twice the text takes at most about twice the steps, however hostile the pattern."""
    matches = glob(wildcards(pattern))
    some = steps(lambda: matches("a" * 2000))
    more = steps(lambda: matches("a" * 4000))
    assert more <= 2 * some + 100
    assert more < 40_000


def test_a_run_with_holes_has_a_longest_length() -> None:
    """A very long run with `?` is not stored, the same run without is."""
    assert is_too_long(("a" * 512, Wild.ONE))
    assert not is_too_long(("a" * 511, Wild.ONE))
    assert not is_too_long((Wild.ONE, Wild.ANY, "a" * 600))
