"""Certificates that are revoked no longer: which sessions by them stay over?

A list lets certificates in again when it is disabled or deleted, or when a later one lacks them. A
session that was over must not come back by that. So each trust anchor remembers the certificates
that were let in, each with the moment. A session names the last of these moments before it began:
it is over if one of its certificates was let in later.

    digest (16) | moment (8), in the order of the digests

A moment is forgotten when every session of that time is over by itself. If there are too many
certificates, all sessions of the trust anchor that began before are over instead (`floor`).
"""

from bisect import bisect_left
from collections.abc import Collection
from datetime import datetime

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction
from keystead.times import microseconds

DIGEST = 16
"""Bytes that stand for one certificate."""

MOST = 10_000
"""Certificates of a trust anchor; a list of the greatest size has 7,800."""

_MOMENT = 8
_ENTRY = DIGEST + _MOMENT
_REMEMBERED = 13 * 3600 * 1_000_000  # microseconds: a session lives twelve hours at most
_KEY = ("account", "anchor_id")


def place_in(entries: bytes, size: int, digest: bytes) -> int | None:
    """Where this digest stands among entries of one size, which are in order."""
    count = len(entries) // size

    def at(place: int) -> bytes:
        return entries[place * size : place * size + DIGEST]

    place = bisect_left(range(count), digest, key=at)
    return place * size if place < count and at(place) == digest else None


class Released(Record, frozen=True, kw_only=True, gc=False):
    """The certificates of one trust anchor that were let in again."""

    account: str
    anchor_id: str
    moment: int  # of the last; each is later than the one before
    floor: int  # sessions that name an earlier moment are over
    entries: bytes

    def ended(self, digest: bytes, since: int) -> bool:
        """Is a session by this certificate over, which names this moment?"""
        if since < self.floor:
            return True
        place = place_in(self.entries, _ENTRY, digest)
        if place is None:
            return False
        return int.from_bytes(self.entries[place + DIGEST : place + _ENTRY], "big") > since


class ReleasedCertificates:
    """What each trust anchor of every account let in again."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, "ra_released", Released, _KEY, (Lookup(_KEY),))

    def moment(self, reader: Reader, account: str, anchor_id: str) -> int:
        """What a session names that begins now."""
        known = self._table.get(reader, account, anchor_id)
        return 0 if known is None else known.moment

    def ended(
        self, reader: Reader, account: str, anchor_id: str, digests: Collection[bytes], since: int
    ) -> bool:
        """Is a session by these certificates over, which names this moment?"""
        known = self._table.get(reader, account, anchor_id)
        return known is not None and any(known.ended(each, since) for each in digests)

    def add(
        self,
        transaction: Transaction,
        account: str,
        anchor_id: str,
        digests: Collection[bytes],
        now: datetime,
    ) -> None:
        """Remember that these certificates are let in."""
        if not digests:
            return
        known = self._table.get(transaction, account, anchor_id)
        before = known or Released(
            account=account, anchor_id=anchor_id, moment=0, floor=0, entries=b""
        )
        wall = microseconds(now)
        moment = max(before.moment + 1, wall)
        entries = _remembered(before.entries, wall - _REMEMBERED)
        entries |= dict.fromkeys(digests, moment.to_bytes(_MOMENT, "big"))
        after = msgspec.structs.replace(before, moment=moment, entries=_joined(entries))
        if len(entries) > MOST:
            after = msgspec.structs.replace(after, floor=moment, entries=b"")
        if known is None:
            self._table.insert(transaction, after)
        else:
            self._table.update(transaction, after)

    def forget(self, transaction: Transaction, account: str, anchor_id: str) -> None:
        """The trust anchor goes, and nothing of it is believed any more."""
        if self._table.get(transaction, account, anchor_id) is not None:
            self._table.delete(transaction, account, anchor_id)


def _remembered(entries: bytes, since: int) -> dict[bytes, bytes]:
    """The moment of each digest, of those that are late enough."""
    least = max(since, 0).to_bytes(_MOMENT, "big")
    places = range(0, len(entries), _ENTRY)
    found = {entries[at : at + DIGEST]: entries[at + DIGEST : at + _ENTRY] for at in places}
    return {digest: moment for digest, moment in found.items() if moment >= least}


def _joined(entries: dict[bytes, bytes]) -> bytes:
    return b"".join(digest + entries[digest] for digest in sorted(entries))
