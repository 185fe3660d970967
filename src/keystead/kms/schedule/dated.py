"""Which kinds of work wait for a date?  A row for each; the server does them.

The work on one key is one transaction with one record. An index leads to the keys whose date has
come. It proves nothing. So the work reads the row itself, and does nothing unless the authenticated
row says the same. That row changes with the work, so nothing is done twice.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from keystead.audit.records import Event
from keystead.custody.material import Custody
from keystead.kms.keys import KeyRepository, Place, Waiting, dates
from keystead.store.protocol import Reader, Store, StoreCorrupt, StoreUnavailable, Transaction
from keystead.times import microseconds

PAGE = 100  # keys that are looked for at a time

D = TypeVar("D")


class Done(Protocol):
    """Work on one key, or on another row, that is done."""

    def event(self, request_id: str, now: datetime) -> Event | None:
        """The record of it, if it is one that anybody looks for."""


@dataclass(frozen=True, slots=True)
class DatedWork:
    """One kind of work that waits for a date."""

    name: str

    irreversible: bool
    """Does it wait while the clock may be wrong?  (threat-model TM-4)"""

    waiting: Callable[[Reader, Waiting | None, int, int], list[Waiting]]
    """The keys that wait for it, by their dates: those after one of them, until a time, so many."""

    do: Callable[[Transaction, KeyRepository, Custody, Place, datetime], Done]
    """Does it for one key; raises RowIntegrityError unless the date in the key's row has come."""

    purged: bool = False
    """Is every trace of what it removes removed from the store's files?"""


def due(
    work: DatedWork, reader: Callable[[], Reader], now: datetime, after: Waiting | None = None
) -> Iterator[Waiting]:
    """The keys whose date seems to have come, the longest overdue first."""
    now_us = microseconds(now)
    while True:
        page = work.waiting(reader(), after, now_us, PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1]


def one_by_one(
    store: Store,
    places: Iterable[Place],
    work: Callable[[Transaction, Place], D],
    failed: Callable[[Place, Exception], None],
) -> list[D]:
    """Do the work for these keys, one after the other, each in its own transaction.

    A key that fails does not stop the others, and `failed` is told. Raises errors of the store.
    """
    done: list[D] = []
    for place in places:
        try:
            with store.write() as transaction:
                done.append(work(transaction, place))
        except (StoreUnavailable, StoreCorrupt):
            raise
        except Exception as error:  # noqa: BLE001  # after any failure the next key has its turn
            failed(place, error)
    return done


def first(work: DatedWork, reader: Reader) -> Waiting | None:
    """The key with the earliest date, past or to come."""
    return next(iter(work.waiting(reader, None, dates.FAR, 1)), None)
