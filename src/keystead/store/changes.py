"""Which changes were made, by name?  A cached value goes when one of its names is announced.

A name stands for a lookup. A lookup is a set of columns by which decisions find rows, with their
values (`custody.lookups`). A write announces each lookup of the old row and of the new row. A
cached value has the names of all its lookups, even of those that found nothing (`store.cache`).

    state    moves with every write and every undo
    epoch    moves when a change cannot be named: no value that was cached before is found again

INVARIANT: from the first write of a call to its end, no value is taken from a cache or put into
one. At the end all names of the call are announced, whether its changes stay or go (CN-1).
"""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

Name = bytes
"""The name of a lookup."""

MOST_EVICTED = 1000
"""How many entries one call may evict by name. If there are more, the caches are emptied."""

_MOST_REMEMBERED = 10_000  # names of one turn


class Evicted(Protocol):
    """A cache whose entries are evicted by name."""

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
        """Has the current call written something?"""
        self._caches: list[Evicted] = []
        self._announced: dict[Name, int] = {}  # name -> state at its last announcement
        self._since = 0

    def start(self, state: int) -> None:
        """Go on from the number that the store remembers."""
        self.state = self._since = state

    def follow(self, cache: Evicted) -> None:
        """Announce every name to this cache from now on."""
        self._caches.append(cache)

    def call_began(self) -> None:
        """The current call writes for the first time."""
        self.unsettled = True

    def call_ended(self, names: Sequence[Name] | None, *, moves: bool) -> None:
        """A call that wrote is over. `names` is None if one of its writes has no name."""
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
        """Forget the names that were announced until now."""
        self._announced.clear()
        self._since = self.state

    def forget(self) -> None:
        """Empty all caches: no value derived from the store until now is found again."""
        self.state += 1
        self.epoch += 1
        self.turn_ended()
        for cache in self._caches:
            cache.clear()

    def touched(self, since: int, names: Collection[Name]) -> bool:
        """Was one of these names announced since that state, or may it have been?"""
        if since == self.state:
            return False
        if since < self._since:
            return True
        announced = self._announced
        if announced.keys().isdisjoint(names):  # as nearly always
            return False
        return any(announced.get(name, -1) > since for name in names)
