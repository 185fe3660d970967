"""Sign-ins by a provider that are on their way: which browser began, and who comes, once proved.

A browser and its provider carry a random handle. Only its SHA-256 is stored. What was proved is
sealed, because it is a person's attributes.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.identity.repository.signin.going import Going
from keystead.store.protocol import Reader, Transaction

MOST: Mapping[str, int] = {"saml": 5_000, "oidc": 5_000, "code": 5_000, "browser": 500}
"""Arrivals of a provider at a time, by what they wait for; the oldest goes. The last are long."""

_MOST_REMOVED = 4  # old rows that one new row takes away
_KEY = ("account", "arrival_id")
_TABLE = "signin_arrival"

Awaited = Literal["saml", "oidc", "code", "browser"]


class Arrival(Record, frozen=True, kw_only=True, gc=False):
    """One sign-in, and what it waits for: a provider, or the browser that began.

    "code": a provider is asked for the token of a code, once.
    """

    account: str
    arrival_id: str
    stage: Awaited
    provider_id: str
    browser: str
    evidence: bytes = b""
    solicited: int  # 1: it began here, and not at the provider
    began: int
    expires: int


class Arrivals:
    """The sign-ins of all accounts that are on their way."""

    __slots__ = ("_secrets", "_table")

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, _TABLE, Arrival, _KEY, (Lookup(_KEY),))
        self._secrets = seals.secrets

    @property
    def going(self) -> tuple[Going, ...]:
        """What goes by itself."""
        return (Going(self._table, "expires"),)

    def get(self, reader: Reader, account: str, arrival_id: str) -> Arrival | None:
        return self._table.get(reader, account, arrival_id)

    def insert(self, transaction: Transaction, arrival: Arrival, evidence: bytes = b"") -> None:
        """Keep a new one. Some that are over go, and the oldest of its provider above `MOST`."""
        where = f"expires <= ? ORDER BY expires LIMIT {_MOST_REMOVED}"
        over = self._table.find(transaction, where, (arrival.began,))
        where = (
            "account = ? AND provider_id = ? AND stage = ? ORDER BY began DESC"
            f" LIMIT {_MOST_REMOVED} OFFSET ?"
        )
        key = (arrival.account, arrival.provider_id, arrival.stage, MOST[arrival.stage] - 1)
        over += self._table.find(transaction, where, key)
        for each in {(each.account, each.arrival_id) for each in over}:
            self._table.delete(transaction, *each)
        if evidence:
            place = (arrival.account, arrival.arrival_id)
            sealed = self._secrets.seal(_TABLE, place, "evidence", evidence)
            arrival = msgspec.structs.replace(arrival, evidence=sealed)
        self._table.insert(transaction, arrival)

    def evidence(self, arrival: Arrival) -> bytes:
        """Who comes."""
        place = (arrival.account, arrival.arrival_id)
        return self._secrets.unseal(_TABLE, place, "evidence", arrival.evidence)

    def update(self, transaction: Transaction, arrival: Arrival) -> Arrival:
        return self._table.update(transaction, arrival)

    def delete(self, transaction: Transaction, arrival: Arrival) -> None:
        self._table.delete(transaction, arrival.account, arrival.arrival_id)
