"""Which rows go by themselves, some time after a date in them?  An index tells; it proves nothing.

A reader of these lists reads the row itself before it does anything about it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from keystead.custody.rows import SealedTable
from keystead.store.protocol import Reader, Transaction


class Due(NamedTuple):
    """A row, and the second from which it seems to be over."""

    date: int
    first: str  # of its key; "" if that has one column
    table: str
    second: str


@dataclass(frozen=True, slots=True)
class Going:
    """The rows of one table that go by themselves."""

    table: SealedTable[Any]
    column: str  # with the date; it has an index
    seconds: int = 0  # after the date
    condition: str = ""  # of the index

    def due(self, reader: Reader, after: Due, until: int, count: int) -> list[Due]:
        """Those that are over by `until`, and come after one of them, in the order of `Due`."""
        key = self.table.key
        names = ("''", *key) if len(key) == 1 else key
        date, order = f"{self.column} + {self.seconds}", f"{self.column}, {', '.join(names)}"
        sql = (
            f"SELECT {date}, {', '.join(names)} FROM {self.table.name}"  # noqa: S608  # our own names
            f" WHERE {self.column} >= ? AND {self.column} <= ?{self.condition}"
            f" AND ({date}, {names[0]}, '{self.table.name}', {names[1]}) > (?, ?, ?, ?)"
            f" ORDER BY {order} LIMIT ?"
        )
        span = (after.date - self.seconds, until - self.seconds)
        rows = reader.all(sql, (*span, *after, count))
        return [Due(when, first, self.table.name, second) for when, first, second in rows]

    def is_over(self, record: Any, now: int) -> bool:
        """Does the record itself say so?"""
        when: int = getattr(record, self.column)
        return now >= when + self.seconds

    def get(self, reader: Reader, due: Due) -> Any:
        """The record, if it is still there."""
        return self.table.get(reader, *self._key(due))

    def delete(self, transaction: Transaction, due: Due) -> None:
        self.table.delete(transaction, *self._key(due))

    def _key(self, due: Due) -> tuple[str, ...]:
        return (due.second,) if len(self.table.key) == 1 else (due.first, due.second)


def due_of(
    sources: Sequence[Going], reader: Reader, after: Due, until: int, count: int
) -> list[Due]:
    """Some of several tables that seem to be over by `until`, the longest first, after one."""
    lists = [source.due(reader, after, until, count) for source in sources]
    return list(islice(merge(*lists), count))
