"""What stays of a key that was destroyed?  Its id, never given again, and a signed statement.

Keys that an older version destroyed have no statement.
"""

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from keystead.custody.material import BadTombstone, Told, Verifier, read_tombstone
from keystead.custody.material import Tombstone as Signed
from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.kms.keys.identifiers import key_reference
from keystead.kms.keys.records import Place
from keystead.store.protocol import Reader, Transaction

_KEY = ("account", "region", "key_id")
_PAGE = 500

R = TypeVar("R", bound=Record)


class Tombstone(Record, frozen=True, kw_only=True, gc=False):
    """A key that was destroyed. Its id is never given again."""

    account: str
    region: str
    key_id: str
    destroyed_us: int


class TombstoneStatement(Record, frozen=True, kw_only=True, gc=False):
    """What this installation signed about it (`custody.material.tombstones`)."""

    account: str
    region: str
    key_id: str
    statement: str
    signature: bytes

    @property
    def place(self) -> Place:
        return self.account, self.region, self.key_id

    def told(self, is_signature: Verifier) -> Told:
        """What it says; raises BadTombstone unless it is signed, and about this key."""
        told = read_tombstone(Signed(self.statement, self.signature), is_signature)
        if told.arn != key_reference(*self.place).arn:
            raise BadTombstone(f"its statement is about `{told.arn}`")
        return told


class Tombstones:
    """Every key that was destroyed."""

    __slots__ = ("_statements", "_tombstones")

    def __init__(self, seals: RowSeals) -> None:
        of_key = (Lookup(_KEY),)
        self._tombstones = SealedTable(seals, "kms_tombstones", Tombstone, _KEY, of_key)
        self._statements = SealedTable(
            seals, "kms_tombstone_statements", TombstoneStatement, _KEY, of_key
        )

    def add(self, transaction: Transaction, place: Place, signed: Signed, now_us: int) -> None:
        """A key is destroyed now. A replica may have been made again since the last time."""
        account, region, key_id = place
        stone = Tombstone(account=account, region=region, key_id=key_id, destroyed_us=now_us)
        statement = TombstoneStatement(
            account=account, region=region, key_id=key_id,
            statement=signed.statement, signature=signed.signature,
        )  # fmt: skip
        _put(self._tombstones, transaction, stone, place)
        _put(self._statements, transaction, statement, place)

    def has(self, reader: Reader, place: Place) -> bool:
        """Was a key with this name destroyed?"""
        return self._tombstones.get(reader, *place) is not None

    def has_none(self, transaction: Transaction, place: Place) -> bool:
        """Was no key with this name destroyed?"""
        return self._tombstones.has_none(transaction, _KEY, *place)

    def statement(self, reader: Reader, place: Place) -> TombstoneStatement | None:
        """What was signed about this key when it was destroyed."""
        return self._statements.get(reader, *place)

    def every(self, reader: Reader) -> Iterator[TombstoneStatement]:
        """What was signed about every key that was destroyed, by account, Region and id."""
        after: Place = ("", "", "")
        while True:
            where = "(account, region, key_id) > (?, ?, ?) ORDER BY account, region, key_id LIMIT ?"
            page = self._statements.find(reader, where, (*after, _PAGE))
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].place


def _put(table: SealedTable[R], transaction: Transaction, record: R, place: Place) -> None:
    former = table.get(transaction, *place)
    if former is None:
        table.insert(transaction, record)
    else:
        version = former.row_version
        table.update(transaction, msgspec.structs.replace(record, row_version=version))
