"""Subjects: the names in certificates by which sessions were had, and which requests were used.

A subject is kept for people who look who came. No decision depends on it, so an account has a
bounded number, and a new one takes the place of the one that was seen longest ago.

A request that gave a session is kept until it is too old to be taken again.
"""

from collections.abc import Mapping

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.repository.signin import Going
from keystead.identity.repository.tags import unpacked
from keystead.store.protocol import Reader, Transaction

_KEY, _NAME = ("account", "subject_id"), ("account", "subject_key")
_REQUEST = ("account", "digest")
_AT_ONCE = 8  # stale rows that go with each new one; the others go as dated work


class SeenCertificate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A certificate by which a subject had a session."""

    serial: str
    issuer: str
    seen: int
    pem: str


_certificates = msgspec.json.Decoder(tuple[SeenCertificate, ...]).decode


class AnywhereSubject(Record, frozen=True, kw_only=True, gc=False):
    """One subject."""

    account: str
    subject_id: str  # a UUID
    region: str
    subject_key: str
    x509_subject: str
    credentials: str  # JSON
    created: int
    last_seen: int
    tags: str

    @property
    def record_id(self) -> str:
        return self.subject_id

    @property
    def certificates(self) -> tuple[SeenCertificate, ...]:
        return _certificates(self.credentials)

    @property
    def tag_map(self) -> Mapping[str, str]:
        return unpacked(self.tags)


class AnywhereSubjects:
    """The subjects of every account."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(
            seals, "ra_subject", AnywhereSubject, _KEY, (Lookup(_KEY), Lookup(_NAME))
        )

    def get(self, reader: Reader, account: str, subject_id: str) -> AnywhereSubject | None:
        return self._table.get(reader, account, subject_id)

    def named(self, reader: Reader, account: str, subject_key: str) -> AnywhereSubject | None:
        return self._table.only(reader, _NAME, account, subject_key)

    def after(
        self, reader: Reader, account: str, region: str, subject_id: str, limit: int
    ) -> list[AnywhereSubject]:
        """The next subjects of a Region, in the order of their ids."""
        return self._table.find(
            reader, "account = ? AND region = ? AND subject_id > ? ORDER BY subject_id LIMIT ?",
            (account, region, subject_id, limit),
        )  # fmt: skip

    def insert(self, transaction: Transaction, subject: AnywhereSubject, most: int) -> None:
        """Keep a new subject, and at most so many of its account."""
        sql = "SELECT COUNT(*) FROM ra_subject WHERE account = ?"
        row = transaction.one(sql, (subject.account,))
        for old in self._table.find(
            transaction, "account = ? ORDER BY last_seen LIMIT ?",
            (subject.account, max(0, (row[0] if row else 0) - most + 1)),
        ):  # fmt: skip
            self._table.delete(transaction, old.account, old.subject_id)
        self._table.insert(transaction, subject)

    def update(self, transaction: Transaction, subject: AnywhereSubject) -> AnywhereSubject:
        return self._table.update(transaction, subject)


class UsedRequest(Record, frozen=True, kw_only=True, gc=False):
    """One request that gave a session."""

    account: str
    digest: str
    stale: int


class UsedRequests:
    """The requests that would still be taken, had they not been used."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, "ra_used_request", UsedRequest, _REQUEST,
                                  (Lookup(_REQUEST),))  # fmt: skip

    @property
    def going(self) -> Going:
        """Those that are too old."""
        return Going(self._table, "stale", 1)

    def use(self, transaction: Transaction, request: UsedRequest, now: int) -> bool:
        """Keep a request; False if it was used before."""
        if self._table.get(transaction, request.account, request.digest) is not None:
            return False
        self._table.insert(transaction, request)
        for old in self._table.find(
            transaction, "stale < ? ORDER BY stale LIMIT ?", (now, _AT_ONCE)
        ):
            self._table.delete(transaction, old.account, old.digest)
        return True
