"""What changed, by name?  What is derived from the store goes when one of its names is announced.

A name stands for a lookup: a set of columns by which decisions find rows, and their values
(`custody.lookups`). A write announces each lookup of the old row and of the new one. What is kept
of the store has the names of all the lookups that it came from, those that found nothing included
(`store.cache`).

    state    moves with every write and every undo
    epoch    moves when what changed cannot be named: nothing that was kept is found again

INVARIANT: between the first write of a call and its end nothing is taken from a cache or put into
one; at its end everything that it named is announced, whether its changes stay or go (CN-1).
"""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

Name = bytes
"""A lookup, as it is announced."""

MOST_EVICTED = 1000
"""What one call may evict by name; where it is more, everything goes."""

_MOST_REMEMBERED = 10_000  # names of one turn


class Evicted(Protocol):
    """A cache whose entries go by name."""

    def hit_by(self, names: Sequence[Name]) -> Collection[Any]:
        """The keys of the entries that have one of these names."""

    def discard(self, key: Any) -> None:
        """Forget one entry."""

    def clear(self) -> None:
        """Forget everything."""


class Changes:
    """The two numbers of a store, and the caches that follow it."""

    __slots__ = ("_announced", "_caches", "_since", "epoch", "state", "unsettled")

    def __init__(self) -> None:
        self.state = 0
        self.epoch = 0
        self.unsettled = False
        """Has the call that is on its way written something?"""
        self._caches: list[Evicted] = []
        self._announced: dict[Name, int] = {}  # the newest state at which it was, since `_since`
        self._since = 0

    def start(self, state: int) -> None:
        """Go on from the number that the store remembers."""
        self.state = self._since = state

    def follow(self, cache: Evicted) -> None:
        """Announce every name to this cache from now on."""
        self._caches.append(cache)

    def call_began(self) -> None:
        """A call writes for the first time."""
        self.unsettled = True

    def call_ended(self, names: Sequence[Name] | None, *, moves: bool) -> None:
        """A call that wrote is over; `names` is None when one of its writes has no name."""
        self.unsettled = False
        if names is None:
            self.forget()
            return
        self.state += moves
        for name in names:
            self._announced[name] = self.state
        if len(self._announced) > _MOST_REMEMBERED:
            self.turn_ended()
        self._evict(names)

    def _evict(self, names: Sequence[Name]) -> None:
        hit = [(cache, key) for cache in self._caches for key in cache.hit_by(names)]
        if len(hit) > MOST_EVICTED:
            self.forget()
            return
        for cache, key in hit:
            cache.discard(key)

    def turn_ended(self) -> None:
        """What was announced until now is remembered no longer."""
        self._announced.clear()
        self._since = self.state

    def forget(self) -> None:
        """Nothing that was derived from the store until now is found again."""
        self.state += 1
        self.epoch += 1
        self.turn_ended()
        for cache in self._caches:
            cache.clear()

    def touched(self, since: int, names: Collection[Name]) -> bool:
        """Was one of these names announced since that state, or may it have been?"""
        if since == self.state:
            return False
        announced = self._announced
        return since < self._since or any(announced.get(name, -1) > since for name in names)
