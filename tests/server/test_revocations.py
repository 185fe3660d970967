"""Revoked means revoked: a request that begins after the revoking call returned is refused.

`make prove-revocations` runs the same rounds at length.
"""

from collections.abc import Iterator

import pytest

from tests.conftest import OTHER_REGION, Server, free_port
from tests.revoking.kinds import KINDS
from tests.revoking.rounds import rounds
from tests.revoking.steps import Steps, both
from tests.revoking.world import ALLOW, World

ROUNDS = 300


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server of its own, for its account becomes the management account of an organization."""
    server = Server(tmp_path_factory.mktemp("revoking") / "data", free_port())
    server.start("--region", OTHER_REGION)
    yield World(server)
    assert server.stop() == 0, server.log()


def test_no_stale_allow(world: World) -> None:
    """Of every kind of revoking call: allowed before, refused from its return on, under load."""
    found = rounds(world, ROUNDS)

    assert (found.stale, found.refused) == ([], []), found
    assert set(found.rounds) == {kind.__name__ for kind in KINDS}
    assert min(found.rounds.values()) >= ROUNDS // len(KINDS)
    assert found.after >= 3 * ROUNDS, found
    assert found.before >= 3 * ROUNDS, found


def test_a_call_that_revokes_nothing_is_found(world: World) -> None:
    """The rounds tell when access goes on: here each request was allowed, of three who ask."""

    def nothing(world: World) -> Steps:
        yield from both(
            world.encrypt(world.assume(world.role(ALLOW)), world.key), lambda: None, lambda: None
        )

    found = rounds(world, 1, [nothing])
    assert (set(found.stale), found.after) == ({"nothing"}, 0)
    assert len(found.stale) >= 3  # a thread may ask again while another waits
