"""What every store engine promises.

One mutating call is one `write()`: all of it is kept or none. `flush()` makes every finished
`write()` durable; no answer leaves before it (threat-model P-01). An engine may commit many calls
with one `flush()` (SQLite does: group commit) or commit in `write()` and make `flush()` trivial.

The state number is that of the state that a reader sees. It grows with every `write()`, and also
when a `write()` is undone, so that two different states never share a number. Every change is
announced by name (`store.changes`), so that what was derived from the store is valid until one of
its names is (CN-1).
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
    """What is stored is not what was written: stop serving (DB-4)."""


class StoreConflict(Exception):
    """A unique, foreign key or check constraint refuses this change; nothing was changed."""


class Reader(Protocol):
    """A consistent view of the store.

    Whoever reads by a declared lookup says its name; what is read otherwise is not cached.
    """

    @property
    def changes(self) -> Changes:
        """What is told of the changes of what it reads."""

    def one(self, sql: str, values: Sequence[Value] = (), name: Name | None = None) -> Row | None:
        """The only row, or None."""

    def all(self, sql: str, values: Sequence[Value] = (), name: Name | None = None) -> list[Row]:
        """Every row."""


class Transaction(Reader, Protocol):
    """A view that can be changed; all of the changes are kept or none."""

    def run(
        self, sql: str, values: Sequence[Value] = (), names: Sequence[Name] | None = None
    ) -> int:
        """Change rows; returns how many.

        `names` are the lookups that find something else now, to be announced when the call ends.
        Without them everything that is cached goes then.
        """

    def run_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run one statement for each of these; what it changes has no name."""


class Ledger(Protocol):
    """What is written together with the changes that it counts: in their transaction, once."""

    def call_ended(self, *, keep: bool) -> None:
        """A `write()` that changed something is over, and its changes stay or go."""

    def settle(self, transaction: Transaction) -> None:
        """Write what belongs to the turn's finished calls, just before they are committed."""

    def turn_ended(self, *, durable: bool) -> None:
        """The turn is durable, or undone."""


class Store(Protocol):
    """The store of one installation."""

    @property
    def changes(self) -> Changes:
        """What is told of every change."""

    @property
    def state(self) -> int:
        """The number of the state that a reader sees now."""

    @property
    def failure(self) -> Exception | None:
        """Why this store can never be used again; None while it can. The server stops then."""

    def give_up(self, reason: Exception) -> None:
        """Never use this store again, because what belongs to it failed for good.

        What is not durable is lost, and nothing is written any more, not even on the way out.
        """

    def read(self) -> Reader:
        """A view of the newest state, finished writes included."""

    def write(self, *, quiet: bool = False) -> AbstractContextManager[Transaction]:
        """One mutating call. Leaving the block with an exception undoes all of it.

        A block that changes nothing costs nothing and does not move the state number; there is no
        `write()` inside of a `write()`. `quiet` is for what no decision depends on (last-used
        times, the audit outbox): it moves no number, and needs no names.
        """

    def flush(self) -> None:
        """Make every finished `write()` durable; raises StoreUnavailable, having undone them."""

    def undo(self) -> None:
        """Undo every finished `write()` that is not durable yet. The epoch moves."""

    def purge(self) -> None:
        """Leave nothing of what was deleted in the files; everything is flushed.

        Raises StoreUnavailable when it cannot be done now: try again.
        """

    def join(self, ledger: Ledger) -> None:
        """Let the ledger write with every commit from now on; there is one."""

    def distrust(self) -> None:
        """Let nothing that was derived from this state be found again. The epoch moves."""

    @property
    def dirty(self) -> bool:
        """Is there a finished `write()` that is not durable yet?"""

    def close(self) -> None:
        """Flush and let go of the files."""
