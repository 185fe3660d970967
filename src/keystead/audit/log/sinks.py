"""Where do checkpoints go besides the data directory?  (AD-5)

An attacker who can edit the data directory can cut its log back to an older checkpoint, or replace
the directory by an older one. A copy of a newer checkpoint elsewhere shows this to `verify` and to
the next start (RK-5).

Sinks come from the configuration file only. No operation adds, stops or redirects a sink. A failure
of a sink is reported. It loses nothing, because the next checkpoint covers the same records.
"""

from pathlib import Path
from typing import Protocol

from keystead.audit.log.checkpoint import Checkpoint
from keystead.audit.log.files import DiskFailed, LogFile
from keystead.audit.log.recovery import END, AuditCorrupt, last_checkpoint

_START = b'{"version":'  # of every checkpoint


class Sink(Protocol):
    """Takes every checkpoint, in order."""

    def open(self) -> Checkpoint | None:
        """Get ready; returns the newest checkpoint that the sink has, or None.

        Raises DiskFull or DiskFailed. Raises AuditCorrupt if its content is no copy of ours.
        """

    def push(self, line: bytes) -> None:
        """Keep one checkpoint; raises DiskFull or DiskFailed."""

    def close(self) -> None:
        """Release the sink."""


class FileSink:
    """Appends checkpoints to a file.

    The file is best on another machine, or on a disk that only allows appending.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: LogFile | None = None

    def open(self) -> Checkpoint | None:
        """Open the file, and cut a torn end: the next checkpoint must begin a new line."""
        file = LogFile(self._path)
        newest, length = last_checkpoint(file)
        if newest is None and not _is_torn(file):
            file.close()
            raise AuditCorrupt(f"`{self._path}` holds something other than checkpoints")
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
        except DiskFailed:  # the content is unknown now; the next start reads it (DB-4)
            self.close()
            raise

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _is_torn(file: LogFile) -> bool:
    """Could this file be the torn beginning of a checkpoint?  It holds no whole one."""
    start = file.path.read_bytes()[: len(_START)].rstrip(b"\0")
    return _START.startswith(start)
