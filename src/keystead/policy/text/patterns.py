"""Does this text match this pattern?  Wildcards and ARN patterns (iam.md 4.5, 4.6, 4.7; PE-5).

`*` stands for any run of characters, new lines included. `?` stands for exactly one character.
Every other character stands for itself. A pattern is compiled from tokens, not from text. So a
literal `*`, written `${*}` or substituted for a variable, can never become a wildcard.

INVARIANT: a match takes time linear in the text. The search for the runs between two `*` takes the
leftmost occurrence of each run, in order, and never goes back (`wildcard_search`).
"""

import re
from collections.abc import Callable, Iterable, Mapping

from keystead.policy.text.wildcard_search import Run, Text, Token, Tokens, Wild, find

__all__ = [
    "LONGEST_SEARCH",
    "MOST_TOKENS",
    "Matcher",
    "Token",
    "Tokens",
    "Wild",
    "action_glob",
    "always",
    "arn_glob",
    "ascii_lower",
    "glob",
    "is_plain",
    "is_quick",
    "is_searched",
    "is_too_long",
    "never",
    "one_action",
    "resource_glob",
    "segments",
    "shortest",
    "wildcards",
    "wildly",
]

Matcher = Callable[[str], bool]

MOST_TOKENS = 256
"""How many tokens a stored pattern may have: wildcards, variables and the texts between them."""

LONGEST_SEARCH = 96
"""How many characters a stored pattern may have in those pieces between two `*` that hold a `?`."""

_WILD = re.compile(r"([*?])")
_TOKENS: Mapping[str, Token] = {"*": Wild.ANY, "?": Wild.ONE}


def ascii_lower(text: str) -> str:
    """The text with its ASCII letters, and no others, in lower case.

    Names must not become equal by Unicode's rules (PE-8).
    """
    if text.isascii():
        return text.lower()
    # `bytes.lower` changes ASCII letters and nothing else.
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def wildcards(text: str) -> Tokens:
    """The tokens of a text in which every `*` and `?` is a wildcard."""
    if is_plain(text):
        return (text,) if text else ()
    return tuple([_TOKENS.get(part, part) for part in _WILD.split(text) if part])


def always(_: str) -> bool:
    """Matches everything."""
    return True


def never(_: str) -> bool:
    """Matches nothing."""
    return False


def is_too_long(tokens: Tokens) -> bool:
    """Does this pattern exceed a limit of stored patterns?  No sensible policy comes near it."""
    if Wild.ONE not in tokens:
        return len(tokens) > MOST_TOKENS
    between = _runs(tokens)[1:-1]
    searched = sum(shortest(run) for run in between if Wild.ONE in run)
    return len(tokens) > MOST_TOKENS or searched > LONGEST_SEARCH


def is_searched(tokens: Tokens) -> bool:
    """Is there a `?` in a piece between two `*`?"""
    return Wild.ONE in tokens and any(Wild.ONE in run for run in _runs(tokens)[1:-1])


def is_quick(tokens: Tokens, *, by_parts: bool) -> bool:
    """Is a text only compared with this pattern, and never searched for a piece of it?

    `by_parts`: the pattern is matched part by part, as an ARN is.
    """
    if Wild.ONE not in tokens and len(_runs(tokens)) <= 2:
        return True
    return by_parts and _plain_parts(segments(tokens)) is not None


def shortest(tokens: Iterable[Token]) -> int:
    """The length in characters of the shortest text that matches these tokens."""
    return sum(len(token) if isinstance(token, str) else token is Wild.ONE for token in tokens)


def glob(tokens: Tokens) -> Matcher:
    """The matcher for a whole text."""
    runs = [Run(run) for run in _runs(tokens)]
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
        position, searched = first.length, Text(text)
        for run in middle:
            begins = run.first(searched, position, end)
            if begins < 0:
                return False
            position = begins + run.length
        return True

    return matches


def _runs(tokens: Tokens) -> list[list[Token]]:
    runs: list[list[Token]] = [[]]
    for token in tokens:
        if token is Wild.ANY:
            runs.append([])
        else:
            runs[-1].append(token)
    # A run between two adjacent `*` is empty and demands nothing.
    return [run for i, run in enumerate(runs) if run or i in (0, len(runs) - 1)]


def _exactly(run: Run) -> Matcher:
    return lambda text: len(text) == run.length and run.stands_at(text, 0)


def _head_and_tail(head: str, tail: str) -> Matcher:
    if not tail:
        return (lambda text: text.startswith(head)) if head else always
    least = len(head) + len(tail)
    return lambda text: len(text) >= least and text.startswith(head) and text.endswith(tail)


def segments(tokens: Tokens, at_most: int = 6) -> list[Tokens]:
    """The colon-separated parts of a pattern; the last of `at_most` keeps its colons."""
    if tokens and isinstance(tokens[0], str) and not any(isinstance(t, str) for t in tokens[1:]):
        *heads, last = tokens[0].split(":", at_most - 1)
        return [*map(_piece, heads), (*_piece(last), *tokens[1:])]
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


def _piece(text: str) -> Tokens:
    return (text,) if text else ()


def arn_glob(tokens: Tokens) -> Matcher:
    """The matcher of the Arn operators: six parts, each compared on its own (iam.md 4.7)."""
    return _whole_arn(tokens, segments(tokens))


def _whole_arn(tokens: Tokens, parts: list[Tokens]) -> Matcher:
    if len(parts) != 6:
        return never
    if not any(isinstance(token, Wild) for part in parts[:5] for token in part):
        return glob(tokens)  # the first five parts are literal, so the whole text will do
    return _by_parts(parts)


def resource_glob(tokens: Tokens) -> Matcher:
    """The matcher of a Resource element's pattern (iam.md 4.6).

    Only key policies may have a pattern of fewer than six parts. It can match only if it ends in
    `*`, which then swallows the rest of the ARN.
    """
    if tokens and all(token is Wild.ANY for token in tokens):
        return always
    parts = segments(tokens)
    if len(parts) == 6:
        return _whole_arn(tokens, parts)
    if parts[-1] and parts[-1][-1] is Wild.ANY:
        return _by_parts(parts)
    return never


def _by_parts(parts: list[Tokens]) -> Matcher:
    """Each part is matched against the same part of the text; the last one takes the rest."""
    plain = _plain_parts(parts)
    if plain is not None:
        return plain
    matchers, splits = [glob(part) for part in parts], len(parts) - 1

    def matches(text: str) -> bool:
        text_parts = text.split(":", splits)
        if len(text_parts) <= splits:
            return False
        return all(matcher(part) for matcher, part in zip(matchers, text_parts, strict=True))

    return matches


def _plain_parts(parts: list[Tokens]) -> Matcher | None:
    """The matcher of the usual ARN pattern, or None for every other pattern.

    In the usual pattern each part is a literal or `*`, and the last part may be a literal that
    ends in `*`. The text between two such `*` is one literal, which begins at a colon.
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


def is_plain(pattern: str) -> bool:
    """Is there no wildcard in it?"""
    return "*" not in pattern and "?" not in pattern


def one_action(pattern: str) -> bool:
    """Is this one pattern?  A text with a blank or a comma holds two, and matches nothing."""
    return " " not in pattern and "," not in pattern


def action_glob(pattern: str) -> Matcher:
    """The matcher of an action pattern, for actions in lower case (iam.md 4.5)."""
    return glob(wildcards(ascii_lower(pattern))) if one_action(pattern) else never


def wildly(pattern: str, text: str) -> bool:
    """Does the pattern match the text?  The same answer as `glob`, without a matcher to keep.

    It is for short texts. The search for each piece begins where the piece before it ended.
    """
    if "?" in pattern:
        return glob(wildcards(pattern))(text)
    if "*" not in pattern:
        return text == pattern
    head, *middle, tail = pattern.split("*")
    position, end = len(head), len(text) - len(tail)
    if position > end or not text.startswith(head) or not text.endswith(tail):
        return False
    for piece in middle:
        begins = find(text, piece, position, end)
        if begins < 0:
            return False
        position = begins + len(piece)
    return True
