"""Which key signs the identity documents of instances, and which signed earlier ones?

There is one, made for the first instance. Its private half is in a sealed column, and is opened
only to sign.
"""

from collections.abc import Sequence
from datetime import datetime

from keystead.custody.rows import Record, RowSeals, SealedTable
from keystead.custody.signing import DocumentSecret, DocumentSigner, fingerprint
from keystead.store.protocol import Reader, Transaction
from keystead.times import microseconds

_TABLE = "ec2_document_key"


class DocumentKey(Record, frozen=True, kw_only=True, gc=False):
    """One key."""

    fingerprint: str
    created_us: int
    certificate: bytes  # X.509, DER
    secret: bytes  # sealed


class DocumentKeys:
    """All keys that ever signed documents."""

    __slots__ = ("_secrets", "_table")

    def __init__(self, seals: RowSeals) -> None:
        # No decision depends on these rows.
        self._table = SealedTable(seals, _TABLE, DocumentKey, ("fingerprint",), ())
        self._secrets = seals.secrets

    def every(self, reader: Reader) -> Sequence[DocumentKey]:
        """The keys, the oldest first."""
        return sorted(self._table.find(reader, "1 = 1"), key=lambda key: key.created_us)

    def add(self, transaction: Transaction, made: DocumentSecret, now: datetime) -> DocumentKey:
        """Keep a new key."""
        name = fingerprint(made.certificate)
        record = DocumentKey(
            fingerprint=name,
            created_us=microseconds(now),
            certificate=made.certificate,
            secret=self._secrets.seal(_TABLE, (name,), "secret", made.der),
        )
        self._table.insert(transaction, record)
        return record

    def signer(self, record: DocumentKey) -> DocumentSigner:
        """What signs with this key."""
        key = (record.fingerprint,)
        der = self._secrets.unseal(_TABLE, key, "secret", record.secret)
        return DocumentSigner(der, record.certificate)
