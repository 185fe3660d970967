"""Trust anchors: the authorities whose certificates an account believes.

A trust anchor has a revision, which moves when its certificates change and when it is disabled. A
session names the revision under which it began, and ends with it for ever.
"""

from collections.abc import Mapping

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.repository.tags import unpacked
from keystead.store.protocol import Reader, Transaction

_KEY = ("account", "anchor_id")


class TrustAnchor(Record, frozen=True, kw_only=True, gc=False):
    """One trust anchor."""

    account: str
    anchor_id: str  # a UUID
    region: str
    name: str
    certificates: str  # PEM
    enabled: int
    revision: int
    notifications: str  # JSON
    tags: str
    created: int
    updated: int

    @property
    def record_id(self) -> str:
        return self.anchor_id

    @property
    def as_it_is(self) -> str:
        """The name of a trust anchor as it is now: its id, and its revision."""
        return f"{self.anchor_id}/{self.revision}"

    @property
    def tag_map(self) -> Mapping[str, str]:
        return unpacked(self.tags)


class TrustAnchors:
    """The trust anchors of every account."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, "ra_trust_anchor", TrustAnchor, _KEY, (Lookup(_KEY),))

    def get(self, reader: Reader, account: str, anchor_id: str) -> TrustAnchor | None:
        return self._table.get(reader, account, anchor_id)

    def after(
        self, reader: Reader, account: str, region: str, anchor_id: str, limit: int
    ) -> list[TrustAnchor]:
        """The next trust anchors of a Region, in the order of their ids."""
        return self._table.find(
            reader, "account = ? AND region = ? AND anchor_id > ? ORDER BY anchor_id LIMIT ?",
            (account, region, anchor_id, limit),
        )  # fmt: skip

    def count(self, reader: Reader, account: str, region: str) -> int:
        """How many has an account in a Region?"""
        sql = "SELECT COUNT(*) FROM ra_trust_anchor WHERE account = ? AND region = ?"
        row = reader.one(sql, (account, region))
        return row[0] if row else 0

    def is_as_it_was(self, reader: Reader, account: str, as_it_was: str) -> bool:
        """Is there an enabled trust anchor that still has the revision of this name?"""
        anchor = self.get(reader, account, as_it_was.partition("/")[0])
        return anchor is not None and bool(anchor.enabled) and anchor.as_it_is == as_it_was

    def insert(self, transaction: Transaction, anchor: TrustAnchor) -> None:
        self._table.insert(transaction, anchor)

    def update(self, transaction: Transaction, anchor: TrustAnchor) -> TrustAnchor:
        return self._table.update(transaction, anchor)

    def revise(self, transaction: Transaction, anchor: TrustAnchor) -> TrustAnchor:
        """Keep a trust anchor that changed: sessions that began before end."""
        later = msgspec.structs.replace(anchor, revision=anchor.revision + 1)
        return self.update(transaction, later)

    def delete(self, transaction: Transaction, anchor: TrustAnchor) -> None:
        self._table.delete(transaction, anchor.account, anchor.anchor_id)
