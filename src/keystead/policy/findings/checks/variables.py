"""Are the variables of a text well-formed, and may they stand there?  (iam.md 4.8)"""

import re
from collections.abc import Iterator

from keystead.policy.findings.json_tree import Node
from keystead.policy.findings.subject import Subject
from keystead.policy.language import VARIABLE, Dialect, MalformedVariable, template

_START = re.compile(r"\$\{[^}]*\}?")
_WHOLE = re.compile(r"\$\{[^}]*\}")


def starts(text: str) -> Iterator[tuple[int, int]]:
    """The start and the length of each part that looks like a variable."""
    for match in _START.finditer(text):
        yield match.start(), match.end() - match.start()


def masked(text: str) -> str:
    """The text with `$` in place of its variables, whose characters must not divide it."""
    # No variable ends behind the last brace, and the search for an end there would take long.
    inside, brace, rest = text.rpartition("}")
    return _WHOLE.sub(lambda match: "$" * len(match[0]), inside + brace) + rest


def check(subject: Subject, node: Node) -> None:
    """Note the mistakes in the variables of a string. This string may have variables."""
    text: str = node.scalar
    if "${" not in text:
        return
    if not subject.dialect.variables:
        start, length = next(starts(text))
        location = subject.text.of_part(node, start, length)
        subject.add("VARIABLE_UNSUPPORTED_IN_VERSION", location)
        return
    if is_malformed(text, subject.dialect):
        for start, length in starts(text):
            written = text[start : start + length]
            if not VARIABLE.fullmatch(written):
                subject.add(_mistake(written), subject.text.of_part(node, start, length))


def is_malformed(text: str, dialect: Dialect) -> bool:
    try:
        template(text, dialect, wild=False)
    except MalformedVariable:
        return True
    return False


def _mistake(written: str) -> str:
    """The issue of a text that begins like a variable and is none."""
    if not written.endswith("}"):
        return "MISSING_BRACE_IN_VARIABLE"
    inside = written[2:-1]
    name, comma, default = inside.partition(",")
    if not name.strip():
        return "EMPTY_VARIABLE"
    if "${" in inside:
        return "MISSING_BRACE_IN_VARIABLE"
    if comma and not re.fullmatch(r"\s*'[^']*'\s*", default):
        return "MISSING_QUOTE_IN_VARIABLE"
    if re.search(r"\s", name) or comma:
        return "UNSUPPORTED_SPACE_IN_VARIABLE"
    return "MISSING_QUOTE_IN_VARIABLE"
