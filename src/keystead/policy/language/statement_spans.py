"""Where does each statement stand in the text of its document?  By line and column (iam.md 1.9).

    start   in a list: behind the list's `[`, or behind the `}` of the statement before
            without a list: behind the statement's own `{`
    end     behind the statement's own `}`

Lines and columns count from 1, as in IAM's simulator. The blanks and the comma between two
statements belong to the second statement.
"""

import re

import msgspec

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]|\r\n|\n|\r')
_OPENING, _CLOSING = frozenset("[{"), frozenset("]}")


class Position(msgspec.Struct, frozen=True):
    """A point between two characters, given as the line and column of the second."""

    line: int
    column: int


class Span(msgspec.Struct, frozen=True):
    """Where a statement begins and ends."""

    start: Position
    end: Position


def statement_spans(text: str) -> tuple[Span, ...]:
    """The spans of all statements, in order, of a document that follows the grammar.

    Among the elements of a policy only `Statement` is a list or an object. So its bracket is
    enough to find it, even if its name is written with escapes.
    """
    spans: list[Span] = []
    start = Position(1, 1)
    line, line_start, depth, innermost = 1, 0, 0, 0
    for match in _TOKEN.finditer(text):
        mark = match[0]
        if mark[0] in "\r\n":
            line, line_start = line + 1, match.end()
            continue
        here = Position(line, match.end() - line_start + 1)
        if mark in _OPENING:
            depth += 1
            if depth == 2:  # the list of statements, or the only one
                innermost = 3 if mark == "[" else 2
                start = here
        elif mark in _CLOSING:
            if depth == innermost and mark == "}":
                spans.append(Span(start, here))
                start = here
            depth -= 1
    return tuple(spans)
