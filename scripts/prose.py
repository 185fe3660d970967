"""What do people read in a file?  Comments and docstrings of Python, and the whole of a page."""

import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BEFORE_A_STATEMENT = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}
_BETWEEN = {tokenize.NL, tokenize.COMMENT}


@dataclass(frozen=True, slots=True)
class Prose:
    """A text and the line that it begins on."""

    line: int
    text: str

    def line_of(self, position: int) -> int:
        """The line of a position in it."""
        return self.line + self.text.count("\n", 0, position)


def of_file(path: Path) -> list[Prose]:
    """The texts of a file."""
    text = path.read_text()
    if path.suffix == ".py":
        return list(_of_python(text))
    if path.suffix == ".md":
        return [Prose(1, text)]
    return [Prose(1, "\n".join(line.lstrip("# ") for line in text.split("\n")))]


def _of_python(text: str) -> Iterator[Prose]:
    """Docstrings (a string that is a statement), and comments; those on adjacent lines are one."""
    comments: list[tokenize.TokenInfo] = []
    before = tokenize.ENCODING
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if comments and token.start[0] > comments[-1].start[0] + 1:
                yield _together(comments)
                comments = []
            comments.append(token)
        elif token.type == tokenize.STRING and before in _BEFORE_A_STATEMENT:
            yield Prose(token.start[0], token.string)
        if token.type not in _BETWEEN:
            before = token.type
    if comments:
        yield _together(comments)


def _together(comments: list[tokenize.TokenInfo]) -> Prose:
    return Prose(comments[0].start[0], "\n".join(each.string.lstrip("# ") for each in comments))
