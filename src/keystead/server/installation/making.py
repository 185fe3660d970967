"""How is an RSA key made, while callers are served?"""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class KeyMaker(Generic[T]):
    """Makes a key in a thread, because this takes long. It is asked again until it has it.

    If making it fails, the next one who asks begins anew.
    """

    __slots__ = ("_made", "_make", "_name", "_thread")

    def __init__(self, name: str, make: Callable[[], T]) -> None:
        self._name = name
        self._make = make
        self._thread: Thread | None = None
        self._made: SimpleQueue[T] = SimpleQueue()

    def made(self) -> T | None:
        """The key, once; None while it is being made."""
        running = self._thread is not None and self._thread.is_alive()  # before the queue is read
        try:
            made = self._made.get_nowait()
        except Empty:
            if not running:
                self._thread = Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            return None
        self._thread = None
        return made

    def _run(self) -> None:
        self._made.put(self._make())
