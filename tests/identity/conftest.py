"""An installation per test, with one account and its administrator."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.identity.world import Person, Tenant, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.create(tmp_path / "installation")
    yield world
    world.store.close()


@pytest.fixture
def tenant(world: World) -> Tenant:
    return world.account()


@pytest.fixture
def admin(tenant: Tenant) -> Person:
    return tenant.administrator()
