"""`keystead` on a disk whose next sync of one file fails, or that is full, when a file says so.

    python -m tests.durability.failing_server ORDER serve --data DIR …

When ORDER appears, the next sync of a file whose name starts with its content fails, once. While
it says `full`, there is no room for any write.
"""

import errno
import os
import sys
from functools import partial
from pathlib import Path

import pytest

from keystead.__main__ import main
from keystead.server.installation import rooms
from keystead.store.sqlite.engine import open_store
from tests.store.lossy_disk import VFS, new_disk, under_os

FULL = "full"


def fail_on(order: Path) -> None:
    """Let the syncs of this process fail when they are told to."""

    def obey(operation: str, path: str) -> None:
        if operation == "write" and order.exists() and order.read_text() == FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if operation == "sync" and order.exists() and Path(path).name.startswith(order.read_text()):
            order.unlink()
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    disk = new_disk()
    disk.on_operation = obey
    patch = pytest.MonkeyPatch()
    under_os(disk, order.parent, patch)
    patch.setattr(rooms, "open_store", partial(open_store, vfs=VFS))


if __name__ == "__main__":
    fail_on(Path(sys.argv.pop(1)))
    main()
