"""A fresh world for each test, and its administrator."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kms.world import Kms, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def admin(world: World) -> Kms:
    """An administrator of the account: a user who may do everything."""
    return world.caller()
