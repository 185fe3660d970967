"""Does this text match this pattern?  Wildcards and ARN patterns (iam.md 4.5, 4.6, 4.7; PE-5).

`*` is any run of characters, new lines included, `?` is exactly one; everything else is itself.
A pattern is compiled from tokens, not from text: a literal `*`, written `${*}` or substituted for
a variable, can never become a wildcard.

INVARIANT: a match takes time linear in the text. The runs between two `*` are found leftmost, in
order, without going back; a run with `?` in it is found by shifting one bit set along the text.
"""

import re
import string
from collections.abc import Callable, Iterable
from enum import Enum
from functools import lru_cache

Matcher = Callable[[str], bool]

LONGEST_RUN = 512
"""Characters between two `*` of a stored pattern, when a `?` is among them: a small bit set."""

_WILD = re.compile(r"([*?])")
_ASCII_LOWER = {ord(upper): upper.lower() for upper in string.ascii_uppercase}


class Wild(Enum):
    """A wildcard."""

    ANY = "*"
    ONE = "?"


Token = str | Wild
"""A literal text, or a wildcard."""

Tokens = tuple[Token, ...]


def ascii_lower(text: str) -> str:
    """Lower case for ASCII letters only: names must not be equal by Unicode's rules (PE-8)."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def wildcards(text: str) -> Tokens:
    """The tokens of a text in which every `*` and `?` is a wildcard."""
    return tuple(Wild(part) if part in ("*", "?") else part for part in _WILD.split(text) if part)


def always(_: str) -> bool:
    """Matches everything."""
    return True


def never(_: str) -> bool:
    """Matches nothing."""
    return False


class _Run:
    """What stands between two `*`: characters, and holes where any character may stand."""

    __slots__ = ("_holes", "_masks", "_parts", "length")

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._parts: list[tuple[int, str]] = []  # offset, literal
        self._masks: dict[str, int] = {}
        self._holes = 0
        self.length = 0
        for token in tokens:
            if isinstance(token, str):
                self._parts.append((self.length, token))
                self.length += len(token)
            else:
                self._holes |= 1 << self.length
                self.length += 1
        if self._holes:
            self._index()

    def _index(self) -> None:
        masks = dict.fromkeys((char for _, part in self._parts for char in part), self._holes)
        for offset, part in self._parts:
            for position, char in enumerate(part, offset):
                masks[char] |= 1 << position
        self._masks = masks

    def literal(self) -> str | None:
        """The run as a text, when it has no holes."""
        return None if self._holes else "".join(part for _, part in self._parts)

    def stands_at(self, text: str, start: int) -> bool:
        """Does the run begin here?  The text is known to be long enough."""
        return all(text.startswith(part, start + offset) for offset, part in self._parts)

    def end_of_first(self, text: str, start: int, end: int) -> int:
        """Where the leftmost occurrence in `text[start:end]` ends, or -1."""
        if not self._holes:
            found = text.find("".join(part for _, part in self._parts), start, end)
            return -1 if found < 0 else found + self.length
        # Bit i of `state`: the last i + 1 characters are the first i + 1 of the run.
        masks, holes, complete, state = self._masks, self._holes, 1 << (self.length - 1), 0
        for position in range(start, end):
            state = (state << 1 | 1) & masks.get(text[position], holes)
            if state & complete:
                return position + 1
        return -1


def is_too_long(tokens: Tokens) -> bool:
    """Is there a run with `?` that is longer than a stored pattern may have?"""
    runs = [run for run in _runs(tokens) if Wild.ONE in run]
    return any(sum(len(t) if isinstance(t, str) else 1 for t in run) > LONGEST_RUN for run in runs)


def glob(tokens: Tokens) -> Matcher:
    """The matcher for a whole text."""
    runs = [_Run(run) for run in _runs(tokens)]
    first, *middle, last = runs if len(runs) > 1 else (runs[0], runs[0])
    head, tail = first.literal(), last.literal()
    if len(runs) == 1:
        return _exactly(first) if head is None else head.__eq__
    if not middle and head is not None and tail is not None:
        return _head_and_tail(head, tail)
    least = sum(run.length for run in runs)

    def matches(text: str) -> bool:
        end = len(text) - last.length
        if len(text) < least or not first.stands_at(text, 0) or not last.stands_at(text, end):
            return False
        position = first.length
        for run in middle:
            position = run.end_of_first(text, position, end)
            if position < 0:
                return False
        return True

    return matches


def _runs(tokens: Tokens) -> list[list[Token]]:
    runs: list[list[Token]] = [[]]
    for token in tokens:
        if token is Wild.ANY:
            runs.append([])
        else:
            runs[-1].append(token)
    # Runs between adjacent `*` are empty and say nothing.
    return [run for i, run in enumerate(runs) if run or i in (0, len(runs) - 1)]


def _exactly(run: _Run) -> Matcher:
    return lambda text: len(text) == run.length and run.stands_at(text, 0)


def _head_and_tail(head: str, tail: str) -> Matcher:
    if not tail:
        return (lambda text: text.startswith(head)) if head else always
    least = len(head) + len(tail)
    return lambda text: len(text) >= least and text.startswith(head) and text.endswith(tail)


def segments(tokens: Tokens, at_most: int = 6) -> list[Tokens]:
    """The colon-separated parts of a pattern; the last of `at_most` keeps its colons."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if not isinstance(token, str):
            parts[-1].append(token)
            continue
        pieces = token.split(":", at_most - len(parts))
        for i, piece in enumerate(pieces):
            if i:
                parts.append([])
            if piece:
                parts[-1].append(piece)
    return [tuple(part) for part in parts]


def arn_glob(tokens: Tokens) -> Matcher:
    """The matcher of the Arn operators: six parts, each compared on its own (iam.md 4.7)."""
    parts = segments(tokens)
    if len(parts) != 6:
        return never
    if not any(isinstance(token, Wild) for part in parts[:5] for token in part):
        return glob(tokens)  # the first five parts are literal, so the whole text will do
    return _by_parts(parts)


def resource_glob(tokens: Tokens) -> Matcher:
    """The matcher of a Resource element's pattern (iam.md 4.6).

    A pattern of fewer than six parts, which only key policies may have, matches when its last
    `*` swallows the rest.
    """
    if tokens and all(token is Wild.ANY for token in tokens):
        return always
    parts = segments(tokens)
    if len(parts) == 6:
        return arn_glob(tokens)
    if parts[-1] and parts[-1][-1] is Wild.ANY:
        return _by_parts(parts)
    return never


def _by_parts(parts: list[Tokens]) -> Matcher:
    """Each part against the part of the text at its place; the last takes all that is left."""
    plain = _plain_parts(parts)
    if plain is not None:
        return plain
    matchers, splits = [glob(part) for part in parts], len(parts) - 1

    def matches(text: str) -> bool:
        found = text.split(":", splits)
        if len(found) <= splits:
            return False
        return all(matcher(part) for matcher, part in zip(matchers, found, strict=True))

    return matches


def _plain_parts(parts: list[Tokens]) -> Matcher | None:
    """The matcher of the usual ARN pattern: parts without wildcards, parts that are `*`, and a
    last part whose only wildcard is its end.

    What stands between two such `*` is one literal that begins at a colon.
    """
    *first, last = parts
    open_end = last[-1:] == (Wild.ANY,)
    literals = [""]
    for part in [*first, last[:-1] if open_end else last]:
        if part == (Wild.ANY,):
            literals.append("")
        elif Wild.ANY in part or Wild.ONE in part:
            return None
        else:
            literals[-1] += "".join(token for token in part if isinstance(token, str))
        literals[-1] += ":"
    head, *rest = [*literals[:-1], literals[-1][:-1]]
    if len(rest) == 1:
        return _head_and_rest(head, rest[0], open_end=open_end)

    def matches(text: str) -> bool:
        if not text.startswith(head):
            return False
        position = len(head)
        for literal in rest:
            position = text.find(":", position)
            if position < 0 or not text.startswith(literal, position):
                return False
            position += len(literal)
        return open_end or position == len(text)

    return matches


def _head_and_rest(head: str, rest: str, *, open_end: bool) -> Matcher:
    """One part is `*`: the rest begins at the first colon after the head."""
    begins = len(head)

    def matches(text: str) -> bool:
        if not text.startswith(head):
            return False
        colon = text.find(":", begins)
        return colon >= 0 and (text.startswith(rest, colon) if open_end else text[colon:] == rest)

    return matches


@lru_cache(maxsize=4096)
def action_glob(pattern: str) -> Matcher:
    """The matcher of an action pattern, for actions in lower case (iam.md 4.5).

    A pattern with a blank or a comma is two actions in one string and matches nothing.
    """
    if " " in pattern or "," in pattern:
        return never
    return glob(wildcards(ascii_lower(pattern)))
