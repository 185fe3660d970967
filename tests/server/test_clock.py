"""A clock that cannot be believed stops what depends on it (TM-2, TM-4)."""

from datetime import UTC, datetime, timedelta

from keystead.server.clock import Clock

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Watch:
    """Wall and monotonic time that a test moves."""

    def __init__(self) -> None:
        self.wall, self.monotonic = START, 1_000.0

    def passes(self, time: timedelta) -> None:
        self.wall += time
        self.monotonic += time.total_seconds()

    def clock(self, mark: datetime | None = None) -> Clock:
        return Clock(lambda: self.wall, lambda: self.monotonic, mark)


def test_clock_behind_what_was_recorded() -> None:
    """Five minutes behind the newest record is believed, more is not, until it has caught up."""
    watch = Watch()
    clock = watch.clock(START + 6 * MINUTE)

    assert clock.is_behind(clock.now())
    watch.passes(MINUTE)
    assert not clock.is_behind(clock.now())


def test_clock_set_back_while_running() -> None:
    """The mark moves with the newest time that was seen."""
    watch = Watch()
    clock = watch.clock()
    watch.passes(60 * MINUTE)
    assert not clock.is_behind(clock.now())
    watch.wall -= 10 * MINUTE
    assert clock.is_behind(clock.now())


def test_jump_holds_what_cannot_be_undone() -> None:
    """After a jump of more than an hour, destruction waits for a day of consistent time."""
    watch = Watch()
    clock = watch.clock()
    watch.passes(30 * 24 * 60 * MINUTE)
    assert not clock.holds_irreversible_work()
    watch.wall += 61 * MINUTE
    assert clock.holds_irreversible_work()
    watch.passes(23 * 60 * MINUTE)
    assert clock.holds_irreversible_work()
    watch.passes(61 * MINUTE)
    assert not clock.holds_irreversible_work()


def test_small_steps_hold_nothing() -> None:
    """Time that is set by some minutes is everyday life."""
    watch = Watch()
    clock = watch.clock()
    watch.wall += 59 * MINUTE
    assert not clock.holds_irreversible_work()
