"""How much may a cache keep, in all and for each account?  The one bounded cache.

A cache has a `Room`: bytes for each owner, which is an account, and bytes in all. The oldest entry
that was not used since it was last looked at goes first (F. Corbató, A Paging Experiment with the
Multics System, 1968). If an owner's room is full, it is the owner's entry; if the whole room is
full, any owner's. So an account that fills its own room costs no other account a hit, and
no number of calls makes a cache larger than its room.

The code that puts a value says its cost, in bytes. The cost includes everything that the value
reaches. A part that several values of one owner share, such as a compiled policy, is counted once
for them. `weigh` measures the bytes of a value. Tests compare the estimates in the code with it.
"""

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from operator import attrgetter
from types import (
    BuiltinMethodType,
    CellType,
    FunctionType,
    MethodType,
    MethodWrapperType,
    ModuleType,
)
from typing import Any, Generic, TypeVar

import msgspec

from keystead.pauses import pause

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Shared = tuple[tuple[object, int], ...]
"""Parts of a value that other values may have as well, each with its cost in bytes."""

ENTRY, OWNER = 440, 450
"""The bytes of an entry beside key and value, and those of an owner with entries."""

KIB, MIB = 1024, 1024**2

_PASSED_OVER = 64  # entries, for each that is forgotten


@dataclass(frozen=True, slots=True)
class Room:
    """How many bytes may be kept."""

    of_owner: int
    in_all: int


class _Owner:
    """The keys of one owner in the order of use, and the parts that its values share."""

    __slots__ = ("cost", "name", "order", "parts")

    def __init__(self, name: str) -> None:
        self.name = name
        self.cost = 0
        self.order: OrderedDict[Any, None] = OrderedDict()
        self.parts: dict[int, list[int]] = {}  # by identity: uses, cost


class _Entry(Generic[V]):
    """One value, with its cost in bytes."""

    __slots__ = ("cost", "owner", "parts", "value")

    def __init__(self, value: V, owner: _Owner, cost: int, parts: Shared) -> None:
        self.value = value
        self.owner = owner
        self.cost = cost
        self.parts = parts


class _Used(dict[K, V | None], Generic[K, V]):
    """The values that were used. To look for another key is its first use, or finds nothing."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[K, _Entry[V]]) -> None:
        super().__init__()
        self._entries = entries

    def __missing__(self, key: K) -> V | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        self[key] = entry.value
        return entry.value


class BoundedCache(Generic[K, V]):
    """A map that keeps within its room, and forgets entries that were not used of late.

    An entry that was used is passed over once when room is needed. So a hit is one look into a
    dictionary, without a call of Python, and the order of use is not exact.
    """

    __slots__ = ("_entries", "_gone", "_owners", "_room", "cost", "get", "used")

    def __init__(self, room: Room, gone: Callable[[K, V], None] | None = None) -> None:
        """`gone` is called for each entry that is forgotten, but not by `clear`."""
        self._room = room
        self._gone = gone
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._owners: dict[str, _Owner] = {}
        self.used: _Used[K, V] = _Used(self._entries)
        """The values that were used since they were put or passed over. Look, but do not touch.

        `used[key]` is the value under this key, or None: the quickest way to look.
        """
        self.get: Callable[[K], V | None] = self.used.__getitem__
        """The same as a function."""
        self.cost = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def cost_of(self, owner: str) -> int:
        """The cost of one owner's entries, in bytes."""
        held = self._owners.get(owner)
        return 0 if held is None else held.cost

    def put(self, key: K, value: V, owner: str, cost: int, parts: Shared = ()) -> V:
        """Keep `value`, and forget entries that were not used for it; returns `value`.

        A value that is larger than the room of one owner is not kept.
        """
        self.discard(key)
        cost += ENTRY
        if cost + sum(part[1] for part in parts) > self._room.of_owner:
            return value
        held = self._owners.get(owner)
        if held is None:
            held = self._owners[owner] = _Owner(owner)
            self._charge(held, OWNER)
        self._entries[key] = _Entry(value, held, cost, parts)
        held.order[key] = None
        self._charge(held, cost + _added(held, parts))
        self._shrink(held)
        return value

    def _shrink(self, held: _Owner) -> None:
        while held.cost > self._room.of_owner:
            self.discard(self._unused(held.order))
        while self.cost > self._room.in_all:
            self.discard(self._unused(self._entries))

    def _unused(self, order: OrderedDict[K, Any]) -> K:
        """The first entry that was not used; those before it go to the end.

        Not more than a few are passed over, so that one `put` never takes long.
        """
        for _ in range(_PASSED_OVER):
            key = next(iter(order))
            if key not in self.used:
                return key
            del self.used[key]
            self._entries.move_to_end(key)
            self._entries[key].owner.order.move_to_end(key)
        return next(iter(order))

    def items(self) -> Iterator[tuple[K, V]]:
        """All keys and values."""
        return ((key, entry.value) for key, entry in self._entries.items())

    def discard(self, key: K) -> None:
        """Forget the value under this key, if there is one."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self.used.pop(key, None)
        held = entry.owner
        del held.order[key]
        self._charge(held, -entry.cost - _removed(held, entry.parts))
        if not held.order:
            del self._owners[held.name]
            self._charge(held, -OWNER)
        if self._gone is not None:
            self._gone(key, entry.value)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._owners.clear()
        self.used.clear()
        self.cost = 0

    def _charge(self, held: _Owner, cost: int) -> None:
        held.cost += cost
        self.cost += cost


def _added(held: _Owner, parts: Shared) -> int:
    """Count one more use of each part; returns the cost of the parts that are new."""
    cost = 0
    for part, weight in parts:
        used = held.parts.setdefault(id(part), [0, weight])
        used[0] += 1
        cost += used[1] if used[0] == 1 else 0
    return cost


def _removed(held: _Owner, parts: Shared) -> int:
    """Count one use less of each part; returns the cost of the parts that are not used any more."""
    cost = 0
    for part, _ in parts:
        used = held.parts[id(part)]
        used[0] -= 1
        if not used[0]:
            cost += used[1]
            del held.parts[id(part)]
    return cost


# Weighing


def weigh(value: object) -> int:
    """The bytes of a value, with everything that only it reaches.

    Types, modules and the globals of a function belong to the program, and do not count. Texts
    count even when other values have them too: the result is rather too much than too little.
    """
    seen: set[int] = set()
    waiting, weight = [value], 0
    reaching: dict[type, _Reach | None] = dict(_REACH)
    size = sys.getsizeof
    while waiting:
        item = waiting.pop()
        identity = id(item)
        if identity in seen:
            continue
        seen.add(identity)
        kind = item.__class__
        if kind not in reaching:
            reaching[kind] = _reach(item)
        reach = reaching[kind]
        if reach is not None:
            weight += size(item) + _ROUNDING
            if reach is not _nothing:
                waiting.extend(reach(item))
        if not len(seen) % _AFTER:
            pause()
    return weight


_OF_THE_PROGRAM = (type, ModuleType, Enum, bool, type(None))
_ROUNDING = 8  # the allocator gives multiples of 16
_AFTER = 256  # objects, the weighing pauses

_Reach = Callable[[Any], Iterable[object]]
"""The values that a value of one class holds."""


def _nothing(_: object) -> Iterable[object]:
    return ()


def _items(value: Iterable[object]) -> Iterable[object]:
    return value


_REACH: Mapping[type, _Reach] = {
    **dict.fromkeys((str, bytes, int, float), _nothing),
    **dict.fromkeys((tuple, list, set, frozenset), _items),
    FunctionType: attrgetter("__closure__", "__defaults__"),
    CellType: lambda cell: (cell.cell_contents,),
}


def _reach(value: object) -> _Reach | None:
    """What values of this class hold; None for one of the program, which does not count.

    For a class that is not listed, the values of its slots.
    """
    match value:
        case _ if isinstance(value, _OF_THE_PROGRAM):
            return None
        case str() | bytes() | int() | float():
            return _nothing
        case tuple() | list() | set() | frozenset():
            return _items
        case dict():
            return lambda value: (*value, *value.values())
        case MethodType() | BuiltinMethodType() | MethodWrapperType():
            return lambda value: (value.__self__,)
        case partial():
            return attrgetter("func", "args", "keywords")
        case msgspec.Struct():
            names = value.__struct_fields__
        case _:
            names = tuple(n for c in type(value).__mro__ for n in getattr(c, "__slots__", ()))
    return lambda value: [getattr(value, name, None) for name in names]
