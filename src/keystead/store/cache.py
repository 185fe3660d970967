"""Which values derived from the store are kept, and until when?

A value comes from lookups in the store. It is kept until one of these lookups is announced.

INVARIANT: a value is returned only while each of its lookups would find the same rows
(threat-model CN-1). So the value is read through a `Noting` reader. This reader notes every lookup,
even one that finds nothing, and refuses to read by any other condition.
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

from keystead.caches import BoundedCache, Room, Shared
from keystead.store.changes import Changes, Name
from keystead.store.protocol import Reader, Reading, Row, Value

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

NAMED, NAME = 130, 200
"""The bytes that an entry takes for having names, and for each of its names, with the index."""


class NotNamed(Exception):
    """A value to keep was read by a condition that no table declares. This is a defect of ours."""


class Noting:
    """A reader that notes its lookups. (store.protocol.Reader)"""

    __slots__ = ("_reader", "changes", "names", "state")

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.changes: Changes = reader.changes
        self.state = reader.changes.state
        self.names: set[Name] = set()

    def one(self, sql: str, values: Sequence[Value] = (), name: Name | None = None) -> Row | None:
        self._require(name, sql)
        return self._reader.one(sql, values, name)

    def all(self, sql: str, values: Sequence[Value] = (), name: Name | None = None) -> list[Row]:
        self._require(name, sql)
        return self._reader.all(sql, values, name)

    def ahead(self, readings: Sequence[Reading]) -> None:
        self._reader.ahead(readings)

    def _require(self, name: Name | None, sql: str) -> None:
        if name is None:
            raise NotNamed(f"what this finds is to be kept, and no declared lookup finds it: {sql}")
        self.names.add(name)

    def note(self, names: Iterable[Name]) -> None:
        """Note further lookups on which the value depends."""
        self.names.update(names)
        if type(self._reader) is Noting:
            self._reader.note(names)


class NamedCache(Generic[K, V]):
    """A bounded cache that drops an entry when one of its names is announced.

    The index from names to entries counts in the cost of the entries. It shrinks with them.
    """

    __slots__ = ("_changes", "_index", "_used", "kept")

    def __init__(self, room: Room) -> None:
        self.kept: BoundedCache[K, tuple[V, tuple[Name, ...]]] = BoundedCache(room, self._gone)
        self._used = self.kept.used
        self._index: dict[Name, K | set[K]] = {}  # most names have one entry
        self._changes: Changes | None = None

    def get(self, reader: Reader, key: K) -> V | None:
        """The value under this key, or None. A call that has written always gets None."""
        entry = self._used[key]  # one look into a dictionary (`caches`)
        if entry is None:
            return None
        changes = reader.changes
        if changes is not self._changes or changes.unsettled:
            return None
        if type(reader) is Noting:
            reader.note(entry[1])
        return entry[0]

    def put(  # noqa: PLR0917  # as `BoundedCache.put`
        self, noting: Noting, key: K, value: V, owner: str, cost: int, parts: Shared = ()
    ) -> V:
        """Keep the value that was read by `noting`, if there is room; returns the value."""
        changes = noting.changes
        if changes.unsettled or changes.state != noting.state:
            return value
        if changes is not self._changes:
            self._follow(changes)
        names = tuple(noting.names)
        self.kept.put(key, (value, names), owner, cost + NAMED + NAME * len(names), parts)
        if key in self.kept:
            for name in names:
                self._enter(name, key)
        return value

    def _follow(self, changes: Changes) -> None:
        self.clear()
        self._changes = changes
        changes.follow(self)

    def _enter(self, name: Name, key: K) -> None:
        held = self._index.get(name)
        if held is None:
            self._index[name] = key
        elif isinstance(held, set):
            held.add(key)
        else:
            self._index[name] = {held, key}

    def _gone(self, key: K, entry: tuple[V, tuple[Name, ...]]) -> None:
        """Remove an entry from the index, because it is kept no longer."""
        index = self._index
        for name in entry[1]:
            held = index.get(name)
            if isinstance(held, set):
                held.discard(key)
                if not held:
                    del index[name]
            elif held == key:
                del index[name]

    # The methods of store.changes.Evicted

    def hit_by(self, names: Sequence[Name]) -> Collection[K]:
        """The keys of the entries that have one of these names."""
        index = self._index
        hit: set[K] = set()
        for name in index.keys() & names:
            held = index[name]
            if isinstance(held, set):
                hit |= held
            else:
                hit.add(held)
        return hit

    def discard(self, key: K) -> None:
        """Forget one entry."""
        self.kept.discard(key)

    def clear(self) -> None:
        """Forget everything."""
        self.kept.clear()
        self._index.clear()
