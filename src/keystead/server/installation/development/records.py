"""What did a seed make in this installation?  One row for each account, user and key of a seed."""

from hashlib import sha256

import msgspec

from keystead.custody.rows import Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction


class SeedRecord(Record, frozen=True, kw_only=True, gc=False):
    """One thing that a seed made, and a digest of what the seed said of it."""

    name: str
    digest: str


class SeedRecords:
    """The table. It is about the seed file alone: no decision about a request depends on it."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, "server_seeds", SeedRecord, ("name",), ())

    def digest(self, reader: Reader, name: str) -> str | None:
        """The digest of what made this; None if no seed did."""
        record = self._table.get(reader, name)
        return None if record is None else record.digest

    def add(self, transaction: Transaction, name: str, digest: str) -> None:
        """Remember that a seed made this."""
        self._table.insert(transaction, SeedRecord(name=name, digest=digest))


def digest_of(described: msgspec.Struct) -> str:
    """The digest of what a seed says of one thing. The order of its members does not matter."""
    return sha256(msgspec.json.encode(described, order="deterministic")).hexdigest()
