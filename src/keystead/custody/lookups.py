"""How do decisions find rows?  By lookups: column sets that each sealed table declares.

A cache entry depends on lookups, and each lookup has a sum. A decision that asks for the rows with
certain values gets all of them, or the error NotTheNewest. Rows that any other condition finds are
not proved complete; listings and the indexes of jobs use such conditions.

    place = HMAC(key, account, near)[:8] || HMAC(key, table, columns, values)[:8]

The sum of a lookup is kept at its place. The first half of a place comes from one column, so that
the lookups of one thing lie together: a change of a key touches one page of sums. The hash is
keyed, so that nobody can choose names that fill one bucket. It is also the name of the lookup:
under this name a change of its rows is announced (`store.changes`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import itemgetter

import msgspec

from keystead.custody.kdf import hmac_contexts
from keystead.custody.secrecy import Guarded
from keystead.store.changes import Name
from keystead.store.protocol import Value

INSTALLATION = ""
"""The account of rows that belong to none."""

REMEMBERED = 4096
"""The newest places, of all lookups and accounts together: some 600 bytes each."""
_HALVES = 256  # the lookups of one thing, which are asked for together, have the same first half
_LONG = 512  # bytes of the values; a caller may look for a name of 30,000, which no row has
_LONG_IN_ALL = 1024**2  # bytes of long values that are remembered; with more, all are forgotten
HALF = 8
"""The bytes of half a place."""
_pack = msgspec.msgpack.Encoder().encode

Place = tuple[str, Name]
"""An account, and a position in it."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A set of columns by which decisions find rows."""

    columns: tuple[str, ...]
    near: str = ""  # lookups with the same value of this column lie together; "": the last column
    of_installation: bool = False  # kept with the installation's own rows


class Places(Guarded):
    """Where the sums of lookups are kept; remembers the newest few thousand.

    Callers name what is looked for. So there is one bound for all lookups, and not one for each,
    and long names are bounded by their bytes.
    """

    __slots__ = ("_inner", "_long", "_outer", "first", "of")

    def __init__(self, key: bytes) -> None:
        self._inner, self._outer = hmac_contexts(key)
        self._long = 0  # bytes of long values since all were forgotten
        self.first = lru_cache(_HALVES)(self.half)
        """The first half of a place."""
        self.of = lru_cache(REMEMBERED)(BoundLookup.found)
        """The place of a lookup with these values."""

    def half(self, *values: Value) -> bytes:
        """Half of a place."""
        packed = _pack(values)
        if len(packed) > _LONG:
            self._remember_long(len(packed))
        inner = self._inner.copy()
        inner.update(packed)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()[:HALF]

    def _remember_long(self, size: int) -> None:
        self._long += size
        if self._long > _LONG_IN_ALL:
            self._long = size
            self.first.cache_clear()
            self.of.cache_clear()


class BoundLookup:
    """A lookup of one table: where its rows are counted."""

    __slots__ = (
        "_account", "_label", "_near", "_of_row", "_places", "columns", "place", "where",
    )  # fmt: skip

    def __init__(self, places: Places, table: str, columns: Sequence[str], lookup: Lookup) -> None:
        self.columns = lookup.columns
        self.where = " AND ".join(f"{c} = ?" for c in lookup.columns)
        self._places = places
        self._label = f"{table}({', '.join(lookup.columns)})"
        self._of_row = picker([columns.index(c) for c in lookup.columns])
        self._account = None if lookup.of_installation else lookup.columns.index("account")
        self._near = lookup.columns.index(lookup.near or lookup.columns[-1])
        self.place = partial(places.of, self)
        """Where the rows with these values are counted; None when a value is missing."""

    def values(self, row: Sequence[Value]) -> tuple[Value, ...]:
        """The values by which this row is found."""
        return self._of_row(row)

    def found(self, values: tuple[Value, ...]) -> Place | None:
        """What `place` remembers. A missing value finds nothing."""
        if None in values:
            return None
        account = INSTALLATION if self._account is None else str(values[self._account])
        first = self._places.first(account, values[self._near])
        return account, first + self._places.half(self._label, *values)


def picker(positions: Sequence[int]) -> Callable[[Sequence[Value]], tuple[Value, ...]]:
    """The function that picks the values at these positions of a row."""
    if len(positions) == 1:
        [only] = positions
        return lambda row: (row[only],)
    return itemgetter(*positions)
