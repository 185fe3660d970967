"""Documents and exactly what is found in them: `findings/*.txt`, a table for each module.

    # a rule
    KIND [resource type] [any-key] elements           a good document of the kind but for these
        CODE what stands at its place | at the next   each finding, in the order of the document
            = its details                             of some

Elements are JSON, of the only statement or of the document; null leaves one out; behind `text`
stands a whole document. `!` behind a code: AWS only warns, here it is an error.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keystead.policy.findings.examine import findings
from keystead.policy.findings.messages.issues import ISSUES
from keystead.policy.language.document import DocumentKind
from tests.policy.issue_examples import document

Row = tuple[str, list[str]]
TABLES = Path(__file__).parent / "findings"
OF_DOCUMENT = ("Version", "Id", "Statement")


def rows() -> Iterator[Any]:
    """Every document of every table, with what is expected of it."""
    for file in sorted(TABLES.glob("*.txt")):
        expected: list[str] = []
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("    "):
                expected.append(line.strip())
            elif line and not line.startswith("#"):
                expected = []
                yield pytest.param(line, expected, id=f"{file.stem}:{line}")


def read(line: str) -> tuple[str, DocumentKind, dict[str, Any]]:
    """The document of a row, its kind, and how it is asked about."""
    more: dict[str, Any] = {}
    kind, rest = DocumentKind[line.partition(" ")[0]], line.partition(" ")[2]
    if rest.startswith("text "):
        return rest.removeprefix("text "), kind, more
    if rest.startswith("AWS::"):
        more["resource_type"], _, rest = rest.partition(" ")
    if rest.startswith("any-key "):
        more["any_key"], rest = True, rest.partition(" ")[2]
    elements = json.loads(rest)
    top = {name: elements.pop(name) for name in OF_DOCUMENT if name in elements}
    return document(kind, elements, **top), kind, more


@pytest.mark.parametrize(("line", "expected"), list(rows()))
def test_exactly_this_is_found(line: str, expected: list[str]) -> None:
    """These findings and no others, at these places."""
    text, kind, more = read(line)
    told: list[str] = []
    details = [one for one in expected if one.startswith("= ")]
    for found in findings(text, kind, **more):
        spans = [text[one.start.offset : one.end.offset] for one in found.locations]
        here = "!" if found.type is not ISSUES[found.code].type else ""
        told.append(f"{found.code}{here} {' | '.join(spans)}".strip())
        if f"= {found.details}" in details:
            told.append(f"= {found.details}")
    assert told == expected
