"""A fresh trail for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audit.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An open trail; the test may close, crash and open it again."""
    opened = World(tmp_path).open()
    yield opened
    opened.store.undo()
    opened.store.close()
