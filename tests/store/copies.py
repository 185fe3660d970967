"""New stores for tests about something else: to copy a store is far quicker than to make one."""

import tempfile
from functools import cache
from pathlib import Path

from keystead.store.sqlite.engine import SqliteStore, open_store


def new_store(path: Path, key: bytes) -> SqliteStore:
    """The store in this file; a new one if there is no file."""
    if not path.exists():
        path.write_bytes(_made(key))
    return open_store(path, key)


@cache
def _made(key: bytes) -> bytes:
    """A new store, closed."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "keystead.db")
        open_store(path, key).close()
        return path.read_bytes()
