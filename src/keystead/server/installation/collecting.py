"""When is garbage looked for, so that no call waits for it?

A full collection looks at every object that could be part of a cycle: a quarter of a second for
a million of them. What is kept for long is nearly all that there is, and is freed without it, as
soon as nothing refers to it. So

    after each full collection    what survived is set aside (`gc.freeze`): the next one looks only
                                  at what was made since, some hundred thousand objects
    when nobody calls             everything is looked at again, at most every ten minutes
    once a day                    the same, whoever calls

The last two find the cycles of what became garbage only after it had been set aside.
"""

import gc
from collections.abc import Callable

THRESHOLDS = (10_000, 4, 1)
"""Objects made until the youngest are looked at (a turn of many requests makes a few thousand), and
how often that is done before the older are. So a full collection has 100,000 new objects.
"""

WHEN_QUIET_SECONDS, AT_LEAST_SECONDS = 600.0, 86_400.0


class Collector:
    """Sets aside what survived, and looks at all of it when that disturbs nobody."""

    __slots__ = ("_calls", "_looked", "_monotonic", "_seen")

    def __init__(self, calls: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self._calls = calls  # how many were answered, ever
        self._monotonic = monotonic
        self._seen = 0
        self._looked = 0.0

    def start(self) -> None:
        """Set aside everything that there is now, and from now on what survives."""
        gc.set_threshold(*THRESHOLDS)
        gc.callbacks.append(self._finished)
        self._look()

    def stop(self) -> None:
        """Leave the collector as it was found, but for its thresholds."""
        gc.callbacks.remove(self._finished)
        gc.unfreeze()

    def tick(self) -> None:
        """Called once a second."""
        calls, since = self._calls(), self._monotonic() - self._looked
        quiet, self._seen = calls == self._seen, calls
        if since >= (WHEN_QUIET_SECONDS if quiet else AT_LEAST_SECONDS):
            self._look()

    def _look(self) -> None:
        gc.unfreeze()
        gc.collect()
        self._looked = self._monotonic()

    def _finished(self, phase: str, about: dict[str, int]) -> None:
        if phase == "stop" and about["generation"] == 2:
            gc.freeze()
