"""What each KMS operation needs, held against the tables of the reference (kms.md 3, 7, 10)."""

from pathlib import Path

import pytest

from keystead.kms.call import KmsCall
from keystead.kms.rules import KMS
from keystead.wire.models import kms as api
from tests.kms.world import Kms

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "kms.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading of the page, without its head."""
    section = PAGE.split(f"{heading} ", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in lines[2:]]


CATALOGUE = {cells[0]: cells for cells in rows("## 3. Operation catalogue")}
"""Operation, required and optional input, output, DryRun, GrantTokens, key form, X-acct, errors."""


def test_every_operation_has_its_row() -> None:
    """The table has AWS's 56 operations, in the order of their names, and so has the page."""
    assert list(KMS) == sorted(api.OPERATIONS)
    assert set(KMS) == set(CATALOGUE)


@pytest.mark.parametrize("name", KMS)
def test_across_accounts(name: str) -> None:
    """An operation works on a key of another account when the catalogue says so."""
    assert KMS[name].across_accounts is (CATALOGUE[name][7] == "Y")


def test_answers_that_records_show() -> None:
    """Records show the answers of five operations, as CloudTrail does (kms.md 22.2)."""
    shown = {name for name, row in KMS.items() if row.answer_recorded}
    told = {"CancelKeyDeletion", "CreateGrant", "CreateKey", "ReplicateKey", "ScheduleKeyDeletion"}
    assert shown == told
    assert not any(KMS[name].operation.read_only for name in shown)


def test_an_operation_asks_about_its_own_actions(
    admin: Kms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question about an action that the row does not list is our bug; its twin is answered."""
    key = admin.key()
    admin.describe_key(KeyId=key)
    other = KMS["GetKeyPolicy"]
    monkeypatch.setattr(KmsCall, "rules", property(lambda _: other))
    with pytest.raises(RuntimeError, match="DescribeKey does not ask about kms:DescribeKey"):
        admin.describe_key(KeyId=key)
