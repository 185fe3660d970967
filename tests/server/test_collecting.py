"""A full collection looks at what is new; the rest is looked at when nobody calls."""

import gc
import weakref
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from keystead.server.installation.collecting import AT_LEAST_SECONDS, WHEN_QUIET_SECONDS, Collector


@dataclass
class Running:
    """A collector, the time, and how many calls there were."""

    collector: Collector
    now: float = 1_000.0
    calls: int = 0

    def tick(self, seconds: float, calls: int = 0) -> None:
        self.now += seconds
        self.calls += calls
        self.collector.tick()


class Node:
    """One object that can be part of a cycle."""

    itself: "Node"


def cycle() -> Node:
    node = Node()
    node.itself = node
    return node


@pytest.fixture
def running() -> Iterator[Running]:
    thresholds = gc.get_threshold()
    made = Running(Collector(lambda: made.calls, lambda: made.now))
    made.collector.start()
    try:
        yield made
    finally:
        made.collector.stop()
        gc.set_threshold(*thresholds)


@pytest.mark.parametrize("generation", range(3))
def test_what_survived_is_not_looked_at_again(running: Running, generation: int) -> None:
    """After the turn of a collection nothing of what is kept is left for the next one."""
    kept = [cycle() for _ in range(10_000)]
    assert len(gc.get_objects()) > len(kept)
    gc.collect(generation)
    running.collector.set_aside()

    assert len(gc.get_objects()) < 1_000
    assert gc.get_freeze_count() > len(kept)


def test_what_is_set_aside_goes_with_its_last_reference(running: Running) -> None:
    """Only cycles need the collector: anything else is freed although it is set aside."""
    node = Node()
    seen = weakref.ref(node)
    gc.collect()
    running.collector.set_aside()
    del node

    assert seen() is None


@pytest.mark.parametrize(
    ("seconds", "calls", "found"),
    [
        (WHEN_QUIET_SECONDS, 0, True),
        (WHEN_QUIET_SECONDS, 1, False),
        (WHEN_QUIET_SECONDS - 1, 0, False),
        (AT_LEAST_SECONDS, 1, True),
    ],
)
def test_cycles_among_it_are_found_when_nobody_calls(
    running: Running, seconds: float, calls: int, found: bool
) -> None:
    """Garbage that was set aside while it was used is found in a quiet second, or once a day."""
    node = cycle()
    seen = weakref.ref(node)
    gc.collect()
    running.collector.set_aside()
    del node
    gc.collect()
    assert seen() is not None
    running.tick(seconds, calls)

    assert (seen() is None) is found


def test_nothing_is_set_aside_without_a_collection(running: Running) -> None:
    """The end of a turn in which nothing was examined sets nothing aside."""
    running.collector.set_aside()
    before = gc.get_freeze_count()
    gc.disable()
    try:
        kept = [cycle() for _ in range(100)]
        running.collector.set_aside()
    finally:
        gc.enable()

    assert kept
    assert gc.get_freeze_count() <= before
