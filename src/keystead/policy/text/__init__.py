"""Which texts does a pattern match, and which value does a text mean?  Both in linear time."""

from keystead.policy.text import values
from keystead.policy.text.patterns import (
    Matcher,
    action_glob,
    arn_glob,
    ascii_lower,
    glob,
    is_plain,
    is_quick,
    is_searched,
    is_too_long,
    one_action,
    resource_glob,
    segments,
    shortest,
    wildcards,
    wildly,
)
from keystead.policy.text.wildcard_search import FILTERED, Token, Tokens, Wild

__all__ = (
    "FILTERED", "Matcher", "Token", "Tokens", "Wild", "action_glob", "arn_glob", "ascii_lower",
    "glob", "is_plain", "is_quick", "is_searched", "is_too_long", "one_action",
    "resource_glob", "segments", "shortest", "values", "wildcards", "wildly",
)  # fmt: skip
