"""What is derived from the store, kept for exactly as long as the store says the same.

INVARIANT: a value is returned only at the epoch at which it was put (threat-model CN-1).
"""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class EpochCache(Generic[K, V]):
    """A bounded map that forgets everything when the epoch moves."""

    __slots__ = ("_entries", "_epoch", "_limit")

    def __init__(self, limit: int) -> None:
        self._entries: dict[K, V] = {}
        self._epoch = -1
        self._limit = limit

    def get(self, epoch: int, key: K) -> V | None:
        """The value put at this epoch, or None."""
        if epoch != self._epoch:
            self._entries.clear()
            self._epoch = epoch
            return None
        return self._entries.get(key)

    def put(self, epoch: int, key: K, value: V) -> V:
        """Keep `value` while the epoch stays; returns it."""
        if epoch != self._epoch:
            self._entries.clear()
            self._epoch = epoch
        elif len(self._entries) >= self._limit:
            self._entries.pop(next(iter(self._entries)))
        self._entries[key] = value
        return value
