"""Handshakes: what two accounts have to agree on, and what came of it.

An invitation asks an account to join an organization. An organization that gets all features asks
each account that was invited once to approve it, and then its management account to finish
(iam.md 1.12).
"""

from typing import Literal

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction

_HANDSHAKE, _ORGANIZATION = ("handshake",), ("organization",)
_DAY = 24 * 60 * 60

HandshakeState = Literal["REQUESTED", "OPEN", "ACCEPTED", "DECLINED", "CANCELED", "EXPIRED"]
HandshakeAction = Literal["INVITE", "ENABLE_ALL_FEATURES", "APPROVE_ALL_FEATURES"]
LIFETIME = 15 * _DAY
"""Seconds after which an invitation that nobody answered is over."""
KEPT = LIFETIME + 30 * _DAY
"""Seconds after which an invitation is forgotten, whatever came of it."""
_LIFETIME_OF_FEATURES = 90 * _DAY


class Handshake(Record, frozen=True, kw_only=True, gc=False):
    """One invitation of an account."""

    handshake: str
    organization: str
    account: str
    state: HandshakeState
    notes: str | None
    tags: str
    requested: int

    @property
    def action(self) -> HandshakeAction:
        return "INVITE"

    @property
    def expires(self) -> int:
        return self.requested + LIFETIME

    def state_at(self, now: int) -> HandshakeState:
        """Its state: what nobody answered is over after a time."""
        return "EXPIRED" if self.state == "OPEN" and now >= self.expires else self.state


class FeatureHandshake(Record, frozen=True, kw_only=True, gc=False):
    """The request for all features of one organization, or one account's approval of it."""

    handshake: str
    organization: str
    account: str
    parent: str
    state: HandshakeState
    requested: int

    @property
    def action(self) -> HandshakeAction:
        return "APPROVE_ALL_FEATURES" if self.account else "ENABLE_ALL_FEATURES"

    @property
    def expires(self) -> int:
        return self.requested + _LIFETIME_OF_FEATURES

    def state_at(self, now: int) -> HandshakeState:
        """Its state: what nobody finished is over after a time."""
        waits = self.state in {"OPEN", "REQUESTED"}
        return "EXPIRED" if waits and now >= self.expires else self.state


AnyHandshake = Handshake | FeatureHandshake


class Handshakes:
    """The handshakes of every organization."""

    __slots__ = ("_features", "_table")

    def __init__(self, seals: RowSeals) -> None:
        def by(*columns: str) -> Lookup:
            return Lookup(columns, of_installation=True)

        self._table = SealedTable(seals, "org_handshake", Handshake, _HANDSHAKE, [by(*_HANDSHAKE)])
        self._features = SealedTable(
            seals, "org_feature_handshake", FeatureHandshake, _HANDSHAKE,
            [by(*_HANDSHAKE), by(*_ORGANIZATION)],
        )  # fmt: skip

    def get(self, reader: Reader, handshake: str, now: int) -> AnyHandshake | None:
        """The handshake with this id, unless it was forgotten by now."""
        invitation = self._table.get(reader, handshake)
        if invitation is None:
            return self._features.get(reader, handshake)
        return invitation if invitation.requested > now - KEPT else None

    # invitations

    def open_for(
        self, reader: Reader, organization: str, account: str, now: int
    ) -> Handshake | None:
        """The invitation of an account that waits for an answer."""
        waiting = self._table.find(
            reader,
            "account = ? AND organization = ? AND state = 'OPEN' AND requested > ?",
            (account, organization, now - LIFETIME),
        )
        return waiting[0] if waiting else None

    def made_today(self, reader: Reader, organization: str, now: int) -> int:
        """How many invitations were made in the last 24 hours, without those that were accepted."""
        row = reader.one(
            "SELECT COUNT(*) FROM org_handshake"
            " WHERE organization = ? AND requested > ? AND state <> 'ACCEPTED'",
            (organization, now - _DAY),
        )
        return row[0] if row else 0

    def forget_old(
        self, transaction: Transaction, organization: str, account: str, now: int
    ) -> None:
        """Remove the invitations of an organization that are kept no longer.

        Of an account that is invited again, those that it accepted before go as well. So there are
        never more than a month and a half of them, and one for each account.
        """
        old = self._table.find(
            transaction,
            "organization = ? AND (requested <= ? OR (account = ? AND state = 'ACCEPTED'))",
            (organization, now - KEPT, account),
        )
        for record in old:
            self._table.delete(transaction, record.handshake)

    # lists

    def of_account_after(
        self, reader: Reader, account: str, handshake: str, limit: int, now: int
    ) -> list[AnyHandshake]:
        """The next handshakes that an account is asked for, by id."""
        return self._after(reader, "account", account, handshake, limit, now=now)

    def of_organization_after(
        self, reader: Reader, organization: str, handshake: str, limit: int, now: int
    ) -> list[AnyHandshake]:
        """The next handshakes of an organization, by id."""
        return self._after(reader, "organization", organization, handshake, limit, now=now)

    def _after(
        self, reader: Reader, column: str, value: str, handshake: str, limit: int, *, now: int
    ) -> list[AnyHandshake]:
        invitations = self._table.find(
            reader,
            f"{column} = ? AND handshake > ? AND requested > ? ORDER BY handshake LIMIT ?",
            (value, handshake, now - KEPT, limit),
        )
        features = self._features.find(
            reader,
            f"{column} = ? AND handshake > ? ORDER BY handshake LIMIT ?",
            (value, handshake, limit),
        )
        both: list[AnyHandshake] = [*invitations, *features]
        return sorted(both, key=lambda each: each.handshake)[:limit]

    # features

    def features_of(self, reader: Reader, organization: str) -> list[FeatureHandshake]:
        """The last request for all features, and its approvals."""
        return self._features.of(reader, _ORGANIZATION, organization, order="handshake")

    def forget_features(self, transaction: Transaction, organization: str) -> None:
        """Forget a request for all features, and its approvals."""
        self._features.delete_all(transaction, _ORGANIZATION, organization)

    # changes

    def insert(self, transaction: Transaction, record: AnyHandshake) -> None:
        if isinstance(record, Handshake):
            self._table.insert(transaction, record)
        else:
            self._features.insert(transaction, record)

    def update(self, transaction: Transaction, record: AnyHandshake) -> AnyHandshake:
        if isinstance(record, Handshake):
            return self._table.update(transaction, record)
        return self._features.update(transaction, record)

    def delete_all(self, transaction: Transaction, organization: str) -> None:
        """Remove the handshakes of an organization that ends."""
        for record in self._table.find(transaction, "organization = ?", (organization,)):
            self._table.delete(transaction, record.handshake)
        self.forget_features(transaction, organization)
