"""What time is it, and can it be believed?  (threat-model TM-1, TM-2, TM-4)

Deadlines of what is stored are in wall time, which someone may set. The newest time that was ever
recorded is a mark: a clock far behind it is not believed, and nobody is authenticated by it. A
clock that jumps ahead of the monotonic one is believed for access, but irreversible work waits
until it has been consistent for a day.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

BEHIND = timedelta(seconds=300)
JUMP = timedelta(hours=1)
HOLD = timedelta(hours=24)

_MACHINE_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def system_clock() -> datetime:
    """The wall time of this machine, in UTC."""
    return datetime.now(UTC)


def machine_clock() -> float:
    """Seconds that nobody can set, in which a machine's sleep counts where the system tells."""
    return time.clock_gettime(_MACHINE_CLOCK)


class Clock:
    """Wall time with its mark."""

    def __init__(
        self,
        wall: Callable[[], datetime],
        monotonic: Callable[[], float],
        mark: datetime | None,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._started = (wall(), monotonic())
        self._mark = mark or self._started[0]
        self._hold_until = 0.0  # monotonic

    def now(self) -> datetime:
        """The wall time."""
        now = self._wall()
        self._mark = max(self._mark, now)
        return now

    def is_behind(self, now: datetime) -> bool:
        """Is this time so far behind the mark that nobody can be authenticated by it?  (TM-2)"""
        return self._mark - now > BEHIND

    def holds_irreversible_work(self) -> bool:
        """Must the destruction of keys wait, because the clock jumped ahead?  (TM-4)"""
        wall, monotonic = self._wall(), self._monotonic()
        expected = self._started[0] + timedelta(seconds=monotonic - self._started[1])
        if wall - expected > JUMP:
            self._started = (wall, monotonic)
            self._hold_until = monotonic + HOLD.total_seconds()
        return monotonic < self._hold_until
