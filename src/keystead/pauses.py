"""May this thread go on computing?  A long computation in Python asks now and then, and may wait.

A worker holds the interpreter's lock while it computes, and so does the loop. What takes long calls
`pause` every few hundred microseconds at most. In a worker that reads documents it returns when
the loop is not in a turn (`server/lane/gate.py`, decision 0031). Everywhere else it does nothing.
No result depends on it.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

OFTEN = 16
"""After so many small things, such as patterns of a list, a computation pauses."""


class _Thread(threading.local):
    wait: Callable[[], None] | None = None


_THREAD = _Thread()


def pause() -> None:
    """Wait, if this thread has to let others go first."""
    wait = _THREAD.wait
    if wait is not None:
        wait()


def pausing(things: Iterable[T], *, after: int = OFTEN) -> Iterator[T]:
    """The same things, with a pause before them, and after every few of them."""
    if _THREAD.wait is None:
        return iter(things)
    return _pausing(things, after)


def _pausing(things: Iterable[T], after: int) -> Iterator[T]:
    pause()
    for number, thing in enumerate(things, 1):
        yield thing
        if not number % after:
            pause()


def wait_in_pauses(wait: Callable[[], None] | None) -> None:
    """From now on, `pause` calls this in this thread; None: it does nothing again."""
    _THREAD.wait = wait
