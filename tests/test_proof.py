"""The page of proof names tests that exist, and each row has one."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "proof.md"


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text())
    return frozenset(each.name for each in tree.body if isinstance(each, ast.FunctionDef))


def test_each_row_has_its_test() -> None:
    """A name without a file is of the file before it, in the same cell."""
    rows = [line.split("|")[1:4] for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    rows = [row for row in rows if row[0].strip() != "row" and not row[0].strip().startswith("-")]
    assert len(rows) > 30
    for _, client, cell in rows:
        assert client.strip()
        named = re.findall(r"`(?:(tests/[\w/]+\.py)::)?(test_\w+)`", cell)
        assert named, cell
        file = ""
        for path, name in named:
            file = path or file
            assert name in functions_of(file), f"{file} has no {name}"
