"""Is the log complete and unchanged?  Only its files decide: records, checkpoints, public key.

(1) Every checkpoint is signed by the key, and checkpoints only grow.
(2) Every record is a line in our form. It has the hash that stands beside it, and the position that
    its index tells. There is no gap, through all files.
(3) At each checkpoint the tree over the records has the signed root. So a record that was edited
    together with its hash is found between two checkpoints.
(4) The log does not end before the newest checkpoint, nor long after it. A server signs after a
    second or 1,000 records. So a long unsigned end means that checkpoints were removed.

The log may begin later than with record 0, at a signed checkpoint from which the tree continues.
There are two reasons. Older files were archived, and a record of the log must say so. Or the caller
asks the examination to begin there. Files of an archive are examined as a part of the log.

A missing file is reported differently from a changed file. The records after it are still compared
with the checkpoints.

The files alone cannot show that somebody cut both the log and its checkpoints back to an older
checkpoint. Nor can they show that the newest records after it were rewritten. So give the copy of a
sink as `witness`. Records after the newest checkpoint are checked by (2) only.

A server may be appending at the same time. Checkpoints are read first, because records are durable
before a checkpoint covers them. A last line without its end is still being written.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Protocol

from keystead.audit.log import (
    CHECKPOINTS,
    PUBLIC_KEY,
    UNSIGNED_RECORDS,
    UNSIGNED_TIME,
    BadCheckpoint,
    Checkpoint,
    Segment,
    Tree,
    archive,
    archived,
    key_id,
    segments,
)
from keystead.audit.records import lines
from keystead.audit.report import Problem, Report

VerifySignature = Callable[[bytes, bytes], bool]  # (signature, data); custody makes it
Progress = Callable[[int, int], None]  # bytes read, bytes in all

_MOST_UNSIGNED = 2 * UNSIGNED_RECORDS  # a turn may add many records at once
_LONGEST_UNSIGNED = 10 * UNSIGNED_TIME
_EVERY = 1 << 20  # bytes between two reports of progress


class Observer(Protocol):
    """Is shown the records, one after the other, and told how many of them are proved."""

    def record(self, index: int, event: bytes, /) -> None:
        """The next record. A checkpoint may still contradict it."""

    def proved(self, size: int, /) -> None:
        """A checkpoint has signed exactly the records before this number."""


def verify(
    directory: Path,
    public_key_pem: bytes | None,
    verify_signature: VerifySignature,
    *,
    witness: Path | None = None,
    archives: Sequence[Path] = (),
    start: int = 0,
    progress: Progress | None = None,
    observer: Observer | None = None,
) -> Report:
    """Examine the log in `directory` and in `archives`; raises OSError.

    It begins at the newest checkpoint of at most `start` records. `public_key_pem` is a copy of the
    key that was kept elsewhere. Without it, the key beside the log is trusted. `verify_signature`
    uses the same key. `observer` is shown what is read.
    """
    report = Report()
    beside = (directory / PUBLIC_KEY).read_bytes()
    if public_key_pem is not None and beside != public_key_pem:
        report.problems.append(Problem("this is not the key that was given", PUBLIC_KEY))
    signer = key_id(public_key_pem or beside)
    signed: list[Checkpoint] = []
    elsewhere = [path for folder in archives for path in sorted(folder.glob("checkpoints-*.jsonl"))]
    for path in (directory / CHECKPOINTS, witness, *elsewhere):
        if path is not None and (path == witness or path.exists()):
            signed += _checkpoints(path, signer, verify_signature, report)
    signed.sort(key=lambda checkpoint: checkpoint.order)
    report.checkpoints = len(signed)
    if signed:
        report.signed, report.root = signed[-1].size, signed[-1].root
    files = _files(directory, archives)
    _Examination(files, signed, report, progress, observer).run(start)
    return report


def _files(directory: Path, archives: Sequence[Path]) -> list[Segment]:
    """The files of the log and of its archives, in order. A file of the log replaces its copy."""
    copies = [segment for folder in archives for segment in archived(folder)]
    by_first = {segment.first: segment for segment in (*copies, *segments(directory))}
    return [by_first[first] for first in sorted(by_first)]


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]  # it reads


def _checkpoints(
    path: Path, signer: str, verify_signature: VerifySignature, report: Report
) -> Iterator[Checkpoint]:
    """(1) The checkpoints of one file that are signed by the key."""
    order = (0, 0)
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                checkpoint = _checkpoint(line, order, signer, verify_signature)
            except BadCheckpoint as error:
                report.problems.append(Problem(str(error), path.name, number))
                continue
            order = checkpoint.order
            yield checkpoint


def _checkpoint(
    line: bytes, before: tuple[int, int], signer: str, verify_signature: VerifySignature
) -> Checkpoint:
    """The checkpoint in a line; raises BadCheckpoint. Its order must not be less than `before`."""
    checkpoint = Checkpoint.parse(line)
    if checkpoint.order < before:
        raise BadCheckpoint("it is older than the checkpoint before it")
    if checkpoint.key_id != signer:
        raise BadCheckpoint("another key signed it")
    if not verify_signature(checkpoint.signature, checkpoint.signed):
        raise BadCheckpoint("its signature does not match the key")
    return checkpoint


@dataclass(frozen=True, slots=True)
class _Position:
    """The position of a record, with its time and name for a person."""

    index: int
    file: str
    line: int
    time: str = ""
    event: str = ""

    def problem(self, text: str) -> Problem:
        return Problem(text, self.file, self.line, self.index, self.time, self.event)


class _Bad(Exception):
    """The first problem of the records."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text)
        self.problem = problem


class _Examination:
    """One walk over all records, from the first that is examined to the last."""

    def __init__(
        self,
        files: list[Segment],
        signed: list[Checkpoint],
        report: Report,
        progress: Progress | None,
        observer: Observer | None,
    ) -> None:
        self._segments = files
        self._signed = signed
        self._next = 0  # the first checkpoint that the walk has not reached
        self._report = report
        self._progress = progress
        self._observer = observer
        self._tree = Tree()
        self._archived = 0  # according to the log, records before this one were archived
        self._unproven: _Position | None = None  # the first record after the last good checkpoint
        self._last: _Position | None = None  # the last record
        self._name = CHECKPOINTS  # of the file that is being read
        self._read = 0
        self._told = 0
        self._total = sum(segment.path.stat().st_size for segment in self._segments)

    def run(self, start: int) -> None:
        try:
            self._begin(start)
            self._prove()
            for segment in self._segments:
                self._segment(segment)
            self._end()
        except _Bad as bad:
            self._report.problems.append(bad.problem)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            text = "it cannot be unpacked: the file is damaged or incomplete"
            self._report.problems.append(Problem(text, self._name, index=self._tree.size))

    def _begin(self, start: int) -> None:
        """Begin the examination at a checkpoint, or with the oldest file."""
        first = self._segments[0].first if self._segments else 0
        from_start = [
            checkpoint for checkpoint in self._signed if first <= checkpoint.size <= start
        ]
        if from_start:
            self._continue(from_start[-1])
            following = [file.first for file in self._segments] + [self._tree.size + 1]
            self._segments = [
                segment
                for segment, end in zip(self._segments, following[1:], strict=False)
                if end > self._tree.size
            ]
            self._archived = self._tree.size
        elif first:
            self._skip(0, self._segments[0])
        self._report.first = self._tree.size

    def _skip(self, missing: int, following: Segment) -> None:
        """Continue with a file although records before it are missing: a checkpoint is there."""
        known = [checkpoint for checkpoint in self._signed if checkpoint.size == following.first]
        if not known:
            text = f"it should start with record {missing}: a file is missing or renamed"
            raise _Bad(Problem(text, following.path.name, missing=True))
        self._continue(known[-1])

    def _continue(self, checkpoint: Checkpoint) -> None:
        self._tree = checkpoint.tree()
        self._unproven = self._last = None
        self._report.records = checkpoint.size
        while self._next < len(self._signed) and self._signed[self._next].size < checkpoint.size:
            self._next += 1
        self._prove()

    def _segment(self, segment: Segment) -> None:
        name = self._name = segment.path.name
        if self._report.incomplete:
            raise _Bad(Problem("the file before it ends in the middle of a record", name))
        size, begun = self._tree.size, segment is self._segments[0]
        if segment.first < size and not begun:
            text = f"it should start with record {size}: a file is missing or renamed"
            raise _Bad(Problem(text, name))
        if segment.first > size:
            self._skip(size, segment)
            self._missing(size, segment.first, name)
        index = segment.first
        with _opened(segment.path) as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    self._report.incomplete = True
                    return
                if index >= self._tree.size:
                    self._record(line, name, number)
                index += 1
                self._tell(len(line))
        if begun and self._tree.size > index:
            text = f"it ends with record {index - 1}, and a checkpoint says that more follow"
            raise _Bad(Problem(text, name, missing=True))

    def _missing(self, first: int, end: int, name: str) -> None:
        text = f"records {first} to {end - 1} are missing before it: their file is not here"
        self._report.problems.append(Problem(text, name, missing=True))

    def _record(self, line: bytes, name: str, number: int) -> None:
        """(2) Examine one line. It has to be the next record."""
        position = _Position(self._tree.size, name, number)
        try:
            event, leaf = lines.read(line)
            entry = lines.entry(event)
        except lines.BadLine as error:
            raise _Bad(_named(position, line).problem(str(error))) from None
        position = _Position(position.index, name, number, entry.time, entry.name)
        if entry.index > position.index:
            missing = f"records {position.index} to {entry.index - 1} are missing before it"
            raise _Bad(position.problem(f"{missing}: this is record {entry.index}"))
        if entry.index < position.index:
            raise _Bad(position.problem(f"record {entry.index} stands in its place"))
        self._unproven = self._unproven or position
        self._last = position
        if entry.name == archive.EVENT:
            self._archived = max(self._archived, archive.told(event))
        self._tree.append(leaf)
        self._report.records = self._tree.size
        if self._observer is not None:
            self._observer.record(entry.index, event)
        if self._prove() and self._observer is not None:
            self._observer.proved(self._tree.size)

    def _prove(self) -> bool:
        """(3) If there is a checkpoint here: is its signed root that of the tree?

        Returns whether there is one.
        """
        size = self._tree.size
        if self._next == len(self._signed) or self._signed[self._next].size > size:
            return False
        root = self._tree.root().hex()
        while self._next < len(self._signed) and self._signed[self._next].size == size:
            checkpoint = self._signed[self._next]
            if checkpoint.root != root:
                first = self._unproven or _Position(0, CHECKPOINTS, 0)
                raise _Bad(
                    first.problem(
                        f"one of the records {first.index} to {size - 1} was changed together with"
                        f" its hash: the checkpoint of {checkpoint.time} signed other records"
                    )
                )
            self._next += 1
        self._unproven = None
        return True

    def _end(self) -> None:
        """(4) Has the log all signed records, and not many more?"""
        if self._next < len(self._signed):
            newest = self._signed[-1]
            name = self._segments[-1].path.name if self._segments else CHECKPOINTS
            problem = _Position(self._tree.size, name, 0).problem(
                f"the log ends before it: the checkpoint of {newest.time} signed"
                f" {newest.size} records"
            )
            raise _Bad(replace(problem, missing=True))
        self._require_archived()
        self._require_signed_lately()
        if self._progress is not None:
            self._progress(self._total, self._total)

    def _require_archived(self) -> None:
        """If the log does not begin with record 0, a record must tell why."""
        first = self._report.first
        if first > self._archived and any(
            segment.path.suffix != ".gz" for segment in self._segments
        ):
            text = (
                f"records 0 to {first - 1} are missing, and no record says that they were archived"
            )
            name = self._segments[0].path.name
            self._report.problems.append(Problem(text, name, missing=True))

    def _require_signed_lately(self) -> None:
        first, last = self._unproven, self._last
        if first is None or last is None:
            return
        count = self._report.unsigned = self._tree.size - first.index
        lately = count <= _MOST_UNSIGNED and _between(first, last) <= _LONGEST_UNSIGNED
        if not (self._signed and lately):
            raise _Bad(
                first.problem(
                    f"no checkpoint signs it or the records after it, {count} in all, although a"
                    " server signs every second: checkpoints are missing"
                )
            )

    def _tell(self, length: int) -> None:
        self._read += length
        if self._progress is not None and self._read - self._told >= _EVERY:
            self._told = self._read
            self._progress(self._read, max(self._read, self._total))


def _between(first: _Position, last: _Position) -> timedelta:
    """The time between two records. It comes from their text, which may have been rewritten."""
    try:
        return abs(datetime.fromisoformat(last.time) - datetime.fromisoformat(first.time))
    except (ValueError, TypeError):  # TypeError: only one of the two has a time zone
        raise _Bad(first.problem("it or the last record has no readable time")) from None


def _named(position: _Position, line: bytes) -> _Position:
    """The position, with the time and name that a bad line claims, if they can be read."""
    try:
        entry = lines.entry(lines.event_bytes(line))
    except lines.BadLine:
        return position
    return _Position(position.index, position.file, position.line, entry.time, entry.name)
