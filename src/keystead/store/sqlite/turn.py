"""Which changes has this turn of the loop made, and are they durable yet?

A turn has one transaction, which its first change opens. Each call that changes something has one
savepoint. One commit, with one sync, keeps the changes of all calls.

INVARIANT: when a commit fails, no change of its turn remains. The whole turn is undone, and the
epoch moves. After a fatal error nothing is read or written again (DB-4).
"""

from collections.abc import Sequence

import apsw

from keystead.store.changes import Changes, Name
from keystead.store.protocol import Ledger, Reading, Row, StoreUnavailable, Transaction, Value
from keystead.store.sqlite.ahead import Ahead
from keystead.store.sqlite.failures import judge

READS = ("SELECT", "WITH")
"""How the statements begin that change nothing."""

# Pages of the write-ahead log before it is copied into the file. A copy of 1,000 holds the loop for
# 4 ms and two syncs: rarely done, but a neighbour of somebody who writes much meets it.
_CHECKPOINT_PAGES = 1000  # in a commit, whoever waits
_SPARE_PAGES = 500  # when nobody is known to wait
_SAVE_STATE = "UPDATE store_state SET epoch = ? WHERE id = 1"


class Turn:
    """The connection, and its state between two commits."""

    __slots__ = (
        "_began", "_closed", "_connection", "_cursor", "_log_pages", "_lost",
        "ahead", "changes", "dirty", "failure", "ledger", "writer",
    )  # fmt: skip

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._log_pages = 0
        self._closed = False
        self._lost = False  # SQLite itself undid the transaction
        self._began = False  # the turn's transaction is open
        self.dirty = False  # it holds a finished call
        self.writer: object | None = None  # the call that may change something now
        self.ahead = Ahead()
        self.changes = Changes()
        self.ledger: Ledger = _NoLedger()
        self.failure: Exception | None = None  # why nothing can be done ever again
        connection.set_wal_hook(self._committed)

    def execute(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """Run one statement to its end. An error of the driver becomes an error of the store."""
        if self.failure is not None:
            self._require_usable()
        if self.ahead and not sql.startswith(READS):
            self.ahead.forget()
        try:
            return self._cursor.execute(sql, values).fetchall()
        except apsw.Error as error:
            raise self._judged(error) from error

    def execute_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run one statement for each of these rows."""
        self._require_usable()
        self.ahead.forget()
        try:
            self._cursor.executemany(sql, rows)
        except apsw.Error as error:
            raise self._judged(error) from error

    def change(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Run one statement that gives no rows; returns how many rows it changed."""
        if self.failure is not None:
            self._require_usable()
        self.ahead.forget()
        try:
            self._cursor.execute(sql, values)
        except apsw.Error as error:
            raise self._judged(error) from error
        return self._connection.changes()

    def begin_call(self) -> None:
        """A call is about to change something."""
        if self._lost:
            raise StoreUnavailable("the database undid this turn's changes")
        if not self._began:
            self.execute("BEGIN IMMEDIATE")
            self._began = True
        self.change("SAVEPOINT call")
        self.changes.call_began()

    def end_call(self, *, keep: bool, names: Sequence[Name] | None, quiet: bool) -> None:
        """The call is over. Its changes stay in the turn or go; its names are announced anyway."""
        self.changes.call_ended(names, moves=not (quiet and keep))
        kept = False
        try:
            kept = self._end_call(keep=keep)
        finally:
            self.ledger.call_ended(keep=kept)

    def _end_call(self, *, keep: bool) -> bool:
        if self.failure is not None or self._lost:
            if keep:
                raise StoreUnavailable("the database undid this change")
            return False
        if not keep:
            self.execute("ROLLBACK TO call")
        self.change("RELEASE call")
        self.dirty = self.dirty or keep
        return keep

    def commit(self) -> None:
        """Make the turn durable, or undo it and raise."""
        self._require_usable()
        self.ahead.forget()
        if self._lost:
            self.undo()
            raise StoreUnavailable("the database undid this turn's changes")
        try:
            if self.dirty:
                self.ledger.settle(_Settling(self))
                self.execute(_SAVE_STATE, (self.changes.state,))
                self.execute("COMMIT")
            elif self._began:
                self.execute("ROLLBACK")  # every call of the turn was undone already
        except BaseException:
            self.undo()
            raise
        durable, self._began, self.dirty = self.dirty, False, False
        self.ledger.turn_ended(durable=durable)
        self.changes.turn_ended()
        if self._log_pages >= _CHECKPOINT_PAGES:
            self._checkpoint()

    @property
    def tired(self) -> bool:
        """Is the log worth the syncs of a copy, and can it be copied now?"""
        return self._log_pages >= _SPARE_PAGES and not self._began and self.failure is None

    def rest(self) -> None:
        """Nobody waits now: copy the log into the file, if it is worth the syncs."""
        if self.tired:
            self._checkpoint()

    def empty_log(self) -> None:
        """Copy the log into the file and cut it to nothing; raises StoreUnavailable."""
        self._require_usable()
        if self._began:
            raise StoreUnavailable("the turn is not committed")
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.Error as error:
            raise self._judged(error) from error
        self._log_pages = 0

    def undo(self) -> None:
        """Undo the turn. Values that were derived from it are never found again."""
        self.ahead.forget()
        self.ledger.turn_ended(durable=False)
        self._began = self.dirty = self._lost = False
        self.changes.forget()
        if self.failure is None and self._connection.in_transaction:
            self.execute("ROLLBACK")

    def give_up(self, reason: Exception) -> None:
        """Never do anything again, as after a fatal error of the database."""
        self.failure = self.failure or reason
        self.ahead.forget()

    def close(self) -> None:
        """Close the file. After a fatal error nothing is written, not even now."""
        if self._closed:
            return
        self._closed = True
        if self.failure is not None:
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self.failure = self.failure or StoreUnavailable("the store is closed")
        self._cursor.close()
        self._connection.set_wal_hook(None)
        try:
            self._connection.close()
        except apsw.Error as error:  # flushed changes are in the log, and stay there
            raise judge(error).error from error

    def _require_usable(self) -> None:
        if self.failure is not None:
            # A new exception each time: a shared one would collect tracebacks.
            raise type(self.failure)(*self.failure.args)

    def _judged(self, error: apsw.Error) -> Exception:
        judgement = judge(error, self._connection.filename)
        if judgement.fatal:
            self.failure = judgement.error
            self.ahead.forget()
        elif self._began and not self._connection.in_transaction:
            self._lost = self.dirty = True  # dirty, so that the next flush reports the loss
        return judgement.error

    def _committed(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK

    def _checkpoint(self) -> None:
        """Copy the log into the file.

        The turn is already durable, so nothing is raised. After a full disk, the copy is tried
        again later. After a fatal error, every further use is refused.
        """
        self._log_pages = 0
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error as error:
            self._judged(error)


class _NoLedger:
    """The ledger of a store that no ledger has joined yet. It counts nothing."""

    def call_ended(self, *, keep: bool) -> None:
        pass

    def settle(self, transaction: Transaction) -> None:
        pass

    def turn_ended(self, *, durable: bool) -> None:
        pass


class _Settling:
    """The transaction at the end of a turn, for its ledger. No cache keeps the sums by name."""

    __slots__ = ("_turn", "changes")

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self.changes = turn.changes

    def one(
        self,
        sql: str,
        values: Sequence[Value] = (),
        name: Name | None = None,  # noqa: ARG002  # caches ask by it
    ) -> Row | None:
        rows = self._turn.execute(sql, values)
        return rows[0] if rows else None

    def all(
        self,
        sql: str,
        values: Sequence[Value] = (),
        name: Name | None = None,  # noqa: ARG002  # caches ask by it
    ) -> list[Row]:
        return self._turn.execute(sql, values)

    def ahead(self, readings: Sequence[Reading]) -> None:
        """Nothing: each is read when it is asked for."""

    def run(
        self,
        sql: str,
        values: Sequence[Value] = (),
        names: Sequence[Name] | None = None,  # noqa: ARG002  # a sum has none
    ) -> int:
        return self._turn.change(sql, values)

    def run_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        self._turn.execute_many(sql, rows)
