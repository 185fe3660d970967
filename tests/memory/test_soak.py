"""A server that works for a while does not take more and more memory. (at length: `make soak`)"""

from pathlib import Path

import pytest

from tests.conftest import Server
from tests.memory.soak import ALLOWED, PAGE, Sample, Soak, rise

SECONDS = 6.0
CALLS = 2_000  # at the least: by then the caches are full, whose filling is no line


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux only")
def test_a_short_soak(own_server: Server) -> None:
    """A few seconds of every kind of call, and its memory does not go up in a line."""
    own_server.stop()
    own_server.start("--region", "us-east-1")
    soak = Soak(own_server)

    soak.run(SECONDS, least=CALLS)

    assert soak.wrong == []
    assert soak.calls >= CALLS
    assert rise(soak.samples) <= ALLOWED


@pytest.mark.parametrize(("each", "rises"), [(0, False), (4_000, True)])
def test_a_line_that_rises_is_seen(each: int, rises: bool) -> None:
    """A few kilobytes of each call are found under the noise; a cache that fills is none."""
    samples = [
        Sample(calls, 60_000_000 + min(calls, 900) * 50_000 + calls * each + calls % 7 * PAGE)
        for calls in range(0, 6_000, 100)
    ]
    assert (rise(samples) > ALLOWED) is rises
