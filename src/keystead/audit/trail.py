"""The trail: every event, durable before its answer leaves, in a tree that is signed as it grows.

Once for each turn of the loop (P-01, P-05, DB-3):

    (1) if the store was changed, the turn's lines go into `audit_outbox` in the same transaction,
        and the store commits: a change is never durable without its record;
    (2) the lines are appended to the file and synced: a turn that only read has a record, too;
    (3) the caller may answer.

The lines of a turn that changed what decisions depend on name the state that it left (RK-5), and
so does each checkpoint. A start holds the newest of these against the store: older rows, put back
together with their sums, do not fit. What changes without a record, such as the mark of the clock,
is committed together with a checkpoint.

A failure of (1) undoes the turn, its lines included. A failure of (2) after (1) leaves lines that
only the store has; they go into the file before anything else does, or at the next start.

INVARIANT: when one of the two disks failed for good, nothing is written to the other any more
(DB-4). What is on the failed one is unknown: the next start may find the last turn there, with its
place in the log, which must not be another record's by then.

Checkpoints are signed when 1,000 records or a second have passed (AD-3), saved in the store first
(`recovery` says why) and then appended to their file and to the sinks.
"""

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from keystead.audit import archive, lines
from keystead.audit.checkpoint import UNSIGNED_RECORDS, UNSIGNED_TIME, Checkpoint, Signer
from keystead.audit.event import Event
from keystead.audit.files import (
    CHECKPOINTS,
    PUBLIC_KEY,
    DiskFailed,
    DiskFull,
    LogFile,
    judged,
    segment_path,
)
from keystead.audit.lines import Tag
from keystead.audit.record import Recorder, State
from keystead.audit.recovery import TRAIL, AuditCorrupt, OlderState, anchor, resume
from keystead.audit.sinks import Sink
from keystead.store.protocol import Store, StoreCorrupt, StoreUnavailable

SEGMENT_BYTES = 64 << 20

_SAVE_LINES = (
    "INSERT INTO audit_outbox (trail, first_index, lines) VALUES (?, ?, ?) ON CONFLICT (trail)"
    " DO UPDATE SET first_index = excluded.first_index, lines = excluded.lines"
)
_SAVE_ANCHOR = (
    "INSERT INTO audit_anchor (trail, checkpoint) VALUES (?, ?) ON CONFLICT (trail)"
    " DO UPDATE SET checkpoint = excluded.checkpoint"
)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_log = logging.getLogger(__name__)
_OUTAGE = {"outage": True}  # it goes on until its cause is gone: the log counts it


class AuditUnavailable(StoreUnavailable):
    """The record cannot be written: refuse, and answer 503 (AD-6)."""


class Sums(Protocol):
    """The sums over the rows that decisions depend on, as digests; custody keeps them."""

    def changed(self) -> Mapping[str, str]:
        """Of each account that this turn changes."""

    def newest(self) -> str:
        """Of everything, this turn's changes included."""


class _Batch(NamedTuple):
    """Lines that go into the file together, and their leaves."""

    lines: list[bytes]
    leaves: list[bytes]


def _now() -> datetime:
    return datetime.now(UTC)


class Trail:
    """The log of one installation. Opening it recovers what a crash left."""

    def __init__(
        self,
        directory: Path,
        store: Store,
        signer: Signer,
        tag: Tag,
        sums: Sums,
        *,
        sinks: Sequence[Sink] = (),
        clock: Callable[[], datetime] = _now,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        """Raises AuditCorrupt for a log that we did not write, AuditUnavailable for a disk."""
        self.directory = directory
        self._store = store
        self._signer = signer
        self._tag = tag
        self._sums = sums
        self._sinks = sinks
        self._clock = clock
        self._segment_bytes = segment_bytes
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
            _keep_public_key(directory, signer.public_key_pem)
            behind = self._open_sinks(anchor(store.read()))
            resumed = resume(directory, store.read(), tag)
        except (DiskFull, DiskFailed) as error:
            store.give_up(AuditUnavailable(str(error)))
            raise AuditUnavailable(str(error)) from error
        self._tree = resumed.tree
        self._file = resumed.records
        self._checkpoints = resumed.checkpoints
        self.head = resumed.head  # the newest checkpoint, for whoever keeps it elsewhere
        self.recovered = resumed.recovered  # what this start had to repair
        self._closed = False
        self._require_newest(resumed.state)
        if self.head is not None:
            self._push(self.head.line(), behind)
        self._recorder = Recorder(str(uuid.uuid4())[:24])
        self._events: list[Event] = []  # of this turn
        self._owed = _Batch([], [])  # durable in the store, not yet in the file
        self._troubles: dict[str, str] = {}  # why the last write failed, of the store and the log
        # When the oldest record without a checkpoint came. What a crash left is signed at once.
        self._unsigned_since = _LONG_AGO if self._unsigned else clock()
        if resumed.state is None and self._tree.size:
            self._sign()  # the log of a version that named no states

    @property
    def kept_bytes(self) -> int:
        """What is kept of how principals are written."""
        return self._recorder.kept_bytes

    @property
    def trouble(self) -> str:
        """Why the last commit or the last sync failed; "" when both succeeded."""
        return " ".join(self._troubles.values())

    def record(self, event: Event) -> None:
        """Remember the event, which is complete; it is durable after `commit()`."""
        self._events.append(event)

    def abandon(self) -> None:
        """Undo this turn's changes, and forget what was remembered of it."""
        self._events = []
        self._store.undo()

    def commit(self) -> None:
        """Make this turn's changes and records durable, or undo them and raise StoreUnavailable."""
        events, self._events = self._events, []
        try:
            self._require_usable()
            self._append_owed()
            changed = self._sums.changed()
            state = State(self._sums.newest(), changed) if changed else None
            batch = self._written(events, state, changed=self._store.dirty)
            if state is not None and not batch.lines:
                self._sign()
            elif self._store.dirty:
                self._commit_store(batch)
            elif batch.lines:
                self._append(batch)
        except BaseException:
            self._store.undo()
            raise
        self._sign_if_due()

    def forget(self, before: int, event: Event) -> None:
        """Let go of the records before this one, which are kept elsewhere; `event` tells of it.

        The caller has asked `archive.begins`.
        """
        self.record(event)
        self.commit()
        with self._writing():
            try:
                archive.remove(self.directory, before)
            except OSError as error:
                raise judged(self.directory, error) from error
            finally:  # the file may have been exchanged, or not
                self._checkpoints.close()
                self._checkpoints = LogFile(self.directory / CHECKPOINTS)

    def tick(self) -> None:
        """Sign what has waited for a second. Called from time to time, between turns."""
        if not (self._events or self._owed.lines or self._store.dirty or self.failure):
            self._sign_if_due()

    def close(self) -> None:
        """Commit, sign the rest and let go of the files. The store stays open."""
        try:
            self.commit()
            if self._unsigned:
                self._sign()
        finally:
            self._closed = True
            self._file.close()
            self._checkpoints.close()
            for sink in self._sinks:
                sink.close()

    @property
    def failure(self) -> Exception | None:
        """Why nothing can be recorded ever again; None while it can."""
        if self._closed:
            return AuditUnavailable("the audit trail is closed")
        return self._store.failure

    @property
    def _unsigned(self) -> int:
        return self._tree.size - (self.head.size if self.head else 0)

    @property
    def _is_full(self) -> bool:
        return self._file.size >= self._segment_bytes

    def _require_usable(self) -> None:
        failure = self.failure
        if failure is not None:
            raise AuditUnavailable(*failure.args)

    def _require_newest(self, state: str | None) -> None:
        """Has the store the state that the log names?"""
        if state is not None and state != self._sums.newest():
            raise OlderState(
                "the rows of the database are not those that the newest record of a change left:"
                " an older state was put in their place"
            )

    def _written(self, events: Sequence[Event], state: State | None, *, changed: bool) -> _Batch:
        """The lines of a turn's events, which come next in the log."""
        first, tag, batch = self._tree.size, self._tag, _Batch([], [])
        for index, event in enumerate(events, first):
            record = self._recorder.record(event, index, state)
            line, leaf = lines.write(record, index, tag, changed=changed)
            batch.lines.append(line)
            batch.leaves.append(leaf)
        return batch

    def _commit_store(self, batch: _Batch) -> None:
        """(1) Commit the turn's changes together with its lines, then (2)."""
        if batch.lines:
            with self._store.write(quiet=True) as transaction:
                transaction.run(_SAVE_LINES, (TRAIL, self._tree.size, b"".join(batch.lines)))
        self._flush()
        self._owed = batch
        self._append_owed()

    def _flush(self) -> None:
        try:
            self._store.flush()
        except StoreUnavailable as error:
            self._troubles["store"] = str(error)
            raise
        self._troubles.pop("store", None)

    def _append_owed(self) -> None:
        if self._owed.lines:
            self._append(self._owed)
            self._owed = _Batch([], [])

    def _append(self, batch: _Batch) -> None:
        """(2) Add lines to the file, durably, and their leaves to the tree."""
        with self._writing():
            # A file ends where a checkpoint was signed: the log may begin there (`archive`).
            if self._is_full and not self._unsigned:
                self._rotate()
            self._file.append(b"".join(batch.lines))
        if not self._unsigned:
            self._unsigned_since = self._clock()
        for leaf in batch.leaves:
            self._tree.append(leaf)

    def _rotate(self) -> None:
        full, self._file = self._file, LogFile(segment_path(self.directory, self._tree.size))
        full.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Around whatever is written to the log: only while the store can be used, and vice versa.

        A full disk passes (DB-5), a failed one does not.
        """
        self._require_usable()
        try:
            yield
        except (DiskFull, DiskFailed) as error:
            reason = self._troubles["log"] = f"the audit log cannot be written: {error}"
            if isinstance(error, DiskFailed):
                self._store.give_up(AuditUnavailable(reason))
            raise AuditUnavailable(reason) from error
        self._troubles.pop("log", None)

    def _sign_if_due(self) -> None:
        """Sign a checkpoint when it is time.

        What it covers is durable already, so that nobody's answer depends on it: a full disk
        delays it, and a failed one refuses whatever comes next.
        """
        unsigned = self._unsigned
        if not unsigned:
            return
        # The clock may jump either way; both are reasons to sign.
        waited = abs(self._clock() - self._unsigned_since)
        at_once = self.head is None or self._is_full  # a log without a checkpoint proves nothing
        if not at_once and unsigned < UNSIGNED_RECORDS and waited < UNSIGNED_TIME:
            return
        try:
            self._sign()
        except (StoreUnavailable, StoreCorrupt) as error:
            _log.warning("no checkpoint could be saved: %s", error, extra=_OUTAGE)

    def _sign(self) -> None:
        """Sign the tree and the state, and commit what waits together with it."""
        serial = self.head.serial + 1 if self.head else 1
        head = Checkpoint.sign(
            self._tree, self._clock(), self._signer, serial=serial, state=self._sums.newest()
        )
        with self._store.write(quiet=True) as transaction:
            transaction.run(_SAVE_ANCHOR, (TRAIL, head.line()))
        self._flush()
        self.head = head
        with self._writing():
            self._checkpoints.append(head.line())
        self._push(head.line(), self._sinks)

    def _open_sinks(self, head: Checkpoint | None) -> list[Sink]:
        """Those that lack the newest checkpoint; refuses a state older than they know (RK-5)."""
        behind = []
        for sink in self._sinks:
            kept = sink.open()
            if kept is not None:
                _require_ours(kept, self._signer)
                _require_not_older(head, kept)
            if kept is None or (head is not None and kept.order < head.order):
                behind.append(sink)
        return behind

    def _push(self, line: bytes, sinks: Sequence[Sink]) -> None:
        for sink in sinks:
            try:
                sink.push(line)
            except (DiskFull, DiskFailed) as error:
                _log.warning("a checkpoint did not reach a sink: %s", error, extra=_OUTAGE)


def _require_ours(kept: Checkpoint, signer: Signer) -> None:
    """Did we sign what a sink has kept?  The signatures of our scheme are deterministic."""
    if kept.signature != signer.sign(kept.signed):
        raise AuditCorrupt(
            "the newest checkpoint that was kept elsewhere is not this installation's:"
            " name a file of its own as `checkpoint_file`"
        )


def _require_not_older(head: Checkpoint | None, kept: Checkpoint) -> None:
    """Is our newest checkpoint at least as new as one that was kept elsewhere?"""
    size = head.size if head else 0
    if head is not None and (size > kept.size or _is_as_new(head, kept)):
        return
    raise OlderState(
        f"the newest checkpoint that was kept elsewhere, of {kept.size} records at {kept.time}, is"
        f" not one of this data directory, whose own is of {size} records: an older state or"
        " another history was put in its place"
    )


def _is_as_new(head: Checkpoint, kept: Checkpoint) -> bool:
    """Does our checkpoint of the same records not come before the other one?"""
    return (head.size, head.root) == (kept.size, kept.root) and head.serial >= kept.serial


def _keep_public_key(directory: Path, public_key_pem: bytes) -> None:
    """Leave the public key beside the log; refuse to sign a log that another key signed."""
    file = LogFile(directory / PUBLIC_KEY)
    try:
        found = file.path.read_bytes()
        if not public_key_pem.startswith(found.rstrip(b"\0")):
            raise AuditCorrupt(f"`{file.path}` is not this installation's key")
        if found != public_key_pem:  # nothing yet, or what a crash left of it
            file.cut(0)
            file.append(public_key_pem)
    finally:
        file.close()
