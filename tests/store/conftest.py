"""A real store, in a directory of the test's own."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from keystead.store.sqlite.engine import SqliteStore, open_store
from tests.store.lossy_disk import VFS, LossyDisk, new_disk

KEY = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database stands."""
    return tmp_path / "keystead.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """An open store with a table of the test's own."""
    with closing(open_store(path, KEY)) as opened:
        create_table(opened)
        yield opened


@pytest.fixture
def disk() -> LossyDisk:
    """The disk below the next store that is opened with `vfs=VFS`."""
    return new_disk()


@pytest.fixture
def lossy_store(disk: LossyDisk, path: Path) -> Iterator[SqliteStore]:
    """A store on the lossy disk."""
    opened = open_store(path, KEY, vfs=VFS)
    create_table(opened)
    yield opened
    disk.on_operation = lambda _operation, _path: None
    opened.close()


def create_table(store: SqliteStore) -> None:
    """A small table, durable."""
    with store.write() as transaction:
        transaction.run("CREATE TABLE item (name TEXT NOT NULL PRIMARY KEY, size INTEGER) STRICT")
    store.flush()


def add(store: SqliteStore, name: str, size: int = 1) -> None:
    """One mutating call."""
    with store.write() as transaction:
        transaction.run("INSERT INTO item (name, size) VALUES (?, ?)", (name, size))


def names(store: SqliteStore) -> list[str]:
    """What the table holds."""
    return [name for (name,) in store.read().all("SELECT name FROM item ORDER BY name")]
