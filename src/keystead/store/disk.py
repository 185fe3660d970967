"""What makes bytes and names durable on this system?

INVARIANT: what a start goes on from is durable before it goes on. What it reads may be in the
system's cache alone: the last process ended before its sync, or the sync failed, after which the
system takes what it could not write for written, and later syncs pass over it.
"""

import fcntl
import os
import sys
from pathlib import Path

_BLOCK = 1 << 20  # bytes that are written at once


def sync_file(descriptor: int) -> None:
    """Make the content of an open file, its length included, durable."""
    if sys.platform == "darwin":
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)  # fsync stops at the drive's cache there
    else:
        os.fdatasync(descriptor)


def settle(descriptor: int, start: int = 0) -> None:
    """Make durable what stands in an open file from `start` on, by writing it once more."""
    place = start
    while block := os.pread(descriptor, _BLOCK, place):
        written = 0
        while written < len(block):
            written += os.pwrite(descriptor, block[written:], place + written)
        place += len(block)
    sync_file(descriptor)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
