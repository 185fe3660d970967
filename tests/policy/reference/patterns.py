"""Text with wildcards and variables: what does a policy value stand for, and what does it match?

A pattern is a list of symbols. A symbol is one character and whether it is a wildcard; a
character that came from a variable, a default or an escape never is (IAM: policy variables,
special characters).
"""

import re
from collections.abc import Callable

Symbol = tuple[str, bool]
Pattern = list[Symbol]

# `${key}` or `${key, 'default'}`: one comma, one blank, single quotes.
VARIABLE = re.compile(r"\$\{([^}',]+)(?:, '([^']*)')?\}")


class Unresolved(Exception):
    """The request has no value for a variable that has no default."""


def literal(text: str) -> Pattern:
    """Every character stands for itself."""
    return [(character, False) for character in text]


def wildcards(text: str) -> Pattern:
    """`*` and `?` are wildcards, everything else stands for itself."""
    return [(character, character in "*?") for character in text]


def substituted(
    text: str, read: Callable[[str], Pattern], lookup: Callable[[str], str | None]
) -> Pattern:
    """The text with its variables replaced; `read` says how the text between them is read.

    Raises Unresolved. What only resembles a variable (`${`, `${}`) is ordinary text.
    """
    pattern: Pattern = []
    position = 0
    while position < len(text):
        if text[position : position + 4] in ("${*}", "${?}", "${$}"):
            pattern += literal(text[position + 2])
            position += 4
            continue
        found = VARIABLE.match(text, position)
        if found is None:
            pattern += read(text[position])
            position += 1
            continue
        name, default = found.groups()
        value = lookup(name)
        if value is None:
            value = default
        if value is None:
            raise Unresolved(name)
        pattern += literal(value)
        position = found.end()
    return pattern


def completed(parts: list[str]) -> list[str]:
    """The fields of an ARN in an identity-based policy: those that are missing are `*`."""
    return [*parts, *["*"] * (6 - len(parts))]


def matches(pattern: Pattern, text: str) -> bool:
    """Does the whole text match? `*` is any run, also none; `?` is exactly one character."""
    reached = {0}
    for character, is_wildcard in pattern:
        if is_wildcard and character == "*":
            reached = {end for start in reached for end in range(start, len(text) + 1)}
        else:
            reached = {
                start + 1
                for start in reached
                if start < len(text) and (is_wildcard or text[start] == character)
            }
    return len(text) in reached


def arn_parts(pattern: Pattern) -> list[Pattern]:
    """Up to six parts, divided by colons; the sixth keeps further colons."""
    parts: list[Pattern] = [[]]
    for character, is_wildcard in pattern:
        if character == ":" and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append((character, is_wildcard))
    return parts


def ascii_lower(text: str) -> str:
    """Lower case for A to Z only: names compare without regard to ASCII case, nothing else."""
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)
