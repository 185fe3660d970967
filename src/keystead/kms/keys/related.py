"""Which multi-Region keys are related, and what do they share?  (kms.md 14)

A set of related keys has one row, with the Regions of its members. Each member has a row of its own
in `kms_keys`, as every key has; that row says whether it is the primary.

What all members share is kept once. The columns `SHARED` have their value in the primary's row, and
nothing in the rows of replicas, whose views read them there. The generations of material belong to
the set and to no Region: `SHARED_REGION` stands in their rows. Spec, usage and origin never change,
so each member has them.

INVARIANT: of the members one is the primary.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from keystead.custody.rows import Asked, Lookup, Record, RowIntegrityError, RowSeals, SealedTable
from keystead.kms.keys.records import KeyRecord
from keystead.store.protocol import Reader, Transaction, Value

SHARED_REGION = ""
"""The Region in the rows of what belongs to a whole set."""

SHARED: Mapping[str, Value] = {"material_id": "", "rotation_days": 0, "next_rotation_us": None}
"""The columns of a key that all members share, with what the row of a replica has there."""

_SET = ("account", "key_id")
_read_regions = msgspec.json.Decoder(tuple[str, ...]).decode


class RelatedKeys(Record, frozen=True, kw_only=True, gc=False):
    """A set of related multi-Region keys: which Regions have a member?"""

    account: str
    key_id: str
    regions: str  # JSON list, sorted
    pending_days: int | None = None  # of a primary that is pending replica deletion

    @property
    def members(self) -> tuple[str, ...]:
        """The Regions of the members."""
        return _read_regions(self.regions)


class Relation(NamedTuple):
    """One member's set."""

    related: RelatedKeys
    primary: KeyRecord


class RelatedTable:
    """The sets of an installation."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, "kms_related_keys", RelatedKeys, _SET, (Lookup(_SET),))

    def get(self, reader: Reader, account: str, key_id: str) -> RelatedKeys | None:
        """The set with this key id."""
        return self._table.get(reader, account, key_id)

    def asks(self, account: str, key_id: str) -> Asked:
        """What `get` is going to ask."""
        return self._table.asks(_SET, account, key_id)

    def relation(
        self, reader: Reader, key: KeyRecord, find: Callable[[str], KeyRecord | None]
    ) -> Relation:
        """The set of a multi-Region key, and its primary; `find` gives the member of a Region."""
        related = self.require(reader, key)
        if key.multi_region == "PRIMARY":
            return Relation(related, key)
        for region in related.members:
            member = None if region == key.region else find(region)
            if member is not None and member.multi_region == "PRIMARY":
                return Relation(related, member)
        raise RowIntegrityError("kms_related_keys", (key.account, key.key_id))

    def require(self, reader: Reader, key: KeyRecord) -> RelatedKeys:
        """The set of a multi-Region key; raises RowIntegrityError unless the key is in it."""
        related = self.get(reader, key.account, key.key_id)
        if related is None or key.region not in related.members:
            raise RowIntegrityError("kms_related_keys", (key.account, key.key_id))
        return related

    def begin(self, transaction: Transaction, primary: KeyRecord) -> None:
        """A new primary is a set of one."""
        self._table.insert(
            transaction,
            RelatedKeys(
                account=primary.account,
                key_id=primary.key_id,
                regions=_write_regions([primary.region]),
            ),
        )

    def join(self, transaction: Transaction, replica: KeyRecord) -> None:
        """Add the Region of a new replica."""
        related = self._table.get(transaction, replica.account, replica.key_id)
        if related is None:
            raise RowIntegrityError("kms_related_keys", (replica.account, replica.key_id))
        regions = _write_regions([*related.members, replica.region])
        self._table.update(transaction, msgspec.structs.replace(related, regions=regions))

    def leave(self, transaction: Transaction, member: KeyRecord) -> RelatedKeys | None:
        """Remove the Region of a member; the set that is left, or None when it was the last."""
        related = self.require(transaction, member)
        if len(related.members) > 1 and member.multi_region == "PRIMARY":
            raise RowIntegrityError("kms_related_keys", (member.account, member.key_id))
        left = [region for region in related.members if region != member.region]
        if not left:
            self._table.delete(transaction, member.account, member.key_id)
            return None
        changed = msgspec.structs.replace(related, regions=_write_regions(left))
        return self._table.update(transaction, changed)

    def change_pending(
        self, transaction: Transaction, primary: KeyRecord, days: int | None
    ) -> RelatedKeys:
        """Change the waiting period that begins when the last replica is gone."""
        related = self.require(transaction, primary)
        changed = msgspec.structs.replace(related, pending_days=days)
        return self._table.update(transaction, changed)


def promoted(primary: KeyRecord, replica: KeyRecord) -> tuple[KeyRecord, KeyRecord]:
    """The rows of the former primary and of the new one: what is shared moves with the role."""
    shared: dict[str, Value] = {name: getattr(primary, name) for name in SHARED}
    former = msgspec.structs.replace(primary, multi_region="REPLICA", **SHARED)
    return former, msgspec.structs.replace(replica, multi_region="PRIMARY", **shared)


def _write_regions(regions: Sequence[str]) -> str:
    return msgspec.json.encode(sorted(regions)).decode()
