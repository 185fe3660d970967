"""How do bytes and names become durable on this system?

INVARIANT: a start makes the data that it reads durable before it goes on. That data may be in the
system's cache only: the last process may have ended before its sync, or its sync may have failed.
After a failed sync the system counts the unwritten data as written, and later syncs skip it.
"""

import fcntl
import os
import sys
from pathlib import Path

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


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
