"""Dated work on rows of sign-in: those that are over go, sessions with a record (decision 0037).

A place of this work is (account, table, id); a name that somebody typed has no account.
"""

from dataclasses import dataclass
from datetime import datetime

from keystead.audit.records import Event
from keystead.custody.material import Custody
from keystead.identity.repository import Due, IdentityRepository
from keystead.identity.signin import SignInsOver
from keystead.kms.keys import KeyRepository, Place, Waiting
from keystead.kms.schedule import DatedWork
from keystead.server.pipeline import new_request_id
from keystead.store.protocol import Reader, Transaction

_FIRST = Due(0, "", "", "")
_SECOND = 1_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class Gone:
    """A row that went."""

    record: Event | None  # of a session

    def event(self, request_id: str, now: datetime) -> Event | None:  # noqa: ARG002  # as other work has them
        """SessionEnded."""
        return self.record


def sign_ins_over(identities: IdentityRepository, region: str) -> DatedWork:
    """The work. It waits while the clock may be wrong: a used proof must not be forgotten early."""
    over = SignInsOver(identities, region)

    def waiting(reader: Reader, after: Waiting | None, until_us: int, count: int) -> list[Waiting]:
        start = _FIRST if after is None else Due(after.date_us // _SECOND, *after.place)
        return [
            Waiting(due.date * _SECOND, (due.first, due.table, due.second))
            for due in over.due(reader, start, until_us // _SECOND, count)
        ]

    def do(
        transaction: Transaction, _: KeyRepository, __: Custody, place: Place, now: datetime
    ) -> Gone:
        return Gone(over.remove(transaction, Due(0, *place), now, new_request_id()))

    return DatedWork("sign-ins that are over", irreversible=True, waiting=waiting, do=do)
