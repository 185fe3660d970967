"""When may a worker compute in Python?  While the loop is not in a turn (decision 0031).

The loop closes the gate when a turn begins, and opens it when it ends. A worker that reads
documents comes to the gate in each of its pauses (`keystead.pauses`). If it is closed, the worker
waits. A waiting worker does not ask for the interpreter's lock, so the loop keeps it.

Some of its pauses are used to tidy: the garbage collector looks at what the worker has made since.
It would not do so itself until much more was made, because each object of an old document that a
cache forgets counts against one that is new.

A loop that is never idle would let no worker through. So a worker waits for 20 ms at most, and then
passes freely for 5 ms: at least a fifth of the time is its own.
"""

import threading
from collections.abc import Callable
from time import monotonic

WAIT_SECONDS = 0.02
FREE_SECONDS = 0.005
TIDY_AFTER = 64  # pauses


class Gate:
    """Closed while the loop is in a turn."""

    __slots__ = ("_bells", "_free_until", "_pauses", "is_closed", "tidy", "waits")

    def __init__(self) -> None:
        self._bells: list[threading.Lock] = []  # of those who wait: each is held until it rings
        self._free_until = 0.0  # a time of `monotonic`: until then nobody waits
        self._pauses = 0  # since the last tidying
        self.is_closed = False
        self.tidy: Callable[[], object] = int  # is called in the worker's thread
        self.waits = 0  # how often a worker waited here

    def close(self) -> None:
        """A turn begins; in the loop's thread."""
        self.is_closed = True

    def open(self) -> None:
        """The turn has ended; in the loop's thread."""
        self.is_closed = False
        if self._bells:
            bells, self._bells = self._bells, []
            for bell in bells:
                bell.release()

    def wait(self) -> None:
        """Go on when the gate is open, or when this thread has waited for long enough."""
        self._pauses += 1
        if self._pauses >= TIDY_AFTER:
            self._pauses = 0
            self.tidy()
        if not self.is_closed or monotonic() < self._free_until:
            return
        self.waits += 1
        until = monotonic() + WAIT_SECONDS
        while self.is_closed:
            bell = threading.Lock()
            bell.acquire()
            self._bells.append(bell)
            left = until - monotonic()
            # The gate may have opened before the bell hung there: then nobody rings it.
            if left <= 0 or (self.is_closed and not bell.acquire(timeout=left)):
                self._free_until = monotonic() + FREE_SECONDS
                break
