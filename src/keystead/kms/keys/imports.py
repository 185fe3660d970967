"""How is imported material remembered?  One row for each material, beside the key's generations.

The view of a key reads these rows, so it goes when one of them changes. A key that was never
imported into has none.

Each member of a multi-Region set has rows of its own, because each is imported into by itself
(kms.md 13.3).

INVARIANT: a material that one member of a set has a row for has a row in every member's Region.
"""

import msgspec

from keystead.custody.rows import Asked, Lookup, RowSeals, SealedTable
from keystead.kms.keys.records import ImportedMaterial, KeyRecord, Place
from keystead.store.protocol import Reader, Transaction

_KEY = ("account", "region", "key_id")
_MATERIAL = (*_KEY, "material_id")


class ImportRepository:
    """The table of imported material."""

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(
            seals, "kms_imported_materials", ImportedMaterial, _MATERIAL, (Lookup(_KEY),)
        )

    def of(self, reader: Reader, place: Place) -> list[ImportedMaterial]:
        """Every material that was imported into this key and is not forgotten, in a fixed order."""
        return self._table.of(reader, _KEY, *place, order="material_id")

    def asks(self, place: Place) -> Asked:
        """What `of` is going to ask."""
        return self._table.asks(_KEY, *place)

    def add(self, transaction: Transaction, material: ImportedMaterial) -> None:
        """Remember a material that is new to its key."""
        self._table.insert(transaction, material)

    def await_in(self, transaction: Transaction, region: str, material: ImportedMaterial) -> None:
        """Let the member in another Region wait for a material of its set."""
        self._table.insert(
            transaction,
            msgspec.structs.replace(
                material,
                region=region,
                import_state="PENDING_IMPORT",
                valid_to_us=None,
                description="",
                row_version=1,
            ),
        )

    def change(self, transaction: Transaction, material: ImportedMaterial) -> None:
        """Remember what changed of a material."""
        self._table.update(transaction, material)

    def remove(self, transaction: Transaction, material: ImportedMaterial) -> None:
        """Forget a material that does not belong to its key."""
        row_key = (material.account, material.region, material.key_id)
        self._table.delete(transaction, *row_key, material.material_id)

    def forget(self, transaction: Transaction, key: KeyRecord) -> None:
        """Forget every material of a key, authentic or not."""
        self._table.delete_all(transaction, _KEY, key.account, key.region, key.key_id)
