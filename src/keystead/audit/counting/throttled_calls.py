"""What is recorded of the calls that exceed a request quota?  (decision 0041)

The first in each minute, by account, have a record of their own, as every call has. The others are
counted (`counted`): an account above its quota would make more records than the quota allows calls.
A throttled call was not decided and did nothing, so its record would say little more.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from keystead.audit.counting.counted import FirstOfMinute, Named, Trail, record_of, written
from keystead.audit.records import Event
from keystead.errors import ThrottlingException

EVENT_NAME = "ThrottledCalls"


@dataclass(slots=True)
class _Counts:
    """The content of the next record of counts."""

    since: datetime
    quotas: Named = field(default_factory=Named)  # by account, Region and quota
    callers: Named = field(default_factory=Named)  # by unique id; sessions by their role's

    def details(self) -> dict[str, Any]:
        """`serviceEventDetails`."""
        return {
            "since": written(self.since),
            "total": self.quotas.total(),
            "quotas": self.quotas.named,
            "otherQuotas": self.quotas[""],
            "principals": self.callers.named,
            "otherPrincipals": self.callers[""],
        }


class ThrottledCalls:
    """Records the calls that exceed a quota, one by one or as counts."""

    __slots__ = ("_counts", "_first", "_trail")

    def __init__(self, trail: Trail, monotonic: Callable[[], float]) -> None:
        self._trail = trail
        self._first = FirstOfMinute(monotonic)
        self._counts: _Counts | None = None

    def record(self, event: Event, quota: str) -> None:
        """Record or count the call of a known caller. A recorded one is durable with this turn."""
        caller = event.principal
        if caller is None or self._first.has(caller.account):
            self._trail.record(event)
            return
        counts = self._counts = self._counts or _Counts(event.time)
        counts.quotas.count(f"{caller.account} {event.region} {quota}")
        counts.callers.count(caller.unique_id or caller.issuer_id or caller.user_id)

    def write(self, request_id: str, now: datetime, commit: Callable[[], None]) -> None:
        """Record the counts, if there are any. Once the record is durable, counting begins anew."""
        counts = self._counts
        if counts is None:
            return
        details = counts.details()
        self._trail.record(
            record_of(EVENT_NAME, request_id, now, ThrottlingException.code, details)
        )
        commit()
        self._counts = None
