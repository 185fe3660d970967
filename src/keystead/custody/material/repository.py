"""Which key material is there?  One authenticated row per generation, its secret sealed.

INVARIANT: a material id names one secret for ever. Its row may be sealed anew, or be removed. It
never holds another secret.
"""

from typing import Literal

from keystead.custody.rows import Asked, Lookup, Record, RowSeals, SealedTable, place
from keystead.store.protocol import Reader, Transaction

_KEY = ("account", "key_id")
_MATERIAL = (*_KEY, "material_id")

MaterialState = Literal["CURRENT", "NON_CURRENT"]
"""AWS's words: CURRENT material encrypts now, NON_CURRENT material only decrypts."""


class MaterialRecord(Record, frozen=True, kw_only=True, gc=False):
    """One generation of a key's material. `sealed` opens only in custody, only in this row."""

    account: str
    key_id: str
    material_id: str  # 64 hexadecimal digits, random
    generation: int  # from 1, in the order of creation
    key_spec: str  # "SYMMETRIC_DEFAULT"
    state: MaterialState
    created_us: int  # microseconds since the epoch
    sealed: bytes


def place_of(record: MaterialRecord) -> bytes:
    """Where the secret of a material belongs; under its account's own key (RK-3)."""
    return place(
        "key_materials",
        "sealed",
        record.account,
        record.key_id,
        record.material_id,
        record.generation,
        record.key_spec,
    )


class Materials:
    """The material of every key."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        # One lookup serves both ways of asking: a key has few generations.
        self._table = SealedTable(
            seals, "key_materials", MaterialRecord, _MATERIAL, (Lookup(_KEY),)
        )

    def get(
        self, reader: Reader, account: str, key_id: str, material_id: str
    ) -> MaterialRecord | None:
        every = self.every(reader, account, key_id)
        return next((each for each in every if each.material_id == material_id), None)

    def every(self, reader: Reader, account: str, key_id: str) -> list[MaterialRecord]:
        """Every generation of a key, oldest first."""
        return self._table.of(reader, _KEY, account, key_id, order="generation")

    def asks(self, account: str, key_id: str) -> Asked:
        """What `get` and `every` are going to ask."""
        return self._table.asks(_KEY, account, key_id)

    def newest(self, transaction: Transaction, account: str, key_id: str) -> MaterialRecord | None:
        """The last generation of a key."""
        if self._table.has_none(transaction, _KEY, account, key_id):
            return None
        return self.every(transaction, account, key_id)[-1]

    def insert(self, transaction: Transaction, record: MaterialRecord) -> None:
        self._table.insert(transaction, record)

    def update(self, transaction: Transaction, record: MaterialRecord) -> MaterialRecord:
        return self._table.update(transaction, record)

    def delete(self, transaction: Transaction, account: str, key_id: str, material_id: str) -> bool:
        """Remove one generation; False when it is not there."""
        return self._table.delete(transaction, account, key_id, material_id)

    def delete_all(self, transaction: Transaction, account: str, key_id: str) -> int:
        """Remove every generation of a key, authentic or not; returns their number."""
        return self._table.delete_all(transaction, _KEY, account, key_id)
