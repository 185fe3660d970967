"""Which promises does every store engine keep?

One mutating call is one `write()`: all of it is kept or none. `flush()` makes every finished
`write()` durable. No answer leaves before that (threat-model P-01). An engine may commit many calls
with one `flush()`, as SQLite does (group commit). Or it may commit in `write()`, so that `flush()`
has nothing to do.

A reader sees one state of the store, and the state number belongs to that state. It grows with
every `write()`, and also when a `write()` is undone. So two different states never share a number.

Every change is announced by name (`store.changes`). A value that was derived from the store is
valid until one of its names is announced (CN-1).
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from keystead.store.changes import Changes, Name

Value = int | float | str | bytes | None
Row = tuple[Any, ...]


class StoreUnavailable(Exception):
    """The store cannot be read or written now: answer 503, never guess (CN-3, DB-4, DB-5)."""


class StoreCorrupt(Exception):
    """The stored data differs from the data that was written: stop serving (DB-4)."""


class StoreConflict(Exception):
    """A unique, foreign key or check constraint refuses this change. Nothing was changed."""


class Select:
    """A SELECT in its parts, so that several can be read as one. Each is made once."""

    __slots__ = ("columns", "source", "sql")

    def __init__(self, columns: Sequence[str], source: str) -> None:
        self.columns = tuple(columns)
        self.source = source
        """What follows FROM: the table, and WHERE with placeholders for the values."""
        self.sql = f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608  # our names
        """The whole statement."""


Reading = tuple[Select, tuple[Value, ...]]
"""A SELECT, with the values of its placeholders."""


class Reader(Protocol):
    """A consistent view of the store.

    A caller that reads by a declared lookup gives its name. Rows that are read otherwise are not
    cached.
    """

    @property
    def changes(self) -> Changes:
        """The announcements of changes in the data that it reads."""

    def one(self, sql: str, values: Sequence[Value] = (), name: Name | None = None) -> Row | None:
        """The only row, or None."""

    def all(self, sql: str, values: Sequence[Value] = (), name: Name | None = None) -> list[Row]:
        """Every row."""

    def ahead(self, readings: Sequence[Reading]) -> None:
        """Read what will be asked for soon, with one statement.

        `one` and `all` answer the same questions from memory then, until something is written or
        the turn ends. So the answers are of the state that a reader would see anyway.
        """


class Transaction(Reader, Protocol):
    """A view that can be changed. Either all changes are kept or none."""

    def run(
        self, sql: str, values: Sequence[Value] = (), names: Sequence[Name] | None = None
    ) -> int:
        """Change rows; returns how many.

        `names` are the lookups whose result this changes. They are announced when the call ends.
        Without names, all caches are emptied then.
        """

    def run_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run one statement for each of these rows. Its changes have no name."""


class Ledger(Protocol):
    """It counts changes, and writes its sums once, in the transaction of these changes."""

    def call_ended(self, *, keep: bool) -> None:
        """A `write()` that changed something is over. Its changes stay or go."""

    def settle(self, transaction: Transaction) -> None:
        """Write the sums of the turn's finished calls, just before these calls are committed."""

    def turn_ended(self, *, durable: bool) -> None:
        """The turn is durable, or undone."""


class Store(Protocol):
    """The store of one installation."""

    @property
    def changes(self) -> Changes:
        """The announcements of all changes."""

    @property
    def state(self) -> int:
        """The number of the state that a reader would see now."""

    @property
    def failure(self) -> Exception | None:
        """Why this store can never be used again; None while it can. The server stops then."""

    def give_up(self, reason: Exception) -> None:
        """Never use this store again, because something that belongs to it failed for good.

        Changes that are not durable are lost. Nothing is written any more, not even by `close()`.
        """

    def read(self) -> Reader:
        """A view of the newest state, finished writes included."""

    def write(self, *, quiet: bool = False) -> AbstractContextManager[Transaction]:
        """One mutating call. An exception in its block undoes all of it.

        A block that changes nothing costs nothing and does not move the state number. A `write()`
        must not be inside another `write()`. `quiet` is for changes on which no decision depends,
        as last-used times and the audit outbox. They move no number, and need no names.
        """

    def flush(self) -> None:
        """Make every finished `write()` durable.

        If that fails, all of them are undone, and StoreUnavailable is raised.
        """

    def undo(self) -> None:
        """Undo every finished `write()` that is not durable yet. The epoch moves."""

    @property
    def tired(self) -> bool:
        """Would `rest` do something?"""

    def rest(self) -> None:
        """Nobody waits: do a part of the work that some `flush()` would have to do. Never raises.

        Without a call of this, every promise is kept, but some `flush()` takes longer.
        """

    def purge(self) -> None:
        """Remove all traces of deleted data from the files. Everything is flushed before.

        Raises StoreUnavailable if that is not possible now. The caller should try again.
        """

    def join(self, ledger: Ledger) -> None:
        """Let this ledger write with every commit from now on. A store has one ledger."""

    def distrust(self) -> None:
        """Empty all caches: no value derived from this state is found again. The epoch moves."""

    @property
    def dirty(self) -> bool:
        """Is there a finished `write()` that is not durable yet?"""

    def close(self) -> None:
        """Flush, and close the files."""
