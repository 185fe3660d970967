"""Which sign-ins are over by time, and go?  Sessions with a record that says so (sign-in.md 4.1).

What is over counts no more at each use, whether its row is there or not. Here the rows go: without
this they would stay until somebody else signs in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from keystead.audit.records import Event
from keystead.identity import times
from keystead.identity.repository import Due, Going, IdentityRepository, due_of
from keystead.identity.signin.sessions import ending
from keystead.identity.signin.sessions.sessions import IDLE_SECONDS, is_over
from keystead.store.protocol import Reader, Transaction


@dataclass(frozen=True, slots=True)
class SignInsOver:
    """The rows of sign-in of one installation that are over."""

    repository: IdentityRepository
    region: str  # in which the pages are

    @property
    def _sources(self) -> Sequence[Going]:
        kept = self.repository
        return (
            *kept.sign_ins.going(IDLE_SECONDS), *kept.logins.going, *kept.arrivals.going,
            *kept.passkeys.going,
        )  # fmt: skip

    def due(self, reader: Reader, after: Due, until: int, count: int) -> list[Due]:
        """Some that seem to be over by `until`, the longest first, after one of them."""
        return due_of(self._sources, reader, after, until, count)

    def remove(
        self, transaction: Transaction, due: Due, now: datetime, request_id: str
    ) -> Event | None:
        """Remove a row, if it says itself that it is over; returns the record of a session."""
        source = next(each for each in self._sources if each.table.name == due.table)
        record, second = source.get(transaction, due), times.stored(now)
        if record is None:
            return None
        if source.table.name != self.repository.sign_ins.table_name:
            if source.is_over(record, second):
                source.delete(transaction, due)
            return None
        if not is_over(record, second):  # it was used meanwhile
            return None
        facts = self.repository.sign_ins.facts(transaction, record)
        event = None
        if record.stage == "session":
            event = ending.ended(
                self.repository, transaction, record, facts,
                now=now, request_id=request_id, region=self.region,
            )  # fmt: skip
        self.repository.sign_ins.delete(transaction, record)
        return event
