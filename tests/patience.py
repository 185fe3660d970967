"""How long does a test wait for something?  So long that only a defect reaches the end of it.

How fast the machine is at this moment is no property of the code (`make bench` measures). So a test
waits for an event, or until a condition holds, and never for a time in which others should be done.
"""

import asyncio
import time
from collections.abc import Callable

PATIENCE = 120  # seconds


async def some_turns() -> None:
    """Let a loop do what is ready, and what becomes ready by that; it needs no time."""
    for _ in range(20):
        await asyncio.sleep(0)


def wait_until(condition: Callable[[], object], told: Callable[[], object] = str) -> None:
    """Wait for what another thread or process does in its own time; `told` says what is missing."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.005)
