"""In which state is the log after a start?  It has every acknowledged record, once and in order.

(1) The tree continues from the anchor, the newest checkpoint, which the store keeps.
(2) The records after it are read from the files. Each record's leaf, position and tag are checked.
    So nothing is signed that somebody else appended.
(3) A torn end is cut. Only a power loss during an append leaves one, and it was never answered.
(4) Lines that were committed with a change, and that the files lack, are appended.
(5) The file of checkpoints gets the anchor if it lacks it.
(6) The newest record that names a state, or else the anchor, is compared with the store's state.

Records after the anchor may be in the system's cache only. They are made durable before the log
goes on, because the next checkpoint will cover them.

The server refuses to start on any other log, because we did not write it. Such a log lacks records
before the anchor or before the outbox, or it has a foreign line. Or it has checkpoints or changes
that the store does not know: then the store is older than the log (RK-5).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from keystead.audit.log.checkpoint import BadCheckpoint, Checkpoint
from keystead.audit.log.files import CHECKPOINTS, LogFile, Segment, segment_path, segments
from keystead.audit.log.tree import Tree
from keystead.audit.records import Tag, lines
from keystead.store.protocol import Reader

TRAIL = "main"  # one process has one trail; a second process would have a second one
_ANCHOR = "SELECT checkpoint FROM audit_anchor WHERE trail = ?"
_OUTBOX = "SELECT first_index, lines FROM audit_outbox WHERE trail = ?"
END = 64 * 1024  # so many bytes at the end of the file hold at least the last checkpoint


class AuditCorrupt(Exception):
    """The log differs from what we wrote. Do not start; verify it."""


class OlderState(AuditCorrupt):
    """The data directory is not the newest. It has forgotten changes, so it must not be served."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """The repairs of a start. After a clean stop there are none."""

    cut_bytes: int  # the length of a torn end
    restored_records: int  # records that only the store had


@dataclass(frozen=True, slots=True)
class Resumed:
    """The log, ready to grow."""

    tree: Tree
    head: Checkpoint | None
    records: LogFile
    checkpoints: LogFile
    recovered: Recovered
    state: str | None  # the state that the newest record of a change names, or else the anchor


def resume(directory: Path, reader: Reader, tag: Tag) -> Resumed:
    """The log in `directory`, continued; raises AuditCorrupt, DiskFull and DiskFailed."""
    head = anchor(reader)
    tree = head.tree() if head else Tree()  # (1)
    tail = _Tail.read(directory, tree.size, tag)  # (2)
    outbox = _outbox(reader, tag)
    _compare(outbox, tree.size, tail)
    for leaf in tail.leaves:
        tree.append(leaf)
    checkpoints = _checkpoints(directory, head)  # (5)
    records = LogFile(tail.last.path if tail.last else segment_path(directory, 0))
    torn = records.size - tail.length
    if torn:  # (3)
        records.cut(tail.length)
    if tail.leaves:
        records.settle(tail.signed_length)
    missing = [kept for kept in outbox if kept.number >= tree.size]
    if missing:  # (4)
        records.append(b"".join(kept.line for kept in missing))
        for kept in missing:
            tree.append(kept.leaf)
    state = _newest_state(head, tail, missing)  # (6)
    return Resumed(tree, head, records, checkpoints, Recovered(torn, len(missing)), state)


def named_state(directory: Path, reader: Reader, tag: Tag) -> str | None:
    """The state that the log names as the newest; raises AuditCorrupt. It repairs nothing."""
    head = anchor(reader)
    size = head.size if head else 0
    tail = _Tail.read(directory, size, tag)
    outbox = _outbox(reader, tag)
    _compare(outbox, size, tail)
    end = size + len(tail.leaves)
    return _newest_state(head, tail, [kept for kept in outbox if kept.number >= end])


def _newest_state(head: Checkpoint | None, tail: "_Tail", missing: "list[_Kept]") -> str | None:
    for state in (*(kept.state for kept in reversed(missing)), tail.state):
        if state is not None:
            return state
    return (head.state or None) if head else None


class _Kept(NamedTuple):
    """A line that the store keeps."""

    number: int  # its position in the log
    line: bytes
    leaf: bytes
    state: str | None


@dataclass(slots=True)
class _Tail:
    """The records after the anchor, as the files have them."""

    tag: Tag
    leaves: list[bytes]
    last: Segment | None = None
    length: int = 0  # of the last file, without a torn end
    signed_length: int = 0  # of the lines in the last file that the anchor covers
    changed: int = -1  # the last record that came with a change of the store
    state: str | None = None  # the last state that such a record names

    @classmethod
    def read(cls, directory: Path, signed: int, tag: Tag) -> "_Tail":
        """Read the records from number `signed` on; raises AuditCorrupt."""
        files = segments(directory)
        older = [segment for segment in files if segment.first <= signed]
        index = older[-1].first if older else 0
        tail = cls(tag, [])
        for segment in files[max(len(older) - 1, 0) :]:
            torn = tail.last is not None and tail.length != tail.last.path.stat().st_size
            if segment.first != index or torn:
                raise AuditCorrupt(f"`{segment.path.name}` does not follow record {index - 1}")
            tail.last = segment
            index = tail._read_segment(segment, signed)
        if index < signed:
            raise AuditCorrupt(f"the log has {index} records, and {signed} were signed")
        return tail

    def _read_segment(self, segment: Segment, signed: int) -> int:
        """Read one file; returns the index after its last record."""
        index, self.length, self.signed_length = segment.first, 0, 0
        with segment.path.open("rb") as file:
            for line in file:
                # A block that never reached the disk is read as zeros. Our lines have no zeros.
                if not line.endswith(b"\n") or b"\0" in line:
                    break
                if index >= signed:
                    self._add(line, index, segment.path.name)
                else:
                    self.signed_length += len(line)
                index += 1
                self.length += len(line)
        return index

    def _add(self, line: bytes, index: int, name: str) -> None:
        leaf, changed, state = _leaf(line, index, name, self.tag)
        self.leaves.append(leaf)
        if changed:
            self.changed = index
            self.state = state or self.state


def _leaf(line: bytes, index: int, name: str, tag: Tag) -> tuple[bytes, bool, str | None]:
    """Of a line: its leaf, whether it came with a change, and the state that it names.

    Raises AuditCorrupt if we did not write it, or if it is not record `index`.
    """
    try:
        event, leaf = lines.read(line)
        entry = lines.entry(event)
        changed = lines.came_with_change(line, entry.index, leaf, tag)
    except lines.BadLine as error:
        raise AuditCorrupt(f"record {index} in `{name}`: {error}") from None
    if entry.index != index:
        raise AuditCorrupt(f"`{name}` has record {entry.index} where record {index} belongs")
    return leaf, changed, entry.state


def anchor(reader: Reader) -> Checkpoint | None:
    """The newest checkpoint, as the store knows it; raises AuditCorrupt."""
    row = reader.one(_ANCHOR, (TRAIL,))
    try:
        return None if row is None else Checkpoint.parse(row[0])
    except BadCheckpoint as error:
        raise AuditCorrupt(f"the store's newest checkpoint: {error}") from None


def _outbox(reader: Reader, tag: Tag) -> list[_Kept]:
    """The lines of the newest turn that changed the store."""
    row = reader.one(_OUTBOX, (TRAIL,))
    first, data = row or (0, b"")
    kept = []
    for index, line in enumerate(data.splitlines(keepends=True), first):
        leaf, _, state = _leaf(line, index, "audit_outbox", tag)
        kept.append(_Kept(index, line, leaf, state))
    return kept


def _compare(outbox: list[_Kept], signed: int, tail: _Tail) -> None:
    """Raises AuditCorrupt if log and store do not fit.

    The log must have, or be able to get, every record that was committed with a change. The store
    must have every change that the log records.
    """
    end = signed + len(tail.leaves)
    newest = outbox[-1].number if outbox else -1
    if tail.changed > newest:
        raise OlderState(
            f"record {tail.changed} was committed with a change that the store does not have:"
            " the database is older than the log"
        )
    if outbox and outbox[0].number > end:
        raise AuditCorrupt(
            f"the log has {end} records, and record {outbox[0].number} was acknowledged"
        )
    for kept in outbox:
        if signed <= kept.number < end and tail.leaves[kept.number - signed] != kept.leaf:
            raise AuditCorrupt(
                f"record {kept.number} is not the one that was committed with its change"
            )


def _checkpoints(directory: Path, head: Checkpoint | None) -> LogFile:
    """The file of checkpoints, ending with `head`."""
    file = LogFile(directory / CHECKPOINTS)
    newest, length = last_checkpoint(file)
    if newest is not None and (head is None or newest.order > head.order):
        raise OlderState(
            f"a checkpoint of {newest.size} records was signed, and the store knows of"
            f" {head.size if head else 0}: the database is older than the log"
        )
    if newest is not None and head is not None and newest.order == head.order and newest != head:
        raise AuditCorrupt(f"the last line of `{file.path.name}` is not the checkpoint we signed")
    if length < file.size:
        file.cut(length)
    file.settle(length - END)
    if head is not None and (newest is None or newest.order < head.order):
        file.append(head.line())
    return file


def last_checkpoint(file: LogFile) -> tuple[Checkpoint | None, int]:
    """The last whole checkpoint, and the length of the file up to its end; raises AuditCorrupt."""
    start = max(0, file.size - END)
    with file.path.open("rb") as opened:
        opened.seek(start)
        data = opened.read()
    whole = data.rfind(b"\n") + 1
    while whole > 0:
        begin = data.rfind(b"\n", 0, whole - 1) + 1
        line = data[begin:whole]
        if b"\0" not in line:  # a line with zeros is a block that never reached the disk
            try:
                return Checkpoint.parse(line), start + whole
            except BadCheckpoint as error:
                raise AuditCorrupt(f"the last line of `{file.path.name}`: {error}") from None
        whole = begin
    if start:
        raise AuditCorrupt(f"`{file.path.name}` does not end with a checkpoint")
    return None, 0
