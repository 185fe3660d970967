"""Access keys: the long-term credentials of users and of root, their secrets sealed.

INVARIANT: an id is never given twice. A deleted key leaves its row behind, without owner and
secret, because the random part of an id (39 bits) is too short to rely on.
"""

from typing import Literal

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction

_ID, _OWNER = ("account", "access_key_id"), ("account", "owner_id")

AccessKeyStatus = Literal["Active", "Inactive", "Deleted"]


class AccessKey(Record, frozen=True, kw_only=True, gc=False):
    """One access key. The owner is a user's unique id, or the account id for root."""

    account: str
    access_key_id: str
    owner_id: str
    secret: bytes
    status: AccessKeyStatus
    created: int


class AccessKeyUse(Record, frozen=True, kw_only=True, gc=False):
    """When, where and for which service a key last authenticated a request."""

    account: str
    access_key_id: str
    used: int
    region: str
    service: str


class AccessKeys:
    """The access keys of every account."""

    __slots__ = ("_secrets", "_table", "_uses")

    def __init__(self, seals: RowSeals) -> None:
        lookups = (Lookup(_ID), Lookup(_OWNER))
        self._table = SealedTable(seals, "iam_access_key", AccessKey, _ID, lookups)
        # No decision depends on a last use, and no record tells of it: it is not counted.
        self._uses = SealedTable(seals, "iam_access_key_use", AccessKeyUse, _ID, ())
        self._secrets = seals.secrets

    def get(self, reader: Reader, account: str, access_key_id: str) -> AccessKey | None:
        """The key with this id, unless it was deleted."""
        key = self._table.get(reader, account, access_key_id)
        return None if key is None or key.status == "Deleted" else key

    def is_new(self, reader: Reader, account: str, access_key_id: str) -> bool:
        """Was this id never given?"""
        return self._table.get(reader, account, access_key_id) is None

    def of(self, reader: Reader, account: str, owner_id: str) -> list[AccessKey]:
        """The keys of one owner, the oldest first: at most `limits.ACCESS_KEYS_PER_USER`."""
        return self._table.of(reader, _OWNER, account, owner_id, order="created, access_key_id")

    def insert(self, transaction: Transaction, record: AccessKey) -> None:
        self._table.insert(transaction, record)

    def update(self, transaction: Transaction, record: AccessKey) -> AccessKey:
        return self._table.update(transaction, record)

    def delete(self, transaction: Transaction, record: AccessKey) -> None:
        """Forget owner and secret; keep the id, so that it is never given again."""
        bare = msgspec.structs.replace(record, owner_id="", secret=b"", status="Deleted")
        self._table.update(transaction, bare)
        self._uses.delete(transaction, record.account, record.access_key_id)

    def seal(self, account: str, access_key_id: str, secret: str) -> bytes:
        """The secret as it is stored."""
        key = (account, access_key_id)
        return self._secrets.seal("iam_access_key", key, "secret", secret.encode())

    def secret(self, record: AccessKey) -> bytes:
        """The secret, to verify a signature with."""
        key = (record.account, record.access_key_id)
        return self._secrets.unseal("iam_access_key", key, "secret", record.secret)

    def last_use(self, reader: Reader, account: str, access_key_id: str) -> AccessKeyUse | None:
        return self._uses.get(reader, account, access_key_id)

    def record_use(self, transaction: Transaction, use: AccessKeyUse) -> None:
        """Keep a last use, if its key still exists."""
        if self.get(transaction, use.account, use.access_key_id) is None:
            return
        known = self._uses.get(transaction, use.account, use.access_key_id)
        if known is None:
            self._uses.insert(transaction, use)
        else:
            versioned = msgspec.structs.replace(use, row_version=known.row_version)
            self._uses.update(transaction, versioned)
