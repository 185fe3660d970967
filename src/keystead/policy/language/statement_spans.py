"""Where does each statement stand in the text of its document?  By line and column (iam.md 1.9).

    start   behind what comes before the statement: the list's `[` or the last statement's `}`;
            of a statement that is no list's, behind its own `{`
    end     behind its own `}`

Both count from 1, as IAM's simulator gives them: the blanks and the comma between two statements
belong to the second.
"""

import re

import msgspec

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]|\r\n|\n|\r')
_OPENING, _CLOSING = frozenset("[{"), frozenset("]}")


class Position(msgspec.Struct, frozen=True):
    """A place between two characters, named by the one behind it."""

    line: int
    column: int


class Span(msgspec.Struct, frozen=True):
    """Where a statement begins and ends."""

    start: Position
    end: Position


def statement_spans(text: str) -> tuple[Span, ...]:
    """The places of the statements of a document that follows the grammar, in their order.

    Of a policy's elements only `Statement` is a list or an object, so that it is known by its
    bracket alone, however its name is written.
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
