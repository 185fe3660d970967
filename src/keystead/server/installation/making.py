"""How is an RSA key made, while callers are served?"""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class KeyMaker(Generic[T]):
    """Makes a key in a thread, because this takes long. It is asked again until it has it."""

    __slots__ = ("_begun", "_made", "_make", "_name")

    def __init__(self, name: str, make: Callable[[], T]) -> None:
        self._name = name
        self._make = make
        self._begun = False
        self._made: SimpleQueue[T] = SimpleQueue()

    def made(self) -> T | None:
        """The key, once; None while it is being made."""
        if not self._begun:
            self._begun = True
            Thread(target=self._run, name=self._name, daemon=True).start()
        try:
            made = self._made.get_nowait()
        except Empty:
            return None
        self._begun = False
        return made

    def _run(self) -> None:
        self._made.put(self._make())
