"""Where do checkpoints go besides the data directory?  (AD-5)

Whoever can edit the data directory can cut its log back to an older checkpoint; a copy of the
newer one elsewhere tells. Sinks come from the configuration file and from nowhere else: no
operation adds, stops or redirects one. A sink that fails is reported and loses nothing, because
the next checkpoint covers what this one did.
"""

from pathlib import Path
from typing import Protocol

from keystead.audit.files import LogFile


class Sink(Protocol):
    """Takes every checkpoint, in order."""

    def push(self, line: bytes) -> None:
        """Keep one checkpoint; raises DiskFull or DiskFailed."""


class FileSink:
    """Appends checkpoints to a file, best on another machine's disk or on one that only grows."""

    def __init__(self, path: Path) -> None:
        self._file = LogFile(path)

    def push(self, line: bytes) -> None:
        self._file.append(line)
