"""Where do checkpoints go besides the data directory?  (AD-5)

Whoever can edit the data directory can cut its log back to an older checkpoint, or put a whole
older directory in place; a copy of the newer checkpoint elsewhere tells, to `verify` and to the
next start (RK-5). Sinks come from the configuration file and from nowhere else: no operation adds,
stops or redirects one. A sink that fails is reported and loses nothing, because the next
checkpoint covers what this one did.
"""

from pathlib import Path
from typing import Protocol

from keystead.audit.checkpoint import Checkpoint
from keystead.audit.files import DiskFailed, LogFile
from keystead.audit.recovery import END, AuditCorrupt, last_checkpoint

_START = b'{"version":'  # of every checkpoint


class Sink(Protocol):
    """Takes every checkpoint, in order."""

    def open(self) -> Checkpoint | None:
        """Get ready; the newest checkpoint that was kept.

        Raises DiskFull, DiskFailed, and AuditCorrupt for what is no copy of ours.
        """

    def push(self, line: bytes) -> None:
        """Keep one checkpoint; raises DiskFull or DiskFailed."""

    def close(self) -> None:
        """Let go of it."""


class FileSink:
    """Appends checkpoints to a file, best on another machine's disk or on one that only grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: LogFile | None = None

    def open(self) -> Checkpoint | None:
        """Also cuts a torn end: else the next checkpoint would become a part of its line."""
        file = LogFile(self._path)
        newest, length = last_checkpoint(file)
        if newest is None and not _is_torn(file):
            file.close()
            raise AuditCorrupt(f"`{self._path}` holds something else than checkpoints")
        if length < file.size:
            file.cut(length)
        file.settle(length - END)
        self._file = file
        return newest

    def push(self, line: bytes) -> None:
        if self._file is None:
            raise DiskFailed(f"`{self._path}`: it failed before, or was never opened")
        try:
            self._file.append(line)
        except DiskFailed:  # nobody knows what is there now: the next start looks (DB-4)
            self.close()
            raise

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _is_torn(file: LogFile) -> bool:
    """May a file without a whole checkpoint be the beginning of one, or what a crash left of it?"""
    start = file.path.read_bytes()[: len(_START)].rstrip(b"\0")
    return _START.startswith(start)
