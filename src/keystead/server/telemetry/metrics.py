"""Which numbers does the server count?  They are kept plain, and formatted only at a scrape.

INVARIANT: labels are services, operations, error codes and our own words. They are never a key, a
principal or another value that a caller can choose. So the number of series is bounded.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from keystead.server.telemetry.catalogue import BY_NAME, Metric

BOUNDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0)


class Series:
    """How many there were of a kind, such as calls of one operation, and how long they took."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def observe(self, seconds: float) -> None:
        """Count one."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds


@dataclass(frozen=True, slots=True)
class Number:
    """A number that is asked for at each scrape."""

    metric: Metric
    value: Callable[[], float]


class Metrics:
    """Every number of one server; `exposition` shows them to Prometheus."""

    def __init__(self) -> None:
        self.calls: dict[tuple[str, str, str], Series] = {}
        self.long_turns = Series()
        self.refusals: Counter[str] = Counter()
        self.throttles: Counter[str] = Counter()
        self.alarms: Counter[str] = Counter()
        self.jobs: Counter[str] = Counter()
        self.numbers: list[Number] = []

    def call(self, service: str, operation: str, code: str, seconds: float) -> None:
        """Count one answered call; `code` is "" for a success."""
        series = self.calls.get((service, operation, code))
        if series is None:
            series = self.calls[service, operation, code] = Series()
        series.buckets[bisect_left(BOUNDS, seconds)] += 1  # as `observe`, for each call
        series.seconds += seconds

    def answered(self) -> int:
        """How many calls were answered since the start."""
        return sum(sum(series.buckets) for series in self.calls.values())

    def refused(self, reason: str) -> None:
        """Count bytes or a connection that never became a request."""
        self.refusals[reason] += 1

    def throttled(self, quota: str) -> None:
        """Count one call above a request quota."""
        self.throttles[quota] += 1

    def alarm(self, kind: str) -> None:
        """Count an event that an operator must look at."""
        self.alarms[kind] += 1

    def show(self, name: str, value: Callable[[], float]) -> None:
        """Show a number of the catalogue that is asked for at each scrape."""
        self.numbers.append(Number(BY_NAME[name], value))

    def ran(self, job: str) -> None:
        """Count one run of a periodic job."""
        self.jobs[job] += 1
