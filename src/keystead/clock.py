"""Which time is it, and can it be believed?  (threat-model TM-1, TM-2, TM-4)

Stored deadlines are in wall time, which somebody may set. The newest time that was ever seen is the
mark. A clock far behind the mark is not believed, and nobody is authenticated by it. A clock that
jumps ahead is believed for access, but irreversible work waits until the clock has been consistent
for a day. While the server runs, a jump is measured against the monotonic clock. At a start it is
measured against the mark, because nobody saw the time pass.

Mark and waiting time are remembered over restarts. The mark never goes back by itself. The day of
waiting counts only while a server runs. Only the operator can say that the clock is right.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BEHIND = timedelta(seconds=300)
JUMP = timedelta(hours=1)
HOLD = timedelta(hours=24)

_MACHINE_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def system_clock() -> datetime:
    """The wall time of this machine, in UTC."""
    return datetime.now(UTC)


def machine_clock() -> float:
    """Seconds that nobody can set. A machine's sleep counts too, if the system tells it."""
    return time.clock_gettime(_MACHINE_CLOCK)


@dataclass(frozen=True, slots=True)
class Known:
    """The facts about the time that have to survive a restart."""

    mark: datetime  # the newest time that was ever seen
    hold: timedelta = timedelta()  # how much longer irreversible work waits


class Clock:
    """Wall time with its mark."""

    def __init__(
        self,
        wall: Callable[[], datetime],
        monotonic: Callable[[], float],
        remembered: Known | None,
        signed: datetime | None = None,
    ) -> None:
        """`remembered`: the last result of `known`; `signed`: the time of the newest checkpoint."""
        self._wall = wall
        self._monotonic = monotonic
        self._started = (wall(), monotonic())
        start = self._started[0]
        remembered = remembered or Known(signed or start)
        # The clock may have jumped just before a crash, and then signed a checkpoint. So the
        # checkpoint moves the mark, but does not prove the time.
        jumped = start - remembered.mark > JUMP
        self._mark = max(remembered.mark, signed or start, start)
        hold = HOLD if jumped else remembered.hold
        self._hold_until = self._started[1] + hold.total_seconds()  # monotonic

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
        return self.known().hold > timedelta()

    def known(self) -> Known:
        """The facts to remember. A jump that was not noticed yet is noticed here."""
        wall, monotonic = self._wall(), self._monotonic()
        expected = self._started[0] + timedelta(seconds=monotonic - self._started[1])
        if wall - expected > JUMP:
            self._started = (wall, monotonic)
            self._hold_until = monotonic + HOLD.total_seconds()
        self._mark = max(self._mark, wall)
        return Known(self._mark, timedelta(seconds=max(0.0, self._hold_until - monotonic)))

    def acknowledge(self) -> Known:
        """Believe the clock, as the operator says; returns the facts from before."""
        before = self.known()
        self._started = (self._wall(), self._monotonic())
        self._mark, self._hold_until = self._started
        return before
