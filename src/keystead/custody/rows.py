"""Is this row the one we wrote?  Authenticated rows and sealed columns (threat-model RK-3, RK-4).

Every security-relevant table is a SealedTable: each row carries a version and a MAC over the
table's name, its columns (the key among them) and the version, so that a row that was edited,
moved, copied to another key or taken from another table is refused when it is read. A secret
column is sealed before it gets here, bound to table, key and column.

    mac = HMAC-SHA256(row key, msgpack [table, row_version, column, column, …])

msgpack writes each value with its type and length, so no two rows have the same encoding.
"""

import hmac
from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from keystead.custody.kdf import hmac_contexts
from keystead.custody.secrecy import Guarded
from keystead.store.protocol import Reader, Row, Transaction, Value

_pack = msgspec.msgpack.Encoder().encode


class RowIntegrityError(Exception):
    """A row that we did not write: refuse what depends on it, and raise an alarm."""

    def __init__(self, table: str, key: Sequence[Value]) -> None:
        super().__init__(f"row of `{table}` fails its authentication: {list(key)!r}")
        self.table = table


class RowConflict(Exception):
    """The row changed since it was read; the call must be tried again."""


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of every stored record: its fields are its table's columns, in order."""

    row_version: int = 1


T = TypeVar("T", bound=Record)


class Sealer(Protocol):
    """Seals one secret column; `custody.hierarchy` provides it."""

    def seal(self, table: str, key: Sequence[Value], column: str, secret: bytes) -> bytes:
        """The sealed form, bound to where it is stored."""

    def unseal(self, table: str, key: Sequence[Value], column: str, sealed: bytes) -> bytes:
        """The secret; raises RowIntegrityError when it was not sealed for this place."""


class RowSeals(Guarded):
    """Makes and checks the MACs of rows; knows the row key, and nothing else does."""

    __slots__ = ("_inner", "_outer", "secrets")

    def __init__(self, row_key: bytes, secrets: Sealer) -> None:
        self._inner, self._outer = hmac_contexts(row_key)
        self.secrets = secrets

    def mac(self, table: str, row: Sequence[Value]) -> bytes:
        """The MAC of a row: its columns in order, the version last. (FIPS 198-1, contexts kept)"""
        inner = self._inner.copy()
        inner.update(_pack((table, *row)))
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


class SealedTable(Generic[T]):
    """One table of authenticated rows.

    `record` names the columns; `key` names the columns of the primary key. Every statement is
    built once, here; a repository adds its own conditions with `find`.
    """

    __slots__ = (
        "_by_key", "_delete", "_insert", "_key_positions", "_names", "_record", "_seals", "_select",
        "_update", "columns", "key", "name",
    )  # fmt: skip

    def __init__(self, seals: RowSeals, name: str, record: type[T], key: tuple[str, ...]) -> None:
        columns = tuple(c for c in record.__struct_fields__ if c != "row_version")
        listed = ", ".join((*columns, "row_version", "mac"))
        where = " AND ".join(f"{c} = ?" for c in key)
        assigned = ", ".join(f"{c} = ?" for c in (*columns, "row_version", "mac"))
        marks = ", ".join("?" for _ in range(len(columns) + 2))
        self.name = name
        self.key = key
        self.columns = columns
        self._record = record
        self._seals = seals
        self._names = (*columns, "row_version")
        self._key_positions = tuple(columns.index(c) for c in key)
        self._select = f"SELECT {listed} FROM {name}"  # noqa: S608  # names from our own records
        self._by_key = f"{self._select} WHERE {where}"
        self._insert = f"INSERT INTO {name} ({listed}) VALUES ({marks})"  # noqa: S608
        self._update = f"UPDATE {name} SET {assigned} WHERE {where} AND row_version = ?"  # noqa: S608
        self._delete = f"DELETE FROM {name} WHERE {where}"  # noqa: S608

    def _values(self, record: T, version: int) -> tuple[Value, ...]:
        return (*(getattr(record, c) for c in self.columns), version)

    def _key_of(self, values: Sequence[Value]) -> tuple[Value, ...]:
        return tuple(values[i] for i in self._key_positions)

    def _open(self, row: Row) -> T:
        """The record of a row that we wrote; raises RowIntegrityError for any other."""
        values = row[:-1]
        if not hmac.compare_digest(self._seals.mac(self.name, values), row[-1]):
            raise RowIntegrityError(self.name, self._key_of(values))
        return self._record(**dict(zip(self._names, values, strict=True)))

    def get(self, reader: Reader, *key: Value) -> T | None:
        """The record with this primary key, or None."""
        row = reader.one(self._by_key, key)
        if row is None:
            return None
        if self._key_of(row) != key:  # the store answered with an authentic row of another key
            raise RowIntegrityError(self.name, key)
        return self._open(row)

    def first(self, reader: Reader, where: str, values: Sequence[Value]) -> T | None:
        """The one record that `where` describes, or None."""
        row = reader.one(f"{self._select} WHERE {where}", values)
        return None if row is None else self._open(row)

    def find(self, reader: Reader, where: str, values: Sequence[Value] = ()) -> list[T]:
        """The records that `where` (with ORDER BY and LIMIT, if any) describes."""
        return [self._open(row) for row in reader.all(f"{self._select} WHERE {where}", values)]

    def scan(self, reader: Reader) -> Iterator[T]:
        """Every record; for verification and listings of small tables."""
        for row in reader.all(self._select):
            yield self._open(row)

    def insert(self, transaction: Transaction, record: T) -> None:
        """Add a record; the primary key must be new."""
        values = self._values(record, 1)
        transaction.run(self._insert, (*values, self._seals.mac(self.name, values)))

    def update(self, transaction: Transaction, record: T) -> T:
        """Replace the record with the same primary key, read at `record.row_version`."""
        values = self._values(record, record.row_version + 1)
        mac = self._seals.mac(self.name, values)
        where = (*self._key_of(values), record.row_version)
        if transaction.run(self._update, (*values, mac, *where)) != 1:
            raise RowConflict(self.name)
        return msgspec.structs.replace(record, row_version=record.row_version + 1)

    def delete(self, transaction: Transaction, *key: Value) -> bool:
        """Remove the record with this primary key; False when there is none."""
        return transaction.run(self._delete, key) == 1
