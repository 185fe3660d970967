"""How do bytes and names become durable on this system?

INVARIANT: a start makes the data that it reads durable before it goes on. That data may be in the
system's cache only: the last process may have ended before its sync, or its sync may have failed.
After a failed sync the system counts the unwritten data as written, and later syncs skip it.
"""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_BLOCK = 1 << 20  # bytes that are written at once


def sync_file(descriptor: int) -> None:
    """Make the content and the length of an open file durable."""
    if sys.platform == "darwin":
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)  # fsync stops at the drive's cache there
    else:
        os.fdatasync(descriptor)


def settle(descriptor: int, start: int = 0) -> None:
    """Make the content of an open file durable from `start` on, by writing it once more."""
    position = start
    while block := os.pread(descriptor, _BLOCK, position):
        written = 0
        while written < len(block):
            written += os.pwrite(descriptor, block[written:], position + written)
        position += len(block)
    sync_file(descriptor)


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which gets its name, durably, at the end of the block.

    Only its owner may read it (threat-model DB-6). If the block does not end well, a draft is left
    under another name, over which the next attempt writes.
    """
    draft = path.with_name(path.name + ".part")
    with open(draft, "wb", opener=_private) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_directory(path.parent)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
