"""The embedded engine: one encrypted SQLite file, one process, one connection, group commit.

A `write()` is a savepoint in the transaction of its turn (`turn`). Its first change opens the
savepoint. So a call that is refused before it changes anything costs nothing and moves no number.

A second engine (PostgreSQL) will differ in three places:

- `read()` sees changes that other nodes committed. So their announcements are read from the
  database at the start of each turn.
- The rows that a turn changed stay locked until `flush()`. A conflict between nodes is
  StoreUnavailable there.
- BLOB and the placeholder are spelled differently. A statement is translated when it first occurs.

It keeps one transaction for a turn, because a change and its audit record must commit together
(DB-3).
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from keystead.store import migrations
from keystead.store.changes import Name
from keystead.store.disk import sync_directory
from keystead.store.lock import DirectoryLock
from keystead.store.protocol import (
    Ledger,
    Reader,
    Reading,
    Row,
    StoreUnavailable,
    Transaction,
    Value,
)
from keystead.store.sqlite.file import open_file
from keystead.store.sqlite.turn import READS, Turn

CACHE_MB = 16


def open_store(
    path: Path,
    key: bytes,
    *,
    lock: DirectoryLock | None = None,
    must_exist: bool = False,
    vfs: str = "unix",
    cache_mb: int = CACHE_MB,
) -> "SqliteStore":
    """The store in the file `path`, with its schema up to date. A directory has only one store.

    `lock` is the lock of the directory, if the caller already holds it. The store takes it over.
    With `must_exist`, a missing database is refused, and no new one is made. `vfs` is SQLite's file
    layer; tests put a lossy disk there. `cache_mb` is the most memory for pages. Raises
    DirectoryInUse, StoreUnavailable, StoreCorrupt or SchemaRefused.
    """
    lock = lock or DirectoryLock(path.parent)
    try:
        turn = Turn(open_file(path, key, vfs, must_exist=must_exist, cache_mb=cache_mb))
        try:
            _migrate(turn, migrations.known())
            [(state,)] = turn.execute("SELECT epoch FROM store_state")
            turn.changes.start(state)
            _sync_directory(path.parent)
        except BaseException:
            turn.give_up(StoreUnavailable("it was never open"))
            turn.close()
            raise
    except BaseException:
        lock.release()
        raise
    return SqliteStore(turn, lock)


class SqliteStore:
    """The embedded store. `store.protocol.Store` lists its promises; `open_store` makes it."""

    __slots__ = ("_lock", "_loud", "_quiet", "_turn", "_view", "changes")

    def __init__(self, turn: Turn, lock: DirectoryLock) -> None:
        self._turn = turn
        self.changes = turn.changes
        self._lock = lock
        self._view = _View(turn)
        self._loud = _Write(turn, quiet=False)
        self._quiet = _Write(turn, quiet=True)

    def join(self, ledger: Ledger) -> None:
        self._turn.ledger = ledger

    def distrust(self) -> None:
        self._turn.changes.forget()

    @property
    def state(self) -> int:
        return self.changes.state

    @property
    def dirty(self) -> bool:
        return self._turn.dirty

    @property
    def failure(self) -> Exception | None:
        return self._turn.failure

    def give_up(self, reason: Exception) -> None:
        self._turn.give_up(reason)

    def read(self) -> Reader:
        return self._view

    def write(self, *, quiet: bool = False) -> AbstractContextManager[Transaction]:
        return self._quiet if quiet else self._loud

    def flush(self) -> None:
        self._require_outside("flush")
        self._turn.commit()

    def undo(self) -> None:
        self._require_outside("undo")
        self._turn.undo()

    @property
    def tired(self) -> bool:
        return self._turn.tired

    def rest(self) -> None:
        self._turn.rest()

    def purge(self) -> None:
        # The file overwrites deleted data (secure_delete). The log still has the old pages.
        self._require_outside("purge")
        self._turn.empty_log()

    def close(self) -> None:
        try:
            if self._turn.failure is None:
                self.flush()
        finally:
            try:
                self._turn.close()
            finally:
                self._lock.release()

    def _require_outside(self, what: str) -> None:
        if self._turn.writer is not None:
            raise RuntimeError(f"{what}() inside of write()")


class _View:
    """Reads the newest state, with the finished writes of this turn."""

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
        rows = self.all(sql, values)
        if len(rows) > 1:
            raise RuntimeError(f"more than one row answers `{sql}`")
        return rows[0] if rows else None

    def all(
        self,
        sql: str,
        values: Sequence[Value] = (),
        name: Name | None = None,  # noqa: ARG002  # caches ask by it
    ) -> list[Row]:
        # A change through a view would be committed without an announcement and a record.
        if not sql.startswith(READS):
            raise RuntimeError(f"a view only reads, and this is not a SELECT: `{sql}`")
        turn = self._turn
        if turn.ahead and (rows := turn.ahead.answer(sql, values)) is not None:
            return rows
        return turn.execute(sql, values)

    def ahead(self, readings: Sequence[Reading]) -> None:
        self._turn.ahead.read(readings, self._turn.execute)


class _Write(_View):
    """The block of one `write()`, and the transaction inside it."""

    __slots__ = ("_announced", "_changed", "_named", "_quiet")

    def __init__(self, turn: Turn, *, quiet: bool) -> None:
        super().__init__(turn)
        self._quiet = quiet
        self._changed = False
        self._announced: list[Name] = []
        self._named = True  # has every change names?

    def __enter__(self) -> Transaction:
        if self._turn.writer is not None:
            raise RuntimeError("write() inside of write()")
        self._turn.writer = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._turn.writer = None
        if self._changed:
            names = self._announced if self._named or self._quiet else None
            self._changed, self._named, self._announced = False, True, []
            self._turn.end_call(keep=kind is None, names=names, quiet=self._quiet)

    def run(
        self, sql: str, values: Sequence[Value] = (), names: Sequence[Name] | None = None
    ) -> int:
        if not self._changed or self._turn.writer is not self:
            self._begin(sql)
        if names is None:
            self._named = False
        else:
            self._announced += names
        return self._turn.change(sql, values)

    def run_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        self._begin(sql)
        self._named = False
        self._turn.execute_many(sql, rows)

    def _begin(self, sql: str) -> None:
        if self._turn.writer is not self:
            raise RuntimeError(f"a change outside of write(): `{sql}`")
        if not self._changed:
            self._turn.begin_call()
            self._changed = True


def _sync_directory(directory: Path) -> None:
    try:
        sync_directory(directory)
    except OSError as error:
        raise StoreUnavailable(f"`{directory}`: {error.strerror}") from error


def _migrate(turn: Turn, known: Sequence[migrations.Migration]) -> None:
    """Apply the missing migrations with their entries, in one transaction: all, or none."""
    try:
        turn.execute("BEGIN IMMEDIATE")
        turn.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER NOT NULL PRIMARY KEY,"
            " name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT"
        )
        applied: dict[int, str] = dict(
            turn.execute("SELECT number, checksum FROM schema_migrations")
        )
        for migration in migrations.pending(known, applied):
            turn.execute(migration.sql)
            turn.execute(
                "INSERT INTO schema_migrations (number, name, checksum) VALUES (?, ?, ?)",
                (migration.number, migration.name, migration.checksum),
            )
        turn.execute("COMMIT")
    except BaseException:
        turn.undo()
        raise
