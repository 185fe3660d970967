"""What does a call leave behind?  Bytes, and rings that wait for the garbage collector.

Nothing of a call stays once it is answered; a count of references lets go of it at once. A ring
that the collector sees costs memory until it runs, and the time that it runs; a ring through
something that it does not see is kept for ever.
"""

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from tests.memory.served import Client, Served
from tests.memory.ways import Way

WARM = 60  # calls that fill what a few of one kind fill: connections, metrics, counts of strangers
TRIES = 4  # of so many calls: what fills by a few kilobytes may fill more than once
BOUNDED = 64 * 1024  # bytes by which a cache may still grow, whatever the number of calls
OF_EACH = 128  # bytes that may stay of each call, while all together are within the bound


@dataclass(frozen=True, slots=True)
class Kept:
    """What so many calls left behind."""

    calls: int
    bytes: int
    in_rings: int  # objects that only the collector could free

    @property
    def is_nothing(self) -> bool:
        """Is what stayed no matter of how many calls there were?"""
        bound = min(BOUNDED, OF_EACH * self.calls)
        return self.bytes <= bound and self.in_rings * 10 <= self.calls


def kept(served: Served, way: Way, calls: int) -> Kept:
    """What so many calls leave behind, and as many again, some times, if that is too much.

    What stays of each call stays of these too. What the server kept once, it does not keep again.
    """
    with way.meanwhile(served), _counted():
        send(served, way, WARM)
        for _ in range(TRIES):
            stayed = _stayed(served, way, calls)
            if stayed.is_nothing:
                break
        return stayed


def _stayed(served: Served, way: Way, calls: int) -> Kept:
    """What stays of so many calls of a way that was warmed up."""
    _, before = _now(served)
    send(served, way, calls)
    in_rings, after = _now(served)
    return Kept(calls, after - before, in_rings)


@contextmanager
def set_aside() -> Iterator[None]:
    """Collections in the block look only at what is made in it, so that each takes a moment."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _counted() -> Iterator[None]:
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()
        gc.enable()


def _now(served: Served) -> tuple[int, int]:
    """How many objects were in rings until now, and how many bytes there are without them.

    The collection also empties the lists on which the interpreter keeps freed objects.
    """
    served.settle()
    in_rings = gc.collect()
    return in_rings, tracemalloc.get_traced_memory()[0]


class Connecting(Protocol):
    """What clients connect to."""

    def connect(self) -> Client:
        """A new connection."""


def send(served: Connecting, way: Way, calls: int) -> None:
    """Make so many calls, and look at what comes back."""
    if way.closes:
        for _ in range(calls):
            with served.connect() as client:
                _exchange(client, way, 1)
        return
    with served.connect() as client:
        for _ in range(-(-calls // way.together)):
            _exchange(client, way, way.together)


def _exchange(client: Client, way: Way, count: int) -> None:
    client.socket.sendall(way.sent * count)
    if not way.status:
        return
    for _ in range(count):
        status = client.answer()
        assert status == way.status, f"{status} instead of {way.status}"
