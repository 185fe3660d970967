"""Dry runs: of every operation that has them in AWS's model (kms.md 6.3)."""

from collections.abc import Iterator
from typing import Any

import pytest

from keystead.registry import implementation
from keystead.wire.models import kms as api
from tests import condition_keys as table
from tests import setting
from tests.kms.world import Kms, World, allow, deny, refused

NAMES = [
    name
    for name, operation in api.OPERATIONS.items()
    if "dry_run" in operation.input.__struct_fields__
]
SERVED = [name for name in NAMES if implementation("kms", name)]
REQUESTS = {
    name: next(row.request for row in table.KMS if row.operation == name) for name in SERVED
}
WOULD = "The request would have succeeded, but the DryRun option is set."


def test_which_operations_have_dry_runs() -> None:
    """There are seventeen, and all of them are served."""
    assert len(NAMES) == 17
    assert SERVED == NAMES


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, dict[str, Any]]]:
    """What the requests are about. Dry runs change nothing."""
    world = World(tmp_path_factory.mktemp("kms"))
    yield world, setting.keys(world.caller(), world.now)
    world.store.close()


def request(name: str, made: dict[str, Any]) -> dict[str, Any]:
    return {member: setting.filled(value, made) for member, value in REQUESTS[name].items()}


@pytest.mark.parametrize("name", SERVED)
def test_a_dry_run_changes_nothing(made: tuple[World, dict[str, Any]], name: str) -> None:
    """It is refused because it is one, in the first run, and leaves the store as it was."""
    world, things = made
    before = world.store.read().changes.state
    with refused("DryRunOperationException", WOULD):
        world.caller().call(name, {**request(name, things), "DryRun": True})
    assert world.store.read().changes.state == before


@pytest.mark.parametrize("name", SERVED)
def test_a_dry_run_asks(made: tuple[World, dict[str, Any]], name: str) -> None:
    """Who may not make the call is told so by a dry run of it."""
    world, things = made
    denied = [f"kms:{row.asked}" for row in table.KMS if row.operation == name]
    mallory: Kms = world.caller("mallory", policies=[allow("*"), deny(denied)])
    with refused("AccessDeniedException"):
        mallory.call(name, {**request(name, things), "DryRun": True})
