"""Is the log what was written?  Decided from files alone: records, checkpoints, public key.

(1) every checkpoint is signed by the key, and they only grow;
(2) every record is a line as we write them, has the hash that stands beside it, and stands where
    its index says, without a gap, through all files;
(3) at each checkpoint the tree over the records has the root that was signed: a record that was
    edited together with its hash is found here, between two checkpoints;
(4) the log does not end before the newest checkpoint, nor goes on long after it: a server signs
    after a second or 1,000 records, so that a long unsigned end means that checkpoints were cut.

The log may begin later than with record 0, at a signed checkpoint, which continues the tree: where
older files were archived, which a record of the log has to say, or where the examination is
asked to begin. Files of an archive are examined as a part of the log. A file that is not there is
told from one that was changed: what follows it is still held against the checkpoints.

Files alone cannot show that the log was cut back to an older checkpoint together with its
checkpoints, nor that the last moments after it were rewritten: give the copy that a sink kept as
`witness`. What came after the newest checkpoint is checked by (2) only.

A server may be appending meanwhile. Checkpoints are read first, because records are durable
before a checkpoint covers them; a last line without its end is one that is being written.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from keystead.audit import archive, lines
from keystead.audit.checkpoint import (
    UNSIGNED_RECORDS,
    UNSIGNED_TIME,
    BadCheckpoint,
    Checkpoint,
    key_id,
)
from keystead.audit.files import CHECKPOINTS, PUBLIC_KEY, Segment, archived, segments
from keystead.audit.jsontext import printable
from keystead.audit.tree import Tree

VerifySignature = Callable[[bytes, bytes], bool]  # (signature, data); custody makes it
Progress = Callable[[int, int], None]  # bytes read, bytes in all

_MOST_UNSIGNED = 2 * UNSIGNED_RECORDS  # a turn may add many records at once
_LONGEST_UNSIGNED = 10 * UNSIGNED_TIME
_EVERY = 1 << 20  # bytes between two reports of progress


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where."""

    text: str
    file: str
    line: int = 0  # from 1; 0 = the file as a whole
    index: int | None = None  # of the record
    time: str = ""  # of the event, if it can be read
    event: str = ""  # its name
    missing: bool = False  # it is not there; else it is not what was written

    def __str__(self) -> str:
        place = f"`{self.file}`" + (f" line {self.line}" if self.line else "")
        record = "" if self.index is None else f"record {self.index}"
        named = " ".join(part for part in (record, self.event, self.time) if part)
        # A forged record names itself: its words do not reach the terminal as they are.
        return printable(": ".join(part for part in (place, named, self.text) if part))


@dataclass(slots=True)
class Report:
    """What verification found. The first problem of the records ends their examination."""

    first: int = 0  # the record that the examination began with
    records: int = 0  # that are as they were written, those before it counted
    checkpoints: int = 0  # that are signed by the key
    signed: int = 0  # records under the newest of these
    unsigned: int = 0  # records after them
    root: str = ""  # of the newest of these
    incomplete: bool = False  # the last line has no end: being written, or torn by a crash
    problems: list[Problem] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Is everything as it was written?"""
        return not self.problems


def verify(
    directory: Path,
    public_key_pem: bytes | None,
    verify_signature: VerifySignature,
    *,
    witness: Path | None = None,
    archives: Sequence[Path] = (),
    start: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Examine the log in `directory`, and in `archives`; an OSError rises.

    It begins at the newest checkpoint of at most `start` records. `public_key_pem` is the key as
    its holder kept it elsewhere; without it the one beside the log is believed. `verify_signature`
    checks against this same key.
    """
    report = Report()
    beside = (directory / PUBLIC_KEY).read_bytes()
    if public_key_pem is not None and beside != public_key_pem:
        report.problems.append(Problem("this is not the key that was given", PUBLIC_KEY))
    signer = key_id(public_key_pem or beside)
    signed: list[Checkpoint] = []
    elsewhere = [path for one in archives for path in sorted(one.glob("checkpoints-*.jsonl"))]
    for path in (directory / CHECKPOINTS, witness, *elsewhere):
        if path is not None and (path == witness or path.exists()):
            signed += _checkpoints(path, signer, verify_signature, report)
    signed.sort(key=lambda checkpoint: checkpoint.order)
    report.checkpoints = len(signed)
    if signed:
        report.signed, report.root = signed[-1].size, signed[-1].root
    files = _files(directory, archives)
    _Examination(files, signed, report, progress).run(start)
    return report


def _files(directory: Path, archives: Sequence[Path]) -> list[Segment]:
    """The files of the log and of its archives, in order; of two with one name the log's own."""
    found = [segment for one in archives for segment in archived(one)]
    by_first = {segment.first: segment for segment in (*found, *segments(directory))}
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
    """The checkpoint in a line, which does not come before `before`; raises BadCheckpoint."""
    checkpoint = Checkpoint.parse(line)
    if checkpoint.order < before:
        raise BadCheckpoint("it covers less than the one before it")
    if checkpoint.key_id != signer:
        raise BadCheckpoint("it names another key")
    if not verify_signature(checkpoint.signature, checkpoint.signed):
        raise BadCheckpoint("its signature is not that key's")
    return checkpoint


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a record stands, and what it is called."""

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
    """The walk over all records, once, from where it begins to the last."""

    def __init__(
        self,
        files: list[Segment],
        signed: list[Checkpoint],
        report: Report,
        progress: Progress | None,
    ) -> None:
        self._segments = files
        self._signed = signed
        self._next = 0  # the first checkpoint that the walk has not reached
        self._report = report
        self._progress = progress
        self._tree = Tree()
        self._archived = 0  # records before this one were archived, as the log itself says
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
            text = "it is not what was compressed"
            self._report.problems.append(Problem(text, self._name, index=self._tree.size))

    def _begin(self, start: int) -> None:
        """Where does the examination begin: at a checkpoint, or where the oldest file does?"""
        first = self._segments[0].first if self._segments else 0
        from_start = [one for one in self._signed if first <= one.size <= start]
        if from_start:
            self._continue(from_start[-1])
            following = [each.first for each in self._segments] + [self._tree.size + 1]
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
        """Go on with a file although records before it are missing, by the checkpoint there."""
        known = [one for one in self._signed if one.size == following.first]
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
        """(2) One line, which has to be the next record."""
        position = _Position(self._tree.size, name, number)
        try:
            event, leaf = lines.read(line)
            place = lines.place(event)
        except lines.BadLine as error:
            raise _Bad(_named(position, line).problem(str(error))) from None
        position = _Position(position.index, name, number, place.time, place.name)
        if place.index > position.index:
            missing = f"records {position.index} to {place.index - 1} are missing before it"
            raise _Bad(position.problem(f"{missing}: this is record {place.index}"))
        if place.index < position.index:
            raise _Bad(position.problem(f"record {place.index} stands in its place"))
        self._unproven = self._unproven or position
        self._last = position
        if place.name == archive.EVENT:
            self._archived = max(self._archived, archive.told(event))
        self._tree.append(leaf)
        self._report.records = self._tree.size
        self._prove()

    def _prove(self) -> None:
        """(3) Is the tree the one that was signed, where there is a checkpoint?"""
        size = self._tree.size
        if self._next == len(self._signed) or self._signed[self._next].size > size:
            return
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

    def _end(self) -> None:
        """(4) Is the log as long as what was signed, and not much longer?"""
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
        """Where the log does not begin with record 0, does it say why?"""
        first = self._report.first
        if first > self._archived and any(one.path.suffix != ".gz" for one in self._segments):
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
                    f"no checkpoint signs it and what follows, {count} records in all, though one"
                    " is made every second: checkpoints are missing"
                )
            )

    def _tell(self, length: int) -> None:
        self._read += length
        if self._progress is not None and self._read - self._told >= _EVERY:
            self._told = self._read
            self._progress(self._read, max(self._read, self._total))


def _between(first: _Position, last: _Position) -> timedelta:
    """The time between two records, as they tell it; they may have been rewritten."""
    try:
        return abs(datetime.fromisoformat(last.time) - datetime.fromisoformat(first.time))
    except (ValueError, TypeError):  # TypeError: only one of the two has a time zone
        raise _Bad(first.problem("it or the last record tells no time")) from None


def _named(position: _Position, line: bytes) -> _Position:
    """The position with the time and name that a bad line claims, if it can still be read."""
    try:
        place = lines.place(lines.event_bytes(line))
    except lines.BadLine:
        return position
    return _Position(position.index, position.file, position.line, place.time, place.name)
