"""Is this row the one we wrote, and the newest?  Authenticated rows (threat-model RK-3 to RK-5).

Every security-relevant table is a SealedTable. Each row carries a version and a MAC over the
table's name, the columns (the key among them) and the version. A row is refused when it is read if
it was edited, moved, copied to another key, or taken from another table. A secret column is sealed
before it gets here, bound to table, key and column.

    mac = HMAC-SHA256(row key, msgpack [table, row_version, column, column, …])

msgpack writes each value with its type and length, so no two rows have the same encoding.

A table declares the lookups by which decisions find its rows. The rows that a lookup finds are
compared with the sum that `sums` keeps for it. So an old row that was put back is refused, and so
is an answer in which a row is missing or doubled.

Every write passes `_changes`, which knows the old row and the new one. The changes that it returns
are added to the sums, and announced under the names of their lookups (`store.changes`). A table
without lookups announces nothing.
"""

import hmac
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from keystead.custody.integrity import NotTheNewest, RowIntegrityError
from keystead.custody.kdf import hmac_contexts
from keystead.custody.lookups import BoundLookup, Lookup, Place, picker
from keystead.custody.secrecy import Guarded
from keystead.custody.sums import Noted, Sums, minus, of_mac, plus
from keystead.store.changes import Changes, Name
from keystead.store.protocol import Reader, Row, Select, Transaction, Value

__all__ = [
    "Asked", "Lookup", "NotTheNewest", "Record", "RowConflict", "RowIntegrityError", "RowSeals",
    "SealedTable",
]  # fmt: skip

_PAGE = 1000  # rows that a walk reads at once
_pack = msgspec.msgpack.Encoder().encode


class RowConflict(Exception):
    """The row changed since it was read; the call must be tried again."""


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of every stored record: its fields are its table's columns, in order."""

    row_version: int = 1


T = TypeVar("T", bound=Record)


class Asked(NamedTuple):
    """A lookup that will be made."""

    select: Select
    values: tuple[Value, ...]
    place: Place


class Sealer(Protocol):
    """Seals one secret column; `custody.hierarchy` provides it."""

    def seal(self, table: str, key: Sequence[Value], column: str, secret: bytes) -> bytes:
        """The sealed form, bound to where it is stored."""

    def unseal(self, table: str, key: Sequence[Value], column: str, sealed: bytes) -> bytes:
        """The secret; raises RowIntegrityError when it was not sealed for this place."""


class RowSeals(Guarded):
    """Makes and checks the MACs of rows. Nothing else knows the row key."""

    __slots__ = ("_inner", "_outer", "secrets", "sums", "tables")

    def __init__(self, row_key: bytes, secrets: Sealer, sums: Sums) -> None:
        self._inner, self._outer = hmac_contexts(row_key)
        self.secrets = secrets
        self.sums = sums
        self.tables: dict[str, SealedTable[Any]] = {}
        """Every table whose rows are counted, by name: each adds itself."""

    def read_ahead(self, reader: Reader, asked: Sequence[Asked]) -> None:
        """Read what these lookups will find with one statement, and what proves it.

        Each lookup is then made and proved as ever: it only finds its rows and sums in memory.
        """
        readings = [(each.select, each.values) for each in asked]
        readings += self.sums.asks([each.place for each in asked])
        if len(readings) > 1:
            reader.ahead(readings)

    def mac(self, table: str, row: Sequence[Value]) -> bytes:
        """The MAC of a row: its columns in order, the version last. (FIPS 198-1, contexts kept)"""
        inner = self._inner.copy()
        inner.update(_pack((table, *row)))
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


class SealedTable(Generic[T]):
    """One table of authenticated rows.

    `record` names the columns; `key` names the columns of the primary key. Decisions find rows by
    `lookups`. No decision may depend on a table without lookups, and its rows are not counted.
    Every SQL statement is built once, here.
    """

    __slots__ = (
        "_by", "_by_key", "_delete", "_get", "_insert", "_key_of", "_last", "_names", "_of_record",
        "_record", "_seals", "_select", "_selects", "_sums", "_update", "columns", "key", "lookups",
        "name",
    )  # fmt: skip

    def __init__(
        self,
        seals: RowSeals,
        name: str,
        record: type[T],
        key: tuple[str, ...],
        lookups: Sequence[Lookup],
    ) -> None:
        columns = tuple(c for c in record.__struct_fields__ if c != "row_version")
        listed = ", ".join((*columns, "row_version", "mac"))
        where = " AND ".join(f"{c} = ?" for c in key)
        assigned = ", ".join(f"{c} = ?" for c in (*columns, "row_version", "mac"))
        marks = ", ".join("?" for _ in range(len(columns) + 2))
        self.name = name
        self.key = key
        self.columns = columns
        self._last: tuple[Changes, int, Row] | None = None  # the last row read, and at which state
        self._record = record
        self._seals = seals
        self._sums = seals.sums
        self._names = (*columns, "row_version")
        self._key_of = picker([columns.index(c) for c in key])
        self._of_record: Callable[[T], tuple[Value, ...]] = attrgetter(*columns, "row_version")
        self._select = f"SELECT {listed} FROM {name}"  # noqa: S608  # names from our own records
        self._by_key = f"{self._select} WHERE {where}"
        self._insert = f"INSERT INTO {name} ({listed}) VALUES ({marks})"  # noqa: S608  # as above
        self._update = f"UPDATE {name} SET {assigned} WHERE {where} AND row_version = ?"  # noqa: S608  # as above
        self._delete = f"DELETE FROM {name} WHERE {where}"  # noqa: S608  # as above
        places = seals.sums.places
        self.lookups = tuple(BoundLookup(places, name, columns, each) for each in lookups)
        self._selects = {
            each.columns: Select((*columns, "row_version", "mac"), f"{name} WHERE {each.where}")
            for each in self.lookups
        }
        self._by = {each.columns: each for each in self.lookups}
        self._get = self._by.get(key)
        if lookups:
            seals.tables[name] = self

    def _values(self, record: T, version: int) -> tuple[Value, ...]:
        return (*self._of_record(record)[:-1], version)

    def _is_ours(self, row: Row) -> bool:
        return hmac.compare_digest(self._seals.mac(self.name, row[:-1]), row[-1])

    def _open(self, row: Row) -> T:
        """The record of a row that we wrote; raises RowIntegrityError for any other."""
        if not self._is_ours(row):
            raise RowIntegrityError(self.name, self._key_of(row))
        # The MAC, the last column, has no name. (`strict` would cost a tenth of all this.)
        return self._record(**dict(zip(self._names, row)))  # noqa: B905  # as said

    def _require(self, place: Place, values: tuple[Value, ...], total: int) -> None:
        """Are these the rows that the lookup has to find?  Raises NotTheNewest."""
        if self._sums.expected(place) != total:
            raise self._sums.distrust(place[0], self.name, values)

    # reading

    def get(self, reader: Reader, *key: Value) -> T | None:
        """The record with this primary key, or None."""
        place = None if self._get is None else self._get.place(key)
        if place is None and self.lookups:
            raise TypeError(f"`{self.name}` is not looked up by its key, or by a part of it")
        row = reader.one(self._by_key, key, place and place[1])
        record = None
        if row is not None:
            if self._key_of(row) != key:  # the store answered with an authentic row of another key
                raise RowIntegrityError(self.name, key)
            record = self._open(row)
            self._last = reader.changes, reader.changes.state, row
        if place is not None:
            self._require(place, key, 0 if row is None else of_mac(row[-1]))
        return record

    def asks(self, columns: tuple[str, ...], *values: Value) -> Asked:
        """What a declared lookup is going to ask, by `get` or `of` (`read_ahead`)."""
        place = self._by[columns].place(values)
        if place is None:
            raise TypeError(f"nothing of `{self.name}` is found by a missing value")
        return Asked(self._selects[columns], values, place)

    def of(self, reader: Reader, columns: tuple[str, ...], *values: Value, order: str) -> list[T]:
        """The records that a declared lookup finds, all of them, in this order of columns."""
        lookup = self._by[columns]
        place = lookup.place(values)
        if place is None:
            return []
        rows = reader.all(self._selects[columns].sql, values, place[1])
        if len(rows) > 1:
            rows.sort(key=self._order(order))
        records = [self._open(row) for row in rows]
        total = 0
        for row in rows:
            if lookup.values(row) != values:  # an index that leads elsewhere
                raise RowIntegrityError(self.name, self._key_of(row))
            total = plus(total, of_mac(row[-1]))
        self._require(place, values, total)
        if len(rows) == 1:
            self._last = reader.changes, reader.changes.state, rows[0]
        return records

    def _order(self, columns: str) -> Callable[[Row], list[tuple[bool, Value]]]:
        """How rows are put into the order of these columns; missing values come first."""
        places = [self._names.index(column) for column in columns.split(", ")]
        return lambda row: [(row[place] is not None, row[place]) for place in places]

    def has_none(self, transaction: Transaction, columns: tuple[str, ...], *values: Value) -> bool:  # noqa: ARG002  # a proof, as said
        """Does a declared lookup find no row?  Its sum alone proves it, and no row is read.

        Nothing notes this lookup, so no cached value may come from it. Therefore only a call that
        changes something may ask, by its transaction. It asks for something that it will insert,
        so the sum is not remembered yet.
        """
        place = self._by[columns].place(values)
        return place is None or not self._sums.expected(place, remember=False)

    def name_of(self, columns: tuple[str, ...], *values: Value) -> Name:
        """The name of a lookup, as the table announces it; raises TypeError for a missing value."""
        place = self._by[columns].place(values)
        if place is None:
            raise TypeError(f"nothing of `{self.name}` is found by a missing value")
        return place[1]

    def only(self, reader: Reader, columns: tuple[str, ...], *values: Value) -> T | None:
        """The one record that a declared lookup finds, or None."""
        records = self.of(reader, columns, *values, order=columns[0])
        return records[0] if records else None

    def find(self, reader: Reader, where: str, values: Sequence[Value] = ()) -> list[T]:
        """The records that `where` describes, each of them the newest.

        For listings: it is not proved that the list is complete.
        """
        rows = reader.all(f"{self._select} WHERE {where}", values)
        records = [self._open(row) for row in rows]
        if self._get is not None:
            key_of, place_of, expected = self._key_of, self._get.place, self._sums.expected
            for row in rows:
                key = key_of(row)
                place = place_of(key)
                # No column of a key may be missing.
                if place is not None and expected(place) != of_mac(row[-1]):
                    raise self._sums.distrust(place[0], self.name, key)
        return records

    def walk(self, reader: Reader) -> Iterator[Row]:
        """Every row as it is stored, in the order of the keys; for verification."""
        names = ", ".join(self.key)
        marks = ", ".join("?" for _ in self.key)
        order = f"ORDER BY {names} LIMIT {_PAGE}"
        rows = reader.all(f"{self._select} {order}")
        while rows:
            yield from rows
            after = f"{self._select} WHERE ({names}) > ({marks}) {order}"
            rows = reader.all(after, self._key_of(rows[-1]))

    def counted(self, row: Row) -> Iterator[tuple[Place, int]]:
        """The places where a row is counted, and the vector that it adds there.

        Raises RowIntegrityError for a row that we did not write.
        """
        if not self._is_ours(row):
            raise RowIntegrityError(self.name, self._key_of(row))
        vector = of_mac(row[-1])
        for lookup in self.lookups:
            place = lookup.place(lookup.values(row))
            if place is not None:
                yield place, vector

    def named(self, row: Row) -> Iterator[tuple[Place, int, str]]:
        """The places where a row would be counted, its vector, and a text that names the lookup."""
        vector = of_mac(row[-1])
        for lookup in self.lookups:
            values = lookup.values(row)
            place = lookup.place(values)
            if place is not None:
                text = ", ".join(f"{c} {v!r}" for c, v in zip(lookup.columns, values, strict=True))
                yield place, vector, f"`{self.name}` by {text}"

    # changing

    def insert(self, transaction: Transaction, record: T) -> None:
        """Add a record; the primary key must be new."""
        values = self._values(record, 1)
        mac = self._seals.mac(self.name, values)
        row, vector = (*values, mac), of_mac(mac)
        places = [lookup.place(lookup.values(row)) for lookup in self.lookups]
        changes = [(place, vector, 1) for place in places if place is not None]
        self._last = None
        transaction.run(self._insert, row, _names(changes))
        self._sums.note(changes)

    def update(self, transaction: Transaction, record: T) -> T:
        """Replace the record with the same primary key, read at `record.row_version`."""
        values = self._values(record, record.row_version + 1)
        row = (*values, self._seals.mac(self.name, values))
        key = self._key_of(values)
        old = self._old(transaction, key, record.row_version) if self.lookups else None
        changes = [] if old is None else self._changes(old, row)
        self._last = None
        if transaction.run(self._update, (*row, *key, record.row_version), _names(changes)) != 1:
            raise RowConflict(self.name)
        self._sums.note(changes)
        return msgspec.structs.replace(record, row_version=record.row_version + 1)

    def _old(self, transaction: Transaction, key: tuple[Value, ...], version: int) -> Row | None:
        """The row that an update replaces: the row that was read last, or one read now.

        The last row is still good while the state number is the same. Only this call's own writes
        change rows without moving it, and each of them forgets the last row.
        """
        changes = transaction.changes
        if self._last is not None and self._last[:2] == (changes, changes.state):
            row = self._last[2]
            if row[-2] == version and self._key_of(row) == key:
                return row
        return transaction.one(self._by_key, key)

    def delete(self, transaction: Transaction, *key: Value) -> bool:
        """Remove the record with this primary key; False when there is none."""
        old = transaction.one(self._by_key, key) if self.lookups else None
        changes = [] if old is None else self._changes(old, None)
        self._last = None
        removed = transaction.run(self._delete, key, _names(changes)) == 1
        if old is not None and self._is_ours(old):  # a row that we did not write was never counted
            self._sums.note(changes)
        return removed

    def delete_all(self, transaction: Transaction, columns: tuple[str, ...], *values: Value) -> int:
        """Remove the rows that a declared lookup finds, authentic or not; returns their number."""
        where = self._by[columns].where
        rows = transaction.all(f"{self._select} WHERE {where}", values)
        for row in rows:
            self.delete(transaction, *self._key_of(row))
        return len(rows)

    def _changes(self, old: Row, new: Row | None) -> list[Noted]:
        """The changes of each lookup's sum and number of rows when `new` replaces `old`."""
        before = of_mac(old[-1])
        after = 0 if new is None else of_mac(new[-1])
        changes: list[Noted] = []
        for lookup in self.lookups:
            left = lookup.values(old)
            right = None if new is None else lookup.values(new)
            if left == right:
                if place := lookup.place(left):
                    changes.append((place, minus(after, before), 0))
                continue
            if place := lookup.place(left):
                changes.append((place, minus(0, before), -1))
            if right is not None and (place := lookup.place(right)):
                changes.append((place, after, 1))
        return changes


def _names(changes: Sequence[Noted]) -> list[Name]:
    """The names to announce: those of the lookups whose rows change."""
    return [place[1] for place, _, _ in changes]
