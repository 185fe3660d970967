"""Which public key had an imported private key?  It is shown while the material is away.

Material can expire or be deleted, and comes back as the same. What it signed has to be verified
meanwhile: so its public half is kept from the first import until the key is destroyed (kms.md 7).
That of a multi-Region key belongs to its whole set, as generations do.
"""

from keystead.custody.rows import Record, RowSeals, SealedTable
from keystead.kms.keys.generations import place_of
from keystead.kms.keys.records import KeyRecord
from keystead.store.protocol import Reader, Transaction

_KEY = ("account", "region", "key_id")


class PublicKey(Record, frozen=True, kw_only=True, gc=False):
    """The public half of an imported private key."""

    account: str
    region: str
    key_id: str
    public_key: bytes


class PublicKeys:
    """Those of every key that was imported into."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, "kms_public_keys", PublicKey, _KEY, ())

    def of(self, reader: Reader, key: KeyRecord) -> bytes | None:
        """The public key; None for a key that never had material since this is kept."""
        found = self._table.get(reader, *place_of(key))
        return None if found is None else found.public_key

    def keep(self, transaction: Transaction, key: KeyRecord, public_key: bytes) -> None:
        """Remember it. A key takes one private key for ever, so the first import says it."""
        account, region, key_id = place_of(key)
        if self._table.get(transaction, account, region, key_id) is None:
            self._table.insert(
                transaction,
                PublicKey(account=account, region=region, key_id=key_id, public_key=public_key),
            )

    def forget(self, transaction: Transaction, key: KeyRecord) -> None:
        """Forget that of a key which is destroyed."""
        self._table.delete(transaction, *place_of(key))
