"""Which material is open now, and for how long?  (threat-model KM-13)

INVARIANT: bounded, and nothing is returned 60 seconds after it was opened. The caller has
checked the state of the key before it asks, so a revocation needs no invalidation here.
"""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from keystead.caches import MIB, BoundedCache, Room
from keystead.custody.backends import OpenSymmetricMaterial
from keystead.custody.secrecy import Guarded

LIFETIME_SECONDS = 60.0
ROOM = Room(of_owner=6 * MIB, in_all=24 * MIB)

_MATERIAL = 1800  # bytes
_BETWEEN_SECONDS = 1.0  # between two looks for what is too old


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
        self._entries: BoundedCache[
            tuple[str, str, str, int], tuple[float, OpenSymmetricMaterial]
        ] = BoundedCache(room)
        self._looked = -math.inf
        self._clock = clock

    @property
    def kept_bytes(self) -> int:
        """What it takes."""
        return self._entries.cost

    def get(self, which: tuple[str, str, str, int]) -> OpenSymmetricMaterial | None:
        """What was opened under this name within the last minute."""
        entry = self._entries.get(which)
        if entry is None or entry[0] <= self._clock():
            return None
        return entry[1]

    def put(self, which: Which, material: OpenSymmetricMaterial) -> None:
        """Keep it for a minute, and let go of what is older."""
        now = self._clock()
        if now - self._looked >= _BETWEEN_SECONDS:
            self.expire()
        self._entries.put(which, (now + LIFETIME_SECONDS, material), which.account, _MATERIAL)

    def expire(self) -> None:
        """Let go of what is older than a minute."""
        self._looked = now = self._clock()
        for which in [which for which, (until, _) in self._entries.items() if until <= now]:
            self._entries.discard(which)

    def forget(self, account: str, key_id: str) -> None:
        """Let go of every material of one key."""
        for which in [w for w, _ in self._entries.items() if w[:2] == (account, key_id)]:
            self._entries.discard(which)
