"""Which files hold the lines of the log?  They only grow, and their durable length is known.

    records-<index of the first record, 12 digits>.jsonl      up to 64 MiB each
    checkpoints.jsonl
    public-key.pem

Finished files may be archived (`archive`). In an archive they are compressed.

INVARIANT: when `append` returns, the new data is durable. When it raises DiskFull, none of the new
data is in the file. A failed sync is never tried again, because its effect on the disk is unknown
(DB-4).
"""

import errno
import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from keystead.store.disk import settle, sync_directory, sync_file

CHECKPOINTS = "checkpoints.jsonl"
PUBLIC_KEY = "public-key.pem"
_RECORDS = re.compile(r"records-([0-9]{12})\.jsonl")
_ARCHIVED = re.compile(r"records-([0-9]{12})\.jsonl\.gz")
# After these errors nothing was written, and a later attempt may succeed: there was no space, or no
# descriptor to open the file.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE})
_NOT_OPENED = _FULL | {errno.ENOMEM}


class DiskFull(Exception):
    """Nothing was appended, because space or descriptors are short. It may work later (DB-5)."""


class DiskFailed(Exception):
    """The content of the disk is unknown. Nothing may be appended any more (DB-4)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of records."""

    first: int  # index of its first record
    path: Path


def segment_path(directory: Path, first: int) -> Path:
    """The file whose first record has this index."""
    return directory / f"records-{first:012}.jsonl"


def segments(directory: Path) -> list[Segment]:
    """The files of records, in order."""
    return _matching(_RECORDS, directory)


def archived(directory: Path) -> list[Segment]:
    """The archived files of records, in order."""
    return _matching(_ARCHIVED, directory)


def _matching(name: "re.Pattern[str]", directory: Path) -> list[Segment]:
    matches = ((name.fullmatch(path.name), path) for path in directory.iterdir())
    matching = [Segment(int(match[1]), path) for match, path in matches if match]
    return sorted(matching, key=lambda segment: segment.first)


class LogFile:
    """One open file that grows."""

    __slots__ = ("_descriptor", "path", "size")

    def __init__(self, path: Path) -> None:
        """Open the file, and make it if it is missing. Only its owner may use it (DB-6)."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise judged(path, error, _NOT_OPENED) from error
        try:
            os.fchmod(self._descriptor, 0o600)
            self.size = os.fstat(self._descriptor).st_size
            sync_directory(path.parent)
        except OSError as error:
            self.close()
            raise judged(path, error) from error
        self.path = path

    def append(self, data: bytes) -> None:
        """Add all of `data`, durably; raises DiskFull or DiskFailed."""
        length = len(data)
        try:
            written = os.pwrite(self._descriptor, data, self.size)
            while written < length:
                written += os.pwrite(self._descriptor, data[written:], self.size + written)
        except OSError as error:
            self._truncate(self.size)
            raise judged(self.path, error) from error
        self.sync()
        self.size += length

    def sync(self) -> None:
        """Make the content of the file durable; raises DiskFailed."""
        try:
            sync_file(self._descriptor)
        except OSError as error:
            raise DiskFailed(f"`{self.path}`: {error.strerror}") from error

    def settle(self, start: int) -> None:
        """Make the last process's data from `start` on durable; raises DiskFull, DiskFailed."""
        try:
            settle(self._descriptor, max(start, 0))
        except OSError as error:
            raise judged(self.path, error) from error

    def cut(self, size: int) -> None:
        """Shorten the file, durably."""
        self._truncate(size)
        self.sync()
        self.size = size

    def close(self) -> None:
        """Close the file. Idempotent, because the descriptor may soon be another file's."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _truncate(self, size: int) -> None:
        try:
            os.ftruncate(self._descriptor, size)
        except OSError as error:
            raise DiskFailed(f"`{self.path}`: {error.strerror}") from error


def judged(path: Path, error: OSError, passing: Collection[int] = _FULL) -> DiskFull | DiskFailed:
    """The exception for an error of the system. DiskFull: a later attempt may succeed."""
    kind = DiskFull if error.errno in passing else DiskFailed
    return kind(f"`{path}`: {error.strerror}")
