"""What is derived from the store, kept for exactly as long as the store says the same.

INVARIANT: a value is returned only at the epoch at which it was put (threat-model CN-1).
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

from keystead.caches import BoundedCache, Room, Shared

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class EpochCache(Generic[K, V]):
    """A bounded cache that forgets everything when the epoch moves."""

    __slots__ = ("_epoch", "kept")

    def __init__(self, room: Room) -> None:
        self.kept: BoundedCache[K, V] = BoundedCache(room)
        self._epoch = -1

    def get(self, epoch: int, key: K) -> V | None:
        """The value put at this epoch, or None."""
        if epoch != self._epoch:
            self._begin(epoch)
            return None
        return self.kept.get(key)

    def put(  # noqa: PLR0917  # as `BoundedCache.put`
        self, epoch: int, key: K, value: V, owner: str, cost: int, parts: Shared = ()
    ) -> V:
        """Keep `value` while the epoch stays and there is room; returns it."""
        if epoch != self._epoch:
            self._begin(epoch)
        return self.kept.put(key, value, owner, cost, parts)

    def _begin(self, epoch: int) -> None:
        self.kept.clear()
        self._epoch = epoch
