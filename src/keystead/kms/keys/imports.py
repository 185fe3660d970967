"""How is imported material remembered?  One row for each material, beside the key's generations.

The view of a key reads these rows, so it goes when one of them changes. A key that was never
imported into has none.
"""

from collections.abc import Sequence

from keystead.custody.rows import Lookup, RowSeals, SealedTable
from keystead.kms.keys.records import ImportedMaterial, KeyRecord
from keystead.store.protocol import Reader, Transaction

_KEY = ("account", "region", "key_id")
_MATERIAL = (*_KEY, "material_id")


class ImportRepository:
    """The table of imported material."""

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(
            seals, "kms_imported_materials", ImportedMaterial, _MATERIAL, (Lookup(_KEY),)
        )

    def of(self, reader: Reader, key: KeyRecord) -> list[ImportedMaterial]:
        """Every material that was imported into this key and is not forgotten, in a fixed order."""
        row_key = (key.account, key.region, key.key_id)
        return self._table.of(reader, _KEY, *row_key, order="material_id")

    def put(
        self,
        transaction: Transaction,
        material: ImportedMaterial,
        known: Sequence[ImportedMaterial],
    ) -> None:
        """Remember this, which may be among those that are `known` of its key."""
        if any(each.material_id == material.material_id for each in known):
            self._table.update(transaction, material)
        else:
            self._table.insert(transaction, material)

    def remove(self, transaction: Transaction, material: ImportedMaterial) -> None:
        """Forget a material that does not belong to its key."""
        row_key = (material.account, material.region, material.key_id)
        self._table.delete(transaction, *row_key, material.material_id)

    def forget(self, transaction: Transaction, key: KeyRecord) -> None:
        """Forget every material of a key, authentic or not."""
        self._table.delete_all(transaction, _KEY, key.account, key.region, key.key_id)
