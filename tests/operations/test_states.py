"""Every operation on a key, in every state that a caller can bring about (kms.md 7, 14).

What is expected is read from the table of the reference, not from the rows of our rules.
"""

import re

import pytest

from tests.kms.test_rules import LINES
from tests.operations.calling import OK, outcome
from tests.operations.requests import GOOD
from tests.operations.subjects import STATES, Subjects

COLUMNS = ("Enabled", "Disabled", "PendingDeletion", "PendingImport")
REFUSALS = {
    "1": "DisabledException",
    "3": "KMSInvalidStateException",
    "4": "KMSInvalidStateException",
    "5": "KMSInvalidStateException",
    "6": "UnsupportedOperationException",
    "8": "KMSInvalidStateException",
    "9": "KMSInvalidStateException",  # the keys here have imported material: only the state is left
    "10": "KMSInvalidStateException",  # the new target
}
"""The codes of the table, in the order in which they count: 2 is not observed, 7 is of stores."""

ABOUT_KEYS = [name for name, good in GOOD.items() if name in LINES or name == "GetKeyLastUsage"]
ONLY_AT_THE_PRIMARY = {
    "DisableKeyRotation", "EnableKeyRotation", "ReplicateKey", "RotateKeyOnDemand",
    "UpdatePrimaryRegion",
}  # fmt: skip


def there_is_one(operation: str, state: str) -> bool:
    """Is there a key for this operation that can be in this state?  Of ML-KEM none is imported."""
    return not (state.endswith("PendingImport") and GOOD[operation].kind == "encapsulation")


def expected(operation: str, state: str) -> str:
    """What the table says."""
    if operation not in LINES:
        return OK  # GetKeyLastUsage models no error of a state
    column = "PendingDeletion" if state == "PendingReplicaDeletion" else state
    cell = LINES[operation][COLUMNS.index(column)]
    codes = re.findall("[0-9]+", cell)
    if cell.startswith("✓") or (cell.startswith("?") and codes != ["10"]):
        return OK
    return next(error for code, error in REFUSALS.items() if code in codes)


def test_every_operation_is_tried() -> None:
    """Whatever has a line in the table, and the one that the table does not know."""
    assert {*ABOUT_KEYS} == {*LINES, "GetKeyLastUsage"}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("operation", ABOUT_KEYS)
def test_in_each_state(subjects: Subjects, operation: str, state: str) -> None:
    """It succeeds, or is refused with the error of the table."""
    if not there_is_one(operation, state):
        return
    good = GOOD[operation]
    subject = subjects.get(good.kind, state)
    found = outcome(subject.kms, operation, good.members(subject))
    if found == OK and good.changes:
        subjects.used_up(good.kind, state)
    assert found == expected(operation, state)


@pytest.mark.parametrize("state", ["Enabled", "Disabled", "PendingDeletion", "PendingImport"])
@pytest.mark.parametrize("operation", ABOUT_KEYS)
def test_of_a_replica(subjects: Subjects, operation: str, state: str) -> None:
    """A replica is a key of its own, but for what only its primary can do."""
    if not there_is_one(operation, f"replica {state}"):
        return
    good = GOOD[operation]
    subject = subjects.get(good.kind, f"replica {state}")
    found = outcome(subject.kms, operation, good.members(subject))
    if found == OK and good.changes:
        subjects.used_up(good.kind, f"replica {state}")
    if state == "Enabled" and operation in ONLY_AT_THE_PRIMARY:
        assert found == "UnsupportedOperationException"
    else:
        assert found == expected(operation, state)
