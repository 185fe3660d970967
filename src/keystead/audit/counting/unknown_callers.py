"""What is recorded of the refusals of unknown callers?  (threat-model AD-4)

The first in each minute, by address, have a record of their own. The others are counted
(`counted`), and so are bytes that never became a request. A caller who was not authenticated is
unknown. Without a limit, everybody who reaches the port could fill the disk.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from keystead.audit.counting.counted import FirstOfMinute, Named, Trail, record_of, written
from keystead.audit.records import Event

EVENT_NAME = "RefusalsOfUnknownCallers"


@dataclass(slots=True)
class _Counts:
    """The content of the next record of counts."""

    codes: Counter[str] = field(default_factory=Counter)
    addresses: Named = field(default_factory=Named)
    reasons: Counter[str] = field(default_factory=Counter)
    since: datetime | None = None

    @property
    def total(self) -> int:
        return self.codes.total() + self.reasons.total()

    def add(self, event: Event) -> None:
        """Count one request."""
        self.since = self.since or event.time
        self.codes[event.error_code] += 1
        self.addresses.count(event.source_ip)

    def details(self, now: datetime) -> dict[str, Any]:
        """`serviceEventDetails`."""
        return {
            "since": written(self.since or now),
            "total": self.total,
            "requests": self.codes.total(),
            "errorCodes": dict(self.codes),
            "sourceIPAddresses": self.addresses.named,
            "otherSourceIPAddresses": self.addresses[""],
            "neverRequests": dict(self.reasons),
        }


class UnknownCallers:
    """Records the refusals of unknown callers, one by one or as counts."""

    __slots__ = ("_counts", "_first", "_trail", "counted")

    def __init__(self, trail: Trail, monotonic: Callable[[], float]) -> None:
        self._trail = trail
        self._first = FirstOfMinute(monotonic)
        self._counts = _Counts()
        self.counted = 0  # since the start, for the metrics

    def record(self, event: Event) -> None:
        """Record or count one refusal. A recorded one is durable with this turn."""
        if self._first.has(event.source_ip):
            self._trail.record(event)
            return
        self.counted += 1
        self._counts.add(event)

    def refused(self, reason: str) -> None:
        """Count bytes or a connection that never became a request."""
        self._counts.reasons[reason] += 1

    def write(self, request_id: str, now: datetime, commit: Callable[[], None]) -> None:
        """Record the counts, if there are any. Once the record is durable, counting begins anew."""
        counts = self._counts
        if not counts.total:
            return
        details = counts.details(now)
        self._trail.record(record_of(EVENT_NAME, request_id, now, "Refused", details))
        commit()
        self._counts = _Counts()
