"""A comment that silences a tool says why: `make check` finds each one that does not."""

from pathlib import Path

import pytest
from scripts.check_reasons import check

SILENT = "# " + "noqa"  # in two pieces: this file is read by ruff, too
IGNORED = "# " + "type: ignore"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (f"x = 1  {SILENT}", "of no matter"),
        (f"x = 1  {SILENT}: E501", "a table"),
        (f"x = 1  {SILENT}: E501, S608", "our own names"),
        (f"x = 1  {IGNORED}", "seen by tests only"),
        (f"x = 1  {IGNORED}[assignment]", "seen by tests only"),
        (f"x = 1  {IGNORED}[assignment]  {SILENT}: E402", "after the path"),
        (f"x = 1  {SILENT}: E501  # fmt: skip", "a table"),
        (f"x = 1  {SILENT}: BLE001  # (d)", "others must go on"),
        (f"# ruff: {SILENT[2:]}: E501", "tables"),
        ("# mypy: ignore-errors", "generated"),
    ],
)
def test_a_reason_is_given(tmp_path: Path, bad: str, reason: str) -> None:
    """Without one the line is named, and with one nothing is."""
    (tmp_path / "tests").mkdir()
    source = tmp_path / "tests" / "test_it.py"
    source.write_text(f"# A comment.\n{bad}\n")
    assert check(tmp_path) == [f"tests/test_it.py:2: `{bad[bad.index('#') :]}` gives no reason"]
    source.write_text(f"# A comment.\n{bad}  # {reason}\n")
    assert check(tmp_path) == []


def test_what_is_text_is_not_read(tmp_path: Path) -> None:
    """Only comments are: a text may hold the same words."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "it.py").write_text(f'x = "{SILENT}: E501"\n')
    assert check(tmp_path) == []
