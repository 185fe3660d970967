"""Which process may use a data directory?  One at a time (DB-1).

The kernel holds the lock (flock on the file `lock`), so it ends with its process. The process id in
the file only serves the error message.
"""

import fcntl
import os
from pathlib import Path


class DirectoryInUse(Exception):
    """Another process uses the data directory."""


class DirectoryLock:
    """The right to use one data directory, until `release()` or the end of the process."""

    __slots__ = ("_descriptor", "directory")

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._descriptor = os.open(
            directory / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600
        )
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise DirectoryInUse(
                f"the data directory `{directory}` is in use by another keystead"
                f" (process {holder or 'unknown'})"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Give the directory free for the next process. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
