"""A dry run of every operation that has them is refused as the call would be (kms.md 6.3)."""

import pytest

from tests.conftest import Server, create_user
from tests.models import service_model
from tests.operations.calling import OK, outcome
from tests.operations.errors import UNKNOWN
from tests.operations.requests import GOOD
from tests.operations.subjects import Subjects
from tests.operations.test_states import expected

MODEL = service_model("kms")
DRY = [name for name in GOOD if "DryRun" in MODEL.operation_model(name).input_shape.members]
PASSED = "DryRunOperationException"


def test_seventeen_operations_have_them() -> None:
    assert len(DRY) == 17


@pytest.mark.parametrize("operation", DRY)
def test_refused_as_the_call_is(subjects: Subjects, operation: str) -> None:
    """In each state, and of a key that is not there; what would have succeeded says so."""
    good = GOOD[operation]
    for state in ("Enabled", "Disabled", "PendingDeletion"):
        subject = subjects.get(good.kind, state)
        found = outcome(subject.kms, operation, {**good.members(subject), "DryRun": True})
        real = expected(operation, state)
        assert found == (PASSED if real == OK else real), state
        missing = {**good.members(subject), good.key: UNKNOWN, "DryRun": True}
        assert outcome(subject.kms, operation, missing) == "NotFoundException"


@pytest.fixture(scope="module")
def nobody(server: Server) -> object:
    """A user who may do nothing."""
    return server.client("kms", create_user(server, "dry-runs-nothing"))


@pytest.mark.parametrize("operation", DRY)
def test_it_asks(subjects: Subjects, nobody: object, operation: str) -> None:
    """Who may not make the call is not told whether it would succeed."""
    good = GOOD[operation]
    sent = {**good.members(subjects.get(good.kind)), "DryRun": True}
    assert outcome(nobody, operation, sent) == "AccessDeniedException"
