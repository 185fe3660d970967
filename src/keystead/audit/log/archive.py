"""How does the log get shorter?  Only finished files of records go, and they are kept elsewhere.

    DIR/records-<first>.jsonl.gz        one finished file, compressed
    DIR/checkpoints-<before>.jsonl      the checkpoints over the records of one archiving
    DIR/public-key.pem

(1) `copy` writes everything under another name, makes it durable, gives it its name, and reads it
    back.
(2) `Trail.forget` records the archiving in the log, durably. Only then it removes the files, the
    oldest first and the checkpoints last.

Archiving may be interrupted at any moment. Each record is then in the log, in the archive, or in
both, and the log begins at a signed checkpoint. A second archiving continues from there.
"""

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from keystead.audit.log.files import CHECKPOINTS, PUBLIC_KEY, Segment, segments
from keystead.store.disk import sync_directory, written_whole

EVENT = "ArchiveAuditLog"
SOURCE, SERVICE_EVENT = "keystead", "AwsServiceEvent"
BEFORE = "before"  # the detail of the event that names the first record that stays
_BLOCK = 1 << 20

Progress = Callable[[int, int], None]  # bytes done, bytes in all


class NotArchived(Exception):
    """The archive has other content than the log. Nothing was removed."""


@dataclass(frozen=True, slots=True)
class Copied:
    """The files that the archive has now, and that may be removed from the log."""

    before: int  # the first record that stays
    files: int
    bytes: int  # their size in the log
    archived_bytes: int  # their size in the archive


class _Size(msgspec.Struct):
    """The part of a checkpoint that tells how many records it covers."""

    size: int


class _Told(msgspec.Struct):
    """The part of a record that tells which records were archived."""

    source: str = msgspec.field(name="eventSource")
    type: str = msgspec.field(name="eventType")
    details: dict[str, str] = msgspec.field(name="serviceEventDetails")


def boundary(directory: Path, keep: int = 0) -> int:
    """The first record that has to stay; 0 if no finished file can go.

    The files before it are finished, and a checkpoint signs exactly their records. `keep` finished
    files stay as well.
    """
    firsts = [segment.first for segment in segments(directory)][1:]
    if keep:
        firsts = firsts[:-keep]
    signed = {size for size, _ in signed_sizes(directory / CHECKPOINTS)}
    return max((first for first in firsts if first in signed), default=0)


def signed_sizes(path: Path) -> Iterator[tuple[int, bytes]]:
    """For each whole line of a file of checkpoints: how many records it covers, and the line."""
    decode = msgspec.json.Decoder(_Size).decode
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield decode(line).size, line


def copy(directory: Path, before: int, archive: Path, progress: Progress | None = None) -> Copied:
    """(1) Copy all records before this one to `archive`; raises NotArchived, OSError."""
    archive.mkdir(mode=0o700, parents=True, exist_ok=True)
    going = [segment for segment in segments(directory) if segment.first < before]
    whole, done = sum(segment.path.stat().st_size for segment in going), 0
    for segment in going:
        _keep(segment, archive)
        done += segment.path.stat().st_size
        if progress is not None:
            progress(done, whole)
    checkpoints = [line for size, line in signed_sizes(directory / CHECKPOINTS) if size <= before]
    _write(archive / f"checkpoints-{before:012}.jsonl", [b"".join(checkpoints)])
    _write(archive / PUBLIC_KEY, [(directory / PUBLIC_KEY).read_bytes()])
    kept = sum(_archived(segment, archive).stat().st_size for segment in going)
    return Copied(before, len(going), whole, kept)


def told(event: bytes) -> int:
    """The first record that stayed, according to a record of an archiving. 0 for any other record.

    A caller may name an operation like this event. The record's source and type show that the
    server itself wrote it.
    """
    try:
        record = msgspec.json.decode(event, type=_Told)
    except msgspec.DecodeError:
        return 0
    ours = record.source == SOURCE and record.type == SERVICE_EVENT
    return int(record.details.get(BEFORE, 0)) if ours else 0


def begins(directory: Path, record: int) -> bool:
    """Could the log begin with this record?

    It must be the first record of a file, and a checkpoint must cover exactly the records before.
    """
    firsts = {segment.first for segment in segments(directory)}
    signed = (size for size, _ in signed_sizes(directory / CHECKPOINTS))
    return record in firsts and any(size == record for size in signed)


def remove(directory: Path, before: int) -> None:
    """(2) Remove the files before this record, the oldest first, and then their checkpoints."""
    for segment in segments(directory):
        if segment.first < before:
            segment.path.unlink()
            sync_directory(directory)
    path = directory / CHECKPOINTS
    _write(path, [line for size, line in signed_sizes(path) if size >= before])


def _archived(segment: Segment, archive: Path) -> Path:
    return archive / f"{segment.path.name}.gz"


def _keep(segment: Segment, archive: Path) -> None:
    """Compress one file into the archive, unless an interrupted archiving has already done it."""
    path = _archived(segment, archive)
    if not path.exists():
        with (
            written_whole(path) as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
        ):
            for block in _blocks(segment.path.open("rb")):
                packed.write(block)
    if not _alike(segment.path, path):
        raise NotArchived(f"`{path}` has other content than `{segment.path.name}`")


def _alike(plain: Path, packed: Path) -> bool:
    """Does the archived file unpack to the same bytes?"""
    try:
        with plain.open("rb") as ours, gzip.open(packed) as theirs:
            while True:
                block = ours.read(_BLOCK)
                if block != theirs.read(_BLOCK):
                    return False
                if not block:
                    return True
    except (EOFError, gzip.BadGzipFile):
        return False


def _write(path: Path, blocks: list[bytes]) -> None:
    with written_whole(path) as file:
        file.writelines(blocks)


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while block := file.read(_BLOCK):
            yield block
