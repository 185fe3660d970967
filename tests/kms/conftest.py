"""A fresh world for each test, and its administrator."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kms.world import (
    OTHER_REGION,
    Kms,
    World,
)  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def admin(world: World) -> Kms:
    """An administrator of the account: a user who may do everything."""
    return world.caller()


@pytest.fixture
def key(admin: Kms) -> str:
    """The ARN of a key that the account's policies decide about."""
    return admin.arn(f"key/{admin.key()}")


@pytest.fixture
def there(world: World) -> Kms:
    """The administrator in another Region."""
    return world.caller(region=OTHER_REGION)
