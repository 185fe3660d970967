"""How does the log get shorter?  Finished files of records are kept elsewhere; nothing else goes.

    DIR/records-<first>.jsonl.gz        one finished file, compressed
    DIR/checkpoints-<before>.jsonl      the checkpoints over what one archiving took
    DIR/public-key.pem

(1) Everything is written under another name, made durable, given its name, and read back: `copy`.
(2) That it was archived is recorded in the log, durably, and only then is it removed, the oldest
    file first and the checkpoints last: `Trail.forget`.

So whenever it is interrupted each record is in one of the two places, or in both, and the log
begins at a signed checkpoint. Archiving again goes on from there.
"""

import gzip
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from keystead.audit.files import CHECKPOINTS, PUBLIC_KEY, Segment, segments
from keystead.store.disk import sync_directory

EVENT = "ArchiveAuditLog"
SOURCE, SERVICE_EVENT = "keystead", "AwsServiceEvent"
BEFORE = "before"  # of its details: the first record that stays
_BLOCK = 1 << 20
_PART = ".part"

Progress = Callable[[int, int], None]  # bytes done, bytes in all


class NotArchived(Exception):
    """What stands in the archive is not what is to be archived; nothing was removed."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What the archive has now, of what may be removed."""

    before: int  # the first record that stays
    files: int
    bytes: int  # that they took in the log
    archived_bytes: int  # that they take in the archive


class _Size(msgspec.Struct):
    """The part of a checkpoint that tells how many records it covers."""

    size: int


class _Told(msgspec.Struct):
    """The part of a record that says what was archived."""

    source: str = msgspec.field(name="eventSource")
    type: str = msgspec.field(name="eventType")
    details: dict[str, str] = msgspec.field(name="serviceEventDetails")


def boundary(directory: Path, keep: int = 0) -> int:
    """The first record that has to stay; 0 while no finished file can go.

    Files before it are finished, and a checkpoint signs exactly what they hold. `keep` finished
    files stay, too.
    """
    firsts = [segment.first for segment in segments(directory)][1:]
    if keep:
        firsts = firsts[:-keep]
    signed = {size for size, _ in signed_sizes(directory / CHECKPOINTS)}
    return max((first for first in firsts if first in signed), default=0)


def signed_sizes(path: Path) -> Iterator[tuple[int, bytes]]:
    """How many records each whole line of a file of checkpoints covers, and the line."""
    decode = msgspec.json.Decoder(_Size).decode
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield decode(line).size, line


def copy(directory: Path, before: int, archive: Path, progress: Progress | None = None) -> Copied:
    """(1) Keep everything before this record in `archive`, too; raises NotArchived, OSError."""
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
    """The first record that stayed, as a record of an archiving says; 0 for any other record.

    Anybody may call an operation of that name: the record says that nobody did.
    """
    try:
        found = msgspec.json.decode(event, type=_Told)
    except msgspec.DecodeError:
        return 0
    ours = found.source == SOURCE and found.type == SERVICE_EVENT
    return int(found.details.get(BEFORE, 0)) if ours else 0


def begins(directory: Path, record: int) -> bool:
    """Could the log begin with this record?  It is a file's first, and a checkpoint leads to it."""
    firsts = {segment.first for segment in segments(directory)}
    signed = (size for size, _ in signed_sizes(directory / CHECKPOINTS))
    return record in firsts and any(size == record for size in signed)


def remove(directory: Path, before: int) -> None:
    """(2) Remove the files before this record, the oldest first, then their checkpoints."""
    for segment in segments(directory):
        if segment.first < before:
            segment.path.unlink()
            sync_directory(directory)
    place = directory / CHECKPOINTS
    _write(place, [line for size, line in signed_sizes(place) if size >= before])


def _archived(segment: Segment, archive: Path) -> Path:
    return archive / f"{segment.path.name}.gz"


def _keep(segment: Segment, archive: Path) -> None:
    """Compress one file into the archive, unless an interrupted archiving did it already."""
    place = _archived(segment, archive)
    if not place.exists():
        draft = place.with_name(place.name + _PART)
        with open(draft, "wb", opener=_private) as file:
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                for block in _blocks(segment.path.open("rb")):
                    packed.write(block)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(place)
        sync_directory(archive)
    if not _alike(segment.path, place):
        raise NotArchived(f"`{place}` does not hold what `{segment.path.name}` holds")


def _alike(plain: Path, packed: Path) -> bool:
    """Does the archived file give back the same bytes?"""
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


def _write(place: Path, blocks: list[bytes]) -> None:
    draft = place.with_name(place.name + _PART)
    with open(draft, "wb", opener=_private) as file:
        file.writelines(blocks)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(place)
    sync_directory(place.parent)


def _private(path: str, flags: int) -> int:
    """For its owner only, as the log is (DB-6)."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while block := file.read(_BLOCK):
            yield block
