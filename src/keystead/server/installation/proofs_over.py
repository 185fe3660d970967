"""Dated work on proofs that gave a session once: which are too old to be taken again, and go?"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from keystead.audit.records import Event
from keystead.custody.material import Custody
from keystead.identity.repository import IdentityRepository, due_of
from keystead.kms.keys import KeyRepository, Place
from keystead.kms.schedule import DatedWork
from keystead.server.installation.rows_over import row_at, waiting_of
from keystead.store.protocol import Transaction
from keystead.times import seconds


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A proof that went. It is no news."""

    def event(self, request_id: str, now: datetime) -> Event | None:  # noqa: ARG002  # as other work has them
        return None


def proofs_over(identities: IdentityRepository) -> DatedWork:
    """The work. It waits while the clock may be wrong: a used proof must not be forgotten early."""
    sources = (identities.used_assertions.going, identities.anywhere.used_requests.going)

    waiting = waiting_of(partial(due_of, sources))

    def do(
        transaction: Transaction, _: KeyRepository, __: Custody, place: Place, now: datetime
    ) -> Forgotten:
        due = row_at(place)
        source = next(each for each in sources if each.table.name == due.table)
        record = source.get(transaction, due)
        if record is not None and source.is_over(record, seconds(now)):
            source.delete(transaction, due)
        return Forgotten()

    return DatedWork("used proofs that are over", irreversible=True, waiting=waiting, do=do)
