"""When is an event durable, and when is it signed?  Each event is durable before its answer leaves.

These steps are taken once for each turn of the loop (P-01, P-05, DB-3):

    (1) If the store was changed, the turn's lines go into `audit_outbox` in the same transaction.
        Then the store commits. So a change is never durable without its record.
    (2) The lines are appended to the file, and synced. So a turn that only read has a record, too.
    (3) The caller may answer.

Some rows are those that decisions depend on. If a turn changed such rows, its lines name the state
after it (RK-5). Each checkpoint names a state as well. A start compares the newest named state with
the store. So it notices older rows, even if they were put back together with their sums. A change
without a record, such as that of the clock's mark, is committed together with a checkpoint.

A failure of (1) undoes the turn and its lines. After a failure of (2), only the store has the lines
of a turn that did (1). They are appended before any other line, or at the next start.

INVARIANT: when one of the two disks has failed for good, nothing is written to the other any more
(DB-4). The content of the failed disk is unknown. The next start may find the last turn there, with
its positions in the log, and no other record may have these positions by then.

A checkpoint is signed after 1,000 records or a second (AD-3). It is saved in the store first
(`recovery` tells why), and then appended to its file and to the sinks.
"""

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from keystead.audit.log import (
    CHECKPOINTS,
    OUTAGE,
    PUBLIC_KEY,
    TRAIL,
    UNSIGNED_RECORDS,
    UNSIGNED_TIME,
    AuditCorrupt,
    Checkpoint,
    Copies,
    DiskFailed,
    DiskFull,
    LogFile,
    OlderState,
    Signer,
    Sink,
    anchor,
    archive,
    judged,
    resume,
    segment_path,
)
from keystead.audit.records import Event, Recorder, State, Tag, lines
from keystead.store.protocol import Store, StoreCorrupt, StoreUnavailable
from keystead.times import EPOCH

SEGMENT_BYTES = 64 << 20

_SAVE_LINES = (
    "INSERT INTO audit_outbox (trail, first_index, lines) VALUES (?, ?, ?) ON CONFLICT (trail)"
    " DO UPDATE SET first_index = excluded.first_index, lines = excluded.lines"
)
_SAVE_ANCHOR = (
    "INSERT INTO audit_anchor (trail, checkpoint) VALUES (?, ?) ON CONFLICT (trail)"
    " DO UPDATE SET checkpoint = excluded.checkpoint"
)
_log = logging.getLogger(__name__)


Durable = Callable[[Sequence[Event], str, int], None]
"""Takes events that are durable, the first 24 characters of their ids, and the number of the first.

The id of a record ends with its number, in twelve hexadecimal digits.
"""


class AuditUnavailable(StoreUnavailable):
    """The record cannot be written. Refuse the call, and answer 503 (AD-6)."""


class Sums(Protocol):
    """The digests of the sums over the rows that decisions depend on. Custody keeps the sums."""

    def changed(self) -> Mapping[str, str]:
        """The digest of each account that this turn changes."""

    def newest(self) -> str:
        """The digest of all accounts, with the changes of this turn."""


class _Batch(msgspec.Struct):
    """Lines that go into the file together, and their leaves."""

    lines: list[bytes]
    leaves: list[bytes]


def _now() -> datetime:
    return datetime.now(UTC)


class Trail:
    """The log of one installation. Opening it repairs the traces of a crash."""

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
        durable: Durable | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        development: bool = False,
    ) -> None:
        """Raises AuditCorrupt if we did not write the log, AuditUnavailable if a disk fails.

        `durable` is called with the events of each turn, after they are durable.
        """
        self.directory = directory
        self._store = store
        self._signer = signer
        self._tag = tag
        self._sums = sums
        self._copies = Copies(sinks, signer)
        self._clock = clock
        self._durable = durable
        self._segment_bytes = segment_bytes
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
            _keep_public_key(directory, signer.public_key_pem)
            self._copies.open(anchor(store.read()))
            resumed = resume(directory, store.read(), tag)
        except (DiskFull, DiskFailed) as error:
            store.give_up(AuditUnavailable(str(error)))
            raise AuditUnavailable(str(error)) from error
        self._tree = resumed.tree
        self._file = resumed.records
        self._checkpoints = resumed.checkpoints
        self.head = resumed.head  # the newest checkpoint, also for copies elsewhere
        self.recovered = resumed.recovered  # the repairs of this start
        self._closed = False
        self._require_newest(resumed.state)
        if self.head is not None:
            self._copies.catch_up(self.head.line())
        self._recorder = Recorder(str(uuid.uuid4())[:24], development=development)
        self._events: list[Event] = []  # of this turn
        self._owed = _Batch([], [])  # durable in the store, not yet in the file
        self._troubles: dict[str, str] = {}  # why the last write to the store or the log failed
        # The time of the oldest record without a checkpoint. The records of a process that crashed
        # are signed at once.
        self._unsigned_since = EPOCH if self._unsigned else clock()
        if resumed.state is None and self._tree.size:
            self._sign()  # an older version, which named no states, wrote the log

    @property
    def kept_bytes(self) -> int:
        """The bytes of the written principals that are kept."""
        return self._recorder.kept_bytes

    @property
    def trouble(self) -> str:
        """Why the last commit or the last sync failed; "" when both succeeded."""
        return " ".join(self._troubles.values())

    def record(self, event: Event) -> None:
        """Remember a complete event. It is durable after `commit()`."""
        self._events.append(event)

    def abandon(self) -> None:
        """Undo this turn's changes, and forget its events."""
        self._events = []
        self._store.undo()

    def commit(self) -> None:
        """Make this turn's changes and records durable, or undo them and raise StoreUnavailable."""
        events, self._events = self._events, []
        try:
            self._require_usable()
            if self._owed.lines:
                self._append_owed()
            changed = self._sums.changed()
            state = State(self._sums.newest(), changed) if changed else None
            is_dirty = self._store.dirty
            batch = self._written(events, state, changed=is_dirty)
            if state is not None and not batch.lines:
                self._sign()
            elif is_dirty:
                self._commit_store(batch)
            elif batch.lines:
                self._append(batch)
        except BaseException:
            self._store.undo()
            raise
        if events and self._durable is not None:
            self._durable(events, self._recorder.event_ids, self._tree.size - len(events))
        self._sign_if_due()

    def forget(self, before: int, event: Event) -> None:
        """Remove the records before number `before`, which are archived. `event` records this.

        The caller has asked `archive.begins`.
        """
        self.record(event)
        self.commit()
        with self._writing():
            try:
                archive.remove(self.directory, before)
            except OSError as error:
                raise judged(self.directory, error) from error
            finally:  # the file may have been replaced by a new one
                self._checkpoints.close()
                self._checkpoints = LogFile(self.directory / CHECKPOINTS)

    def tick(self) -> None:
        """Sign records that have waited for a second. Called from time to time, between turns."""
        if not (self._events or self._owed.lines or self._store.dirty or self.failure):
            self._sign_if_due()

    def close(self) -> None:
        """Commit, sign the remaining records, and close the files. The store stays open."""
        try:
            self.commit()
            if self._unsigned:
                self._sign()
        finally:
            self._closed = True
            self._file.close()
            self._checkpoints.close()
            self._copies.close()

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
        if (self._closed or self._store.failure) and (failure := self.failure) is not None:
            raise AuditUnavailable(*failure.args)

    def _require_newest(self, state: str | None) -> None:
        """Raises OlderState if the store does not have the state that the log names."""
        if state is not None and state != self._sums.newest():
            raise OlderState(
                "the rows of the database are not those after the newest recorded change:"
                " an older state was put in their place"
            )

    def _written(self, events: Sequence[Event], state: State | None, *, changed: bool) -> _Batch:
        """The lines of a turn's events. They come next in the log."""
        first, tag = self._tree.size, self._tag
        made = self._recorder.record
        # All records, then all lines: a step that is repeated costs less (decision 0008).
        records = [made(event, index, state) for index, event in enumerate(events, first)]
        batch = _Batch([], [])
        for index, record in enumerate(records, first):
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
        # As `_writing`, written out: a context for each turn costs two microseconds.
        self._require_usable()
        is_signed = not self._unsigned
        try:
            # A file ends where a checkpoint was signed. So the log can begin there (`archive`).
            if is_signed and self._is_full:
                self._rotate()
            self._file.append(b"".join(batch.lines))
        except (DiskFull, DiskFailed) as error:
            raise self._not_written(error) from error
        self._troubles.pop("log", None)
        if is_signed:
            self._unsigned_since = self._clock()
        self._tree.extend(batch.leaves)

    def _rotate(self) -> None:
        full, self._file = self._file, LogFile(segment_path(self.directory, self._tree.size))
        full.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """The context of every write to the log.

        The log is written only while the store can be used. After a failure of the log's disk, the
        store cannot be used either. A full disk recovers (DB-5), a failed one does not.
        """
        self._require_usable()
        try:
            yield
        except (DiskFull, DiskFailed) as error:
            raise self._not_written(error) from error
        self._troubles.pop("log", None)

    def _not_written(self, error: DiskFull | DiskFailed) -> AuditUnavailable:
        """Note why the log was not written; returns the error to raise."""
        reason = self._troubles["log"] = f"the audit log cannot be written: {error}"
        if isinstance(error, DiskFailed):
            self._store.give_up(AuditUnavailable(reason))
        return AuditUnavailable(reason)

    def _sign_if_due(self) -> None:
        """Sign a checkpoint if it is due.

        The records that it covers are already durable, so no answer depends on it. A full disk
        delays it. After a failure of a disk, every later call is refused.
        """
        unsigned, head = self._unsigned, self.head
        if not unsigned:
            return
        at_once = head is None or self._is_full  # a log without a checkpoint proves nothing
        if not at_once and unsigned < UNSIGNED_RECORDS:
            # The clock may jump forward or back. Both are reasons to sign.
            waited = self._clock() - self._unsigned_since
            if -UNSIGNED_TIME < waited < UNSIGNED_TIME:
                return
        try:
            self._sign()
        except (StoreUnavailable, StoreCorrupt) as error:
            _log.warning("no checkpoint could be saved: %s", error, extra=OUTAGE)

    def _sign(self) -> None:
        """Sign the tree and the state, and commit the waiting changes together with it."""
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
        self._copies.push(head.line())


def _keep_public_key(directory: Path, public_key_pem: bytes) -> None:
    """Store the public key beside the log. A log that another key signed is refused."""
    file = LogFile(directory / PUBLIC_KEY)
    try:
        existing = file.path.read_bytes()
        if not public_key_pem.startswith(existing.rstrip(b"\0")):
            raise AuditCorrupt(f"`{file.path}` is not this installation's key")
        if existing != public_key_pem:  # the file is new, or a crash left only a part
            file.cut(0)
            file.append(public_key_pem)
    finally:
        file.close()
