"""A clock that cannot be believed stops what depends on it (TM-2, TM-4)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keystead.clock import Clock, Known
from keystead.server.installation.ceremonies.acts import perform
from keystead.server.installation.installation import Installation
from keystead.server.installation.opening import lock
from tests.server.installations import Local, open_local

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Watch:
    """Wall and monotonic time that a test moves."""

    def __init__(self) -> None:
        self.wall, self.monotonic = START, 1_000.0

    def passes(self, time: timedelta) -> None:
        self.wall += time
        self.monotonic += time.total_seconds()

    def clock(self, remembered: Known | None = None, signed: datetime | None = None) -> Clock:
        return Clock(lambda: self.wall, lambda: self.monotonic, remembered, signed)


@pytest.mark.parametrize(
    "known",
    [
        (Known(START + 6 * MINUTE), None),
        (None, START + 6 * MINUTE),
        (Known(START), START + 6 * MINUTE),
        (Known(START + 6 * MINUTE), START),
    ],
)
def test_clock_behind_what_was_recorded(known: tuple[Known | None, datetime | None]) -> None:
    """Five minutes behind the newest record is believed, more is not, until it has caught up."""
    watch = Watch()
    clock = watch.clock(*known)

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


@pytest.mark.parametrize(("ahead", "holds"), [(60 * MINUTE, False), (61 * MINUTE, True)])
def test_time_that_nobody_saw_pass(ahead: timedelta, holds: bool) -> None:
    """A start more than an hour after the mark holds for a day, whatever was signed meanwhile."""
    for signed in (None, START + ahead):
        watch = Watch()
        watch.wall += ahead
        clock = watch.clock(Known(START), signed)
        assert clock.holds_irreversible_work() is holds
        watch.passes(24 * 60 * MINUTE + MINUTE)
        assert not clock.holds_irreversible_work()


def test_the_day_goes_on_after_a_restart() -> None:
    """Of the day of waiting counts what a server saw pass; a restart neither ends nor renews it."""
    watch = Watch()
    clock = watch.clock()
    watch.wall += 61 * MINUTE
    assert clock.known().hold == timedelta(days=1)
    watch.passes(23 * 60 * MINUTE)
    known = clock.known()
    watch.passes(30 * MINUTE)
    clock = watch.clock(known)
    watch.passes(59 * MINUTE)
    assert clock.holds_irreversible_work()
    watch.passes(2 * MINUTE)
    assert not clock.holds_irreversible_work()


def test_an_acknowledged_clock_is_believed() -> None:
    """After the operator's word the mark is the time, nothing waits, and new jumps count again."""
    watch = Watch()
    clock = watch.clock()
    watch.wall += timedelta(days=40)
    assert clock.known() == Known(START + timedelta(days=40), timedelta(days=1))
    watch.wall = START
    assert clock.is_behind(clock.now())

    assert clock.acknowledge().mark == START + timedelta(days=40)

    assert not clock.is_behind(clock.now())
    assert not clock.holds_irreversible_work()
    watch.wall += 61 * MINUTE
    assert clock.holds_irreversible_work()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    local = open_local(tmp_path / "data")
    yield local
    local.installation.close()


def restart(local: Local, *, crash: bool = False) -> None:
    """Stop and start again; a crash remembers nothing on the way out."""
    if crash:
        local.installation.store.close()
    else:
        local.installation.close()
    local.installation = Installation(
        local.installation.config, lock(local.installation.directory),
        wall=local.time.wall, monotonic=lambda: local.time.monotonic,
    )  # fmt: skip


def state(local: Local, key: str) -> object:
    """The state of a key after the job has looked."""
    local.installation.upkeep.destroy_due()
    return local.kms("DescribeKey", KeyId=key).json.get("KeyMetadata", {}).get("KeyState")


def condemned(local: Local) -> str:
    """A key that is to be destroyed in a week."""
    key: str = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]
    local.kms("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    return key


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize("noticed", [False, True])
def test_a_jump_before_a_restart_still_holds(local: Local, noticed: bool, crash: bool) -> None:
    """However the server stopped after the jump; a day later, or at the operator's word, not."""
    key, other = condemned(local), condemned(local)
    local.installation.upkeep.remember_time()
    local.time.ahead += timedelta(days=8)
    if noticed:
        local.installation.upkeep.destroy_due()
    local.kms("ListKeys")  # signed by the clock that jumped
    restart(local, crash=crash)
    local.time.passes(MINUTE)
    assert state(local, key) == "PendingDeletion"
    assert local.installation.status()["clock"] == "jumped"

    local.time.passes(timedelta(days=1))
    assert state(local, key) is None
    assert state(local, other) is None


def test_a_jump_at_a_restart_holds(local: Local) -> None:
    """A machine that starts with a wrong clock destroys nothing until the operator has looked."""
    key = condemned(local)
    local.installation.close()
    local.time.ahead += timedelta(days=40)
    local.time.monotonic = 5.0
    local.installation = Installation(
        local.installation.config, lock(local.installation.directory),
        wall=local.time.wall, monotonic=lambda: local.time.monotonic,
    )  # fmt: skip
    assert state(local, key) == "PendingDeletion"
    assert local.kms("ListKeys").status == 200

    told = perform(local.installation, "clock acknowledge", {})

    assert told["formerHoldSeconds"] == 86400
    assert state(local, key) is None
    assert b'"eventName":"AcknowledgeClock"' in logged(local)


def test_the_mark_survives_and_is_acknowledged(local: Local) -> None:
    """After a jump and its correction nobody is authenticated until the operator says so."""
    local.time.ahead += timedelta(days=40)
    assert local.kms("ListKeys").status == 200
    local.time.ahead -= timedelta(days=40)
    for _ in range(3):
        assert local.kms("ListKeys").status == 503
        restart(local)
    assert local.installation.status()["clock"] == "behind"

    perform(local.installation, "clock acknowledge", {})

    assert local.kms("ListKeys").status == 200
    restart(local)
    assert local.kms("ListKeys").status == 200
    assert local.installation.status()["clock"] == "believed"


def logged(local: Local) -> bytes:
    """The audit log."""
    return b"".join(f.read_bytes() for f in (local.installation.directory / "audit").glob("rec*"))
