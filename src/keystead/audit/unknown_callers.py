"""Which refusals of unknown callers get a record of their own?  (threat-model AD-4)

    in each minute, the first 60 of an address, and 600 in all    one record each
    all others, and bytes that never became a request             one record a second, with counts

A caller who was not authenticated is unknown. Without a limit, everybody who reaches the port could
fill the disk. Metrics count every call, in whichever way it is recorded. A crash loses the counts
of the last second, but all counted requests have been refused.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from keystead.audit.event import Event

MINUTE = 60.0
EACH_ADDRESS = 60
IN_ALL = 600
NAMED = 32  # addresses that a record of counts names; all others are counted together

EVENT_NAME = "RefusalsOfUnknownCallers"
EVENT_SOURCE = "keystead"


class Trail(Protocol):
    """The destination of events (`audit.trail`)."""

    def record(self, event: Event) -> None:
        """Remember an event, with the changes of this turn."""


@dataclass(slots=True)
class _Counts:
    """The content of the next record of counts."""

    codes: Counter[str] = field(default_factory=Counter)
    addresses: Counter[str] = field(default_factory=Counter)  # "": all that are not named
    reasons: Counter[str] = field(default_factory=Counter)
    since: datetime | None = None

    @property
    def total(self) -> int:
        return self.codes.total() + self.reasons.total()

    def add(self, event: Event) -> None:
        """Count one request."""
        self.since = self.since or event.time
        self.codes[event.error_code] += 1
        address = event.source_ip
        named = address in self.addresses or len(self.addresses) < NAMED
        self.addresses[address if named else ""] += 1

    def details(self, now: datetime) -> dict[str, Any]:
        """`serviceEventDetails`."""
        since = (self.since or now).isoformat(timespec="milliseconds")
        return {
            "since": since.replace("+00:00", "Z"),
            "total": self.total,
            "requests": self.codes.total(),
            "errorCodes": dict(self.codes),
            "sourceIPAddresses": {name: n for name, n in self.addresses.items() if name},
            "otherSourceIPAddresses": self.addresses[""],
            "neverRequests": dict(self.reasons),
        }


class UnknownCallers:
    """Records the refusals of unknown callers, one by one or as counts."""

    __slots__ = ("_counts", "_in_all", "_minute", "_monotonic", "_recorded", "_trail", "counted")

    def __init__(self, trail: Trail, monotonic: Callable[[], float]) -> None:
        self._trail = trail
        self._monotonic = monotonic
        self._minute = -1  # the minute for which `_recorded` and `_in_all` count
        self._recorded: Counter[str] = Counter()  # by address
        self._in_all = 0
        self._counts = _Counts()
        self.counted = 0  # since the start, for the metrics

    def record(self, event: Event) -> None:
        """Record or count one refusal. A recorded one is durable with this turn."""
        minute = int(self._monotonic() / MINUTE)
        if minute != self._minute:
            self._minute, self._in_all = minute, 0
            self._recorded.clear()
        address = event.source_ip
        if self._in_all < IN_ALL and self._recorded[address] < EACH_ADDRESS:
            self._in_all += 1
            self._recorded[address] += 1
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
        self._trail.record(
            Event(
                request_id=request_id,
                time=now,
                source=EVENT_SOURCE,
                name=EVENT_NAME,
                event_type="AwsServiceEvent",
                service_details=counts.details(now),
                error_code="Refused",
                error_message=f"{counts.total} refusals are counted here, not recorded one by one",
            )
        )
        commit()
        self._counts = _Counts()
