"""How times are stored and written."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.times import (
    EPOCH,
    from_microseconds,
    from_seconds,
    iso_seconds,
    microseconds,
    seconds,
)

MOMENT = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_are_exact(moment: datetime) -> None:
    """Whatever time is stored comes back, to the microsecond."""
    assert from_microseconds(microseconds(moment)) == moment


@given(st.integers(min_value=0, max_value=2**37))
def test_seconds_are_exact(stored: int) -> None:
    """Whole seconds come back, in UTC."""
    assert seconds(from_seconds(stored)) == stored
    assert from_seconds(stored).tzinfo is UTC


def test_seconds_are_whole() -> None:
    """What is less than a second is left out, never rounded up."""
    assert seconds(MOMENT) == 1_795_521_600
    assert seconds(MOMENT.replace(microsecond=999_999)) == seconds(MOMENT)
    assert microseconds(EPOCH) == seconds(EPOCH) == 0


@pytest.mark.parametrize("hours", [-11, 0, 5])
def test_written_in_utc(hours: int) -> None:
    """A time of any zone is written in UTC, with whole seconds."""
    moment = MOMENT.astimezone(timezone(timedelta(hours=hours)))
    assert iso_seconds(moment) == "2026-11-24T12:00:00Z"
