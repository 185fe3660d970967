"""Every error that AWS's model lists for an operation: it arises, or the table says why not."""

import ast
from pathlib import Path

import pytest

from tests.models import service_model
from tests.operations.calling import outcome
from tests.operations.errors import FOR_ALL, OWN, Elsewhere, Made, Never, Refused, members, row
from tests.operations.requests import GOOD
from tests.operations.subjects import Subjects

TESTS = Path(__file__).resolve().parents[1]
MODEL = service_model("kms")
STORES = "CustomKeyStore"
MODELLED = [
    (operation, error.name)
    for operation in GOOD
    for error in MODEL.operation_model(operation).error_shapes
]
"""Each operation with each error that the model lists for it."""


SHOWN_HERE = [pair for pair in MODELLED if isinstance(row(*pair), Refused | Made)]
"""Those that a request of the table comes to."""


def test_every_operation_has_a_request() -> None:
    """All but those of custom key stores, which have a test of their own."""
    of_stores = {name for name in MODEL.operation_names if STORES in name}
    assert {*GOOD} == {*MODEL.operation_names} - of_stores
    assert len(of_stores) == 6


def test_every_modelled_error_has_a_row() -> None:
    assert [pair for pair in MODELLED if row(*pair) is None] == []


def test_every_row_is_of_a_modelled_error() -> None:
    """A row for an error that the model does not list, or does not list any more, is a mistake."""
    assert {*OWN} - {*MODELLED} == set()
    assert {*FOR_ALL} <= {error for pair in MODELLED if pair not in OWN for error in pair[1:]}


def test_what_is_shown_elsewhere_is_there() -> None:
    """The tests that the table names exist, and speak of the error."""
    for operation, error in MODELLED:
        named = row(operation, error)
        if isinstance(named, Elsewhere):
            file, _, name = named.test.partition("::")
            text = (TESTS / file).read_text()
            bodies = [
                ast.get_source_segment(text, node) or ""
                for node in ast.parse(text).body
                if isinstance(node, ast.FunctionDef) and node.name == name
            ]
            assert any(error in body for body in bodies), named


def test_reasons_are_sentences() -> None:
    never = [each for each in (*OWN.values(), *FOR_ALL.values()) if isinstance(each, Never)]
    assert all(len(each.reason.split()) > 4 for each in never)


@pytest.mark.parametrize(("operation", "error"), SHOWN_HERE)
def test_it_arises(subjects: Subjects, operation: str, error: str) -> None:
    """The request of the table is refused with the error."""
    wanted = row(operation, error)
    if isinstance(wanted, Made):
        sent = wanted.members(subjects)
    else:
        assert isinstance(wanted, Refused)
        sent = members(subjects, operation, wanted)
    assert outcome(subjects.here, operation, sent) == error


@pytest.mark.parametrize("operation", GOOD)
def test_the_good_request_succeeds(subjects: Subjects, operation: str) -> None:
    """What the table changes is what is refused: without the change the call succeeds."""
    good = GOOD[operation]
    state = "PendingDeletion" if operation == "CancelKeyDeletion" else "Enabled"
    subject = subjects.get(good.kind or "cipher", state)
    sent = good.members(subject)
    assert outcome(subject.kms, operation, sent) == "ok"
    if good.changes:
        subjects.used_up(good.kind, state)
