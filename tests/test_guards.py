"""Every guard of threat-model section 7 is held by tests that exist."""

import re
from pathlib import Path

from tests.guards import GUARDS

ROOT = Path(__file__).parents[1]


def rows() -> list[str]:
    """The calls of the table: the first cell of each row."""
    page = (ROOT / "docs" / "threat-model.md").read_text()
    section = page.split("\n## 7. ", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [line.split("|")[1].strip() for line in lines[1:]]


def test_every_row_has_its_tests() -> None:
    """Each row of the page is in the table of guards, and nothing else is."""
    unheld = [row for row in rows() if not any(_is(row, guard) for guard in GUARDS)]
    assert not unheld, f"add to GUARDS in tests/guards.py the tests that hold {unheld}"
    assert [guard for guard in GUARDS if not any(_is(row, guard) for row in rows())] == []


def _is(row: str, guard: str) -> bool:
    return row == guard or row.startswith(f"{guard}, ")


def test_the_tests_exist() -> None:
    """A test that is renamed or removed is missed here."""
    for guard, held in GUARDS.items():
        for line in held:
            file, names = line.split(": ")
            text = (ROOT / "tests" / file).read_text()
            for name in names.split():
                assert re.search(rf"^def {name}\(", text, re.MULTILINE), (guard, file, name)
