"""When is garbage looked for, so that no call waits for it?

A full collection examines every object that could be part of a cycle. For a million objects that
takes a quarter of a second. Nearly all objects are kept for long, and are freed without a
collection, as soon as nothing refers to them. So

    after each collection         the objects that survived are set aside (`gc.freeze`), at the end
                                  of the turn; the next one examines newer ones, some ten thousand
    when there are no calls       all objects are examined, at most every ten minutes
    once a day                    all objects are examined, even if there are calls

The last two find cycles of objects that became garbage after they were set aside. At the end of a
turn hardly a request is on its way, so hardly anything is set aside that is soon garbage.
"""

import gc
from collections.abc import Callable

THRESHOLDS = (10_000, 4, 1)
"""The number of new objects before the youngest are examined; a turn of many requests makes a few
thousand. Then how often that is done before older objects are examined too. If no turn ends
meanwhile, a full collection has about 100,000 new objects.
"""

WHEN_QUIET_SECONDS, AT_LEAST_SECONDS = 600.0, 86_400.0


class Collector:
    """Sets aside objects that survive, and examines all of them when that disturbs nobody."""

    __slots__ = ("_calls", "_has_survivors", "_looked", "_monotonic", "_seen")

    def __init__(self, calls: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self._calls = calls  # the number of calls answered since the start
        self._monotonic = monotonic
        self._seen = 0
        self._looked = 0.0
        self._has_survivors = False

    def start(self) -> None:
        """Set aside all objects of now, and from now on those that survive a collection."""
        gc.set_threshold(*THRESHOLDS)
        gc.callbacks.append(self._finished)
        gc.freeze()  # not collected: a start makes 60,000 objects, and hardly a cycle among them
        self._looked = self._monotonic()

    def stop(self) -> None:
        """Undo `start`, but leave the thresholds."""
        gc.callbacks.remove(self._finished)
        gc.unfreeze()

    def set_aside(self) -> None:
        """Called at the end of each turn: set aside what survived collections in it."""
        if self._has_survivors:
            self._has_survivors = False
            gc.freeze()

    @staticmethod
    def look_at_new() -> None:
        """Examine the youngest objects. A thread that makes many calls this often.

        The count of new objects says little while old ones are freed: each of these lowers it. So
        it would let 200,000 new ones gather, which take 20 ms.
        """
        gc.collect(0)

    def tick(self) -> None:
        """Called once a second."""
        self.set_aside()
        calls, since = self._calls(), self._monotonic() - self._looked
        quiet, self._seen = calls == self._seen, calls
        if since >= (WHEN_QUIET_SECONDS if quiet else AT_LEAST_SECONDS):
            self._look()

    def _look(self) -> None:
        gc.unfreeze()
        gc.collect()
        self._looked = self._monotonic()

    def _finished(self, phase: str, _: dict[str, int]) -> None:
        """A collection begins or ends, in any thread."""
        if phase == "stop":
            self._has_survivors = True
