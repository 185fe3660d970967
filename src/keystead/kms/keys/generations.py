"""Which generations of material has a key, and why did each come to be?  (kms.md 13.1)

The generations of a multi-Region key belong to its whole set, and to no Region (kms.md 14).
"""

from keystead.custody.rows import Lookup, RowSeals, SealedTable
from keystead.kms.keys.records import KeyRecord, MaterialRecord, Place
from keystead.kms.keys.related import SHARED_REGION
from keystead.store.protocol import Reader, Transaction
from keystead.wire.models import kms as api

_KEY = ("account", "region", "key_id")


class Generations:
    """The generations of every key. The secrets are custody's."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        generation = (*_KEY, "generation")
        self._table = SealedTable(
            seals, "kms_materials", MaterialRecord, generation, (Lookup(_KEY),)
        )

    def of(self, reader: Reader, key: KeyRecord) -> list[MaterialRecord]:
        """Every generation of a key's material, oldest first."""
        return self._table.of(reader, _KEY, *place_of(key), order="generation")

    def add(
        self,
        transaction: Transaction,
        key: KeyRecord,
        material_id: str,
        rotated_us: int | None = None,
        rotation_type: api.RotationType | None = None,
    ) -> None:
        """Remember another generation; no rotation made the first."""
        account, region, key_id = place = place_of(key)
        is_first = self._table.has_none(transaction, _KEY, *place)
        former = [] if is_first else self.of(transaction, key)
        self._table.insert(
            transaction,
            MaterialRecord(
                account=account,
                region=region,
                key_id=key_id,
                generation=former[-1].generation + 1 if former else 1,
                material_id=material_id,
                rotated_us=rotated_us,
                rotation_type=rotation_type,
            ),
        )

    def forget(self, transaction: Transaction, key: KeyRecord) -> None:
        """Forget every generation of a key, authentic or not."""
        self._table.delete_all(transaction, _KEY, *place_of(key))


def place_of(key: KeyRecord) -> Place:
    """Where that stands which all members of a multi-Region set have together."""
    return key.account, SHARED_REGION if key.multi_region else key.region, key.key_id
