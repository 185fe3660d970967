"""Which material is open now, and for how long?  (threat-model KM-13)

INVARIANT: the cache is bounded. It returns no material later than 60 seconds after it was opened,
and none after a change of its key or of its rows was announced. The row version in the name is not
enough for that, because a version is given again when a write is undone.

The caller has checked the state of the key before it asks.
"""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from keystead.caches import MIB, Room
from keystead.custody.backends import OpenMaterial
from keystead.custody.secrecy import Guarded
from keystead.store.cache import NamedCache, Noting
from keystead.store.protocol import Reader

LIFETIME_SECONDS = 60.0
ROOM = Room(of_owner=6 * MIB, in_all=24 * MIB)

_BETWEEN_SECONDS = 1.0  # between two searches for entries that are too old


class Which(NamedTuple):
    """The name of a cached material: a changed row is another name."""

    account: str
    key_id: str
    material_id: str
    row_version: int


class OpenedMaterials(Guarded):
    """Opened material by name."""

    __slots__ = ("_clock", "_entries", "_looked")

    def __init__(self, room: Room = ROOM, clock: Callable[[], float] = time.monotonic) -> None:
        self._entries: NamedCache[tuple[str, str, str, int], tuple[float, OpenMaterial]] = (
            NamedCache(room)
        )
        self._looked = -math.inf
        self._clock = clock

    @property
    def kept_bytes(self) -> int:
        """The cost of its entries, in bytes."""
        return self._entries.kept.cost

    def get(self, reader: Reader, which: tuple[str, str, str, int]) -> OpenMaterial | None:
        """The material that was opened under this name within the last minute, or None."""
        entry = self._entries.get(reader, which)
        if entry is None or entry[0] <= self._clock():
            return None
        return entry[1]

    def put(self, noting: Noting, which: Which, material: OpenMaterial) -> None:
        """Keep this material for a minute, and let go of older entries."""
        now = self._clock()
        if now - self._looked >= _BETWEEN_SECONDS:
            self.expire()
        until = now + LIFETIME_SECONDS
        self._entries.put(noting, which, (until, material), which.account, material.cost)

    def expire(self) -> None:
        """Let go of entries that are older than a minute."""
        self._looked = now = self._clock()
        kept = self._entries.kept.items()
        for which in [which for which, ((until, _), _) in kept if until <= now]:
            self._entries.discard(which)
