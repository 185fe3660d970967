"""Dated work on rows of sign-in: those that are over go, sessions with a record (decision 0037).

A name that somebody typed has no account.
"""

from dataclasses import dataclass
from datetime import datetime

from keystead.audit.records import Event
from keystead.custody.material import Custody
from keystead.identity.repository import IdentityRepository
from keystead.identity.signin import SignInsOver
from keystead.kms.keys import KeyRepository, Place
from keystead.kms.schedule import DatedWork
from keystead.server.installation.rows_over import row_at, waiting_of
from keystead.server.pipeline import new_request_id
from keystead.store.protocol import Transaction


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

    def do(
        transaction: Transaction, _: KeyRepository, __: Custody, place: Place, now: datetime
    ) -> Gone:
        return Gone(over.remove(transaction, row_at(place), now, new_request_id()))

    return DatedWork(
        "sign-ins that are over", irreversible=True, waiting=waiting_of(over.due), do=do
    )
