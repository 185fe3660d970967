"""Certificate revocation lists of trust anchors, and which certificates they revoke.

A list is read once, when it is imported. What decisions need of it is kept beside it, and found
without reading it again: sixteen bytes of a hash for each certificate, in order.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.repository.anywhere.released import DIGEST, ReleasedCertificates, place_in
from keystead.identity.repository.tags import unpacked
from keystead.store.protocol import Reader, Transaction


def path_name(anchor_id: str, moment: int, digests: Collection[bytes]) -> str:
    """The name of certificates up to a trust anchor, for a session that names this moment.

    It has the id of the trust anchor, the moment (`released`), and what stands for each.
    """
    return "/".join((f"{anchor_id}@{moment}", *(digest.hex() for digest in digests)))


_KEY, _ANCHOR = ("account", "crl_id"), ("account", "anchor_id")


class Crl(Record, frozen=True, kw_only=True, gc=False):
    """One list."""

    account: str
    crl_id: str  # a UUID
    region: str
    anchor_id: str
    name: str
    enabled: int
    tags: str
    created: int
    updated: int

    @property
    def record_id(self) -> str:
        return self.crl_id

    @property
    def tag_map(self) -> Mapping[str, str]:
        return unpacked(self.tags)


class CrlData(Record, frozen=True, kw_only=True, gc=False):
    """A list as it was imported."""

    account: str
    crl_id: str
    data: bytes


class CrlRevoked(Record, frozen=True, kw_only=True, gc=False):
    """The certificates that a list revokes."""

    account: str
    crl_id: str
    digests: bytes

    def revokes(self, digest: bytes) -> bool:
        """Is this certificate among them?"""
        return place_in(self.digests, DIGEST, digest) is not None

    def lacking(self, digests: bytes) -> frozenset[bytes]:
        """Those of them that are not among these."""
        return _each(self.digests) - _each(digests)


def _each(digests: bytes) -> frozenset[bytes]:
    places = range(0, len(digests), DIGEST)
    return frozenset(digests[place : place + DIGEST] for place in places)


class Crls:
    """The lists of every account."""

    __slots__ = ("_data", "_released", "_revoked", "_table")

    def __init__(self, seals: RowSeals, released: ReleasedCertificates) -> None:
        self._table = SealedTable(seals, "ra_crl", Crl, _KEY, (Lookup(_KEY), Lookup(_ANCHOR)))
        self._data = SealedTable(seals, "ra_crl_data", CrlData, _KEY, (Lookup(_KEY),))
        self._revoked = SealedTable(seals, "ra_crl_revoked", CrlRevoked, _KEY, (Lookup(_KEY),))
        self._released = released

    def get(self, reader: Reader, account: str, crl_id: str) -> Crl | None:
        return self._table.get(reader, account, crl_id)

    def of(self, reader: Reader, account: str, anchor_id: str) -> list[Crl]:
        """The lists of a trust anchor, all of them."""
        return self._table.of(reader, _ANCHOR, account, anchor_id, order="crl_id")

    def after(
        self, reader: Reader, account: str, region: str, crl_id: str, limit: int
    ) -> list[Crl]:
        """The next lists of a Region, in the order of their ids."""
        return self._table.find(
            reader, "account = ? AND region = ? AND crl_id > ? ORDER BY crl_id LIMIT ?",
            (account, region, crl_id, limit),
        )  # fmt: skip

    def revoke_any(
        self, reader: Reader, account: str, anchor_id: str, digests: Collection[bytes]
    ) -> bool:
        """Does an enabled list of a trust anchor revoke one of these certificates?"""
        for crl in self.of(reader, account, anchor_id):
            if not crl.enabled:
                continue
            revoked = self._revoked.get(reader, account, crl.crl_id)
            if revoked is None or any(map(revoked.revokes, digests)):
                return True
        return False

    def leave(self, reader: Reader, account: str, path: str) -> bool:
        """Was no certificate of this path revoked since?  The path is as `path_name` writes it."""
        anchor, *texts = path.split("/")
        anchor_id, _, moment = anchor.partition("@")
        digests = list(map(bytes.fromhex, texts))
        if self._released.ended(reader, account, anchor_id, digests, int(moment or 0)):
            return False
        return not self.revoke_any(reader, account, anchor_id, digests)

    def path_now(
        self, reader: Reader, account: str, anchor_id: str, digests: Collection[bytes]
    ) -> str:
        """The name of certificates for a session that begins now."""
        moment = self._released.moment(reader, account, anchor_id)
        return path_name(anchor_id, moment, digests)

    def data(self, reader: Reader, crl: Crl) -> bytes:
        """The list as it was imported."""
        known = self._data.get(reader, crl.account, crl.crl_id)
        if known is None:
            raise RuntimeError(f"the list {crl.crl_id} has no data")
        return known.data

    def insert(self, transaction: Transaction, crl: Crl, data: bytes, digests: bytes) -> None:
        self._table.insert(transaction, crl)
        self._keep(transaction, crl, data, digests)

    def update(self, transaction: Transaction, crl: Crl) -> Crl:
        return self._table.update(transaction, crl)

    def switch(self, transaction: Transaction, crl: Crl, now: datetime) -> Crl:
        """Keep a list that is enabled or disabled now."""
        before = self._table.get(transaction, crl.account, crl.crl_id)
        if before is not None and not crl.enabled:
            self._let_in(transaction, before, b"", now)
        return self.update(transaction, crl)

    def replace(  # as a list is stored
        self, transaction: Transaction, crl: Crl, data: bytes, digests: bytes, now: datetime
    ) -> Crl:
        """Keep a list with other data."""
        self._let_in(transaction, crl, digests, now)
        self._forget(transaction, crl)
        self._keep(transaction, crl, data, digests)
        return self.update(transaction, crl)

    def delete(self, transaction: Transaction, crl: Crl, now: datetime) -> None:
        self._let_in(transaction, crl, b"", now)
        self._table.delete(transaction, crl.account, crl.crl_id)
        self._forget(transaction, crl)

    def delete_all(self, transaction: Transaction, account: str, anchor_id: str) -> None:
        """The trust anchor goes."""
        for crl in self.of(transaction, account, anchor_id):
            self._table.delete(transaction, crl.account, crl.crl_id)
            self._forget(transaction, crl)
        self._released.forget(transaction, account, anchor_id)

    def _let_in(self, transaction: Transaction, crl: Crl, left: bytes, now: datetime) -> None:
        """A list that counted revokes no more than these."""
        revoked = self._revoked.get(transaction, crl.account, crl.crl_id)
        if crl.enabled and revoked is not None:
            gone = revoked.lacking(left)
            self._released.add(transaction, crl.account, crl.anchor_id, gone, now)

    def _keep(self, transaction: Transaction, crl: Crl, data: bytes, digests: bytes) -> None:
        account, crl_id = crl.account, crl.crl_id
        self._data.insert(transaction, CrlData(account=account, crl_id=crl_id, data=data))
        revoked = CrlRevoked(account=account, crl_id=crl_id, digests=digests)
        self._revoked.insert(transaction, revoked)

    def _forget(self, transaction: Transaction, crl: Crl) -> None:
        self._data.delete(transaction, crl.account, crl.crl_id)
        self._revoked.delete(transaction, crl.account, crl.crl_id)
