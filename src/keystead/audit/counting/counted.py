"""Which of many like refusals get a record of their own, and what is recorded of the others?

In each minute the first few of each owner, and the first of all owners, have a record each. All
others are counted, and the counts of a second are one record. So nobody fills the disk by being
refused. Metrics count every call, in whichever way it is recorded. A crash loses the counts of the
last second, but all counted requests have been refused.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from keystead.audit.records import Event

MINUTE = 60.0
EACH_OWNER = 60
IN_ALL = 600
NAMED = 32  # owners that a record of counts names; all others are counted together

EVENT_SOURCE = "keystead"


class Trail(Protocol):
    """The destination of events (`audit.trail`)."""

    def record(self, event: Event) -> None:
        """Remember an event, with the changes of this turn."""


class FirstOfMinute:
    """Counts to the first few of each owner, and of all, in each minute."""

    __slots__ = ("_counts", "_in_all", "_minute", "_monotonic")

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._minute = -1  # that is counted
        self._counts: Counter[str] = Counter()  # by owner
        self._in_all = 0

    def has(self, owner: str) -> bool:
        """Is this one of the first?  It is counted then."""
        minute = int(self._monotonic() / MINUTE)
        if minute != self._minute:
            self._minute, self._in_all = minute, 0
            self._counts.clear()
        if self._in_all >= IN_ALL or self._counts[owner] >= EACH_OWNER:
            return False
        self._in_all += 1
        self._counts[owner] += 1
        return True


class Named(Counter[str]):
    """Counts by name, for so many names; "" has all others."""

    def count(self, name: str) -> None:
        self[name if name in self or len(self) < NAMED else ""] += 1

    @property
    def named(self) -> dict[str, int]:
        return {name: number for name, number in self.items() if name}


def record_of(
    name: str, request_id: str, now: datetime, code: str, details: Mapping[str, Any]
) -> Event:
    """The record of refusals that are only counted; `total` of the details is their number."""
    return Event(
        request_id=request_id,
        time=now,
        source=EVENT_SOURCE,
        name=name,
        event_type="AwsServiceEvent",
        service_details=dict(details),
        error_code=code,
        error_message=f"{details['total']} refusals are counted here, not recorded one by one",
    )


def written(time: datetime) -> str:
    """A time as the records of counts have it."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
