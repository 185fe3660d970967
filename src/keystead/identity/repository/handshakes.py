"""Invitations: who was invited into which organization, and what came of it?"""

from typing import Literal

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction

_HANDSHAKE = ("handshake",)

HandshakeState = Literal["OPEN", "ACCEPTED", "DECLINED", "CANCELED", "EXPIRED"]
LIFETIME = 15 * 24 * 60 * 60
"""Seconds after which an invitation that nobody answered is over."""


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
    def expires(self) -> int:
        return self.requested + LIFETIME

    def state_at(self, now: int) -> HandshakeState:
        """Its state: what nobody answered is over after a time."""
        return "EXPIRED" if self.state == "OPEN" and now >= self.expires else self.state


class Handshakes:
    """The invitations of every organization."""

    __slots__ = ("_table",)

    def __init__(self, seals: RowSeals) -> None:
        lookups = [Lookup(_HANDSHAKE, of_installation=True)]
        self._table = SealedTable(seals, "org_handshake", Handshake, _HANDSHAKE, lookups)

    def get(self, reader: Reader, handshake: str) -> Handshake | None:
        return self._table.get(reader, handshake)

    def open_for(
        self, reader: Reader, organization: str, account: str, now: int
    ) -> Handshake | None:
        """The invitation of an account that waits for an answer."""
        found = self._table.find(
            reader,
            "account = ? AND organization = ? AND state = 'OPEN' AND requested > ?",
            (account, organization, now - LIFETIME),
        )
        return found[0] if found else None

    def of_account_after(
        self, reader: Reader, account: str, handshake: str, limit: int
    ) -> list[Handshake]:
        """The next invitations of an account, by id."""
        return self._table.find(
            reader,
            "account = ? AND handshake > ? ORDER BY handshake LIMIT ?",
            (account, handshake, limit),
        )

    def of_organization_after(
        self, reader: Reader, organization: str, handshake: str, limit: int
    ) -> list[Handshake]:
        """The next invitations of an organization, by id."""
        return self._table.find(
            reader,
            "organization = ? AND handshake > ? ORDER BY handshake LIMIT ?",
            (organization, handshake, limit),
        )

    def insert(self, transaction: Transaction, record: Handshake) -> None:
        self._table.insert(transaction, record)

    def update(self, transaction: Transaction, record: Handshake) -> Handshake:
        return self._table.update(transaction, record)

    def delete_all(self, transaction: Transaction, organization: str) -> None:
        """Remove the invitations of an organization that ends."""
        found = self._table.find(transaction, "organization = ?", (organization,))
        for record in found:
            self._table.delete(transaction, record.handshake)
