"""Which keys sign digests of exported records, and since when?  (decision 0047)

There is one, made for the first export. It signs for all accounts and Regions. Its private half is
in a sealed column, and is opened only to sign.
"""

from collections.abc import Sequence
from datetime import datetime

from keystead.custody.rows import Record, RowSeals, SealedTable
from keystead.custody.signing import DigestSecret, DigestSigner
from keystead.store.protocol import Reader, Transaction
from keystead.times import microseconds

_TABLE = "trail_digest_key"


class DigestKey(Record, frozen=True, kw_only=True, gc=False):
    """One key."""

    fingerprint: str
    created_us: int
    public_key: bytes  # PKCS #1, DER
    secret: bytes  # sealed


class DigestKeys:
    """All keys that ever signed digests."""

    __slots__ = ("_secrets", "_table")

    def __init__(self, seals: RowSeals) -> None:
        # No decision depends on these rows.
        self._table = SealedTable(seals, _TABLE, DigestKey, ("fingerprint",), ())
        self._secrets = seals.secrets

    def every(self, reader: Reader) -> Sequence[DigestKey]:
        """The keys, the oldest first."""
        return sorted(self._table.find(reader, "1 = 1"), key=lambda key: key.created_us)

    def add(self, transaction: Transaction, made: DigestSecret, now: datetime) -> DigestKey:
        """Keep a new key."""
        signer = DigestSigner(made.der)
        record = DigestKey(
            fingerprint=signer.fingerprint,
            created_us=microseconds(now),
            public_key=signer.public_key,
            secret=self._secrets.seal(_TABLE, (signer.fingerprint,), "secret", made.der),
        )
        self._table.insert(transaction, record)
        return record

    def signer(self, record: DigestKey) -> DigestSigner:
        """What signs with this key."""
        key = (record.fingerprint,)
        return DigestSigner(self._secrets.unseal(_TABLE, key, "secret", record.secret))
