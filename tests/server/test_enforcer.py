"""Whose compiled decisions are they?  An installation has its own, and all its calls ask them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from keystead.policy.enforcement import enforce
from keystead.policy.evaluation import PolicyKind
from tests.server.installations import Local, open_local

PAGE = "keystead_policy_disagreements_total"


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Local, Local]]:
    """Two installations in one process."""
    opened = open_local(tmp_path / "one"), open_local(tmp_path / "other")
    yield opened
    for local in opened:
        local.installation.close()


def shown(local: Local) -> float:
    """How many differences an operator sees."""
    (number,) = (one for one in local.installation.metrics.numbers if one.metric.name == PAGE)
    return number.value()


def test_services_share_the_enforcer_of_their_installation(two: tuple[Local, Local]) -> None:
    """What KMS and IAM calls had compiled is kept with their installation, not with another."""
    local, other = two
    for request in (local.kms_request("ListKeys"), local.iam_request("ListUsers")):
        before = local.installation.enforcer.kept_bytes
        assert local.send(request).status == 200
        assert local.installation.enforcer.kept_bytes > before
        assert local.installation.kept_bytes() >= local.installation.enforcer.kept_bytes
    assert other.installation.enforcer.kept_bytes == 0


def test_a_difference_refuses_and_shows_where_it_was(
    two: tuple[Local, Local], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiled decision that is wrong refuses its call, and only its installation counts it."""
    local, other = two
    monkeypatch.setattr(enforce, "compile_residual", lambda *_: lambda *_: PolicyKind.SESSION)
    assert local.kms("ListKeys").status == 400
    assert (shown(local), shown(other)) == (1, 0)
    monkeypatch.undo()
    assert other.kms("ListKeys").status == 200
    assert (shown(local), shown(other)) == (1, 0)
