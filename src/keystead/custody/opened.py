"""Which material is open now, and for how long?  (threat-model KM-13)

INVARIANT: bounded by count, and nothing is returned 60 seconds after it was opened. The caller has
checked the state of the key before it asks, so a revocation needs no invalidation here.
"""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from keystead.custody.algorithms.symmetric import OpenSymmetricMaterial
from keystead.custody.secrecy import Guarded

LIFETIME_SECONDS = 60.0
LIMIT = 10_000


class Which(NamedTuple):
    """The name of a cached material: a changed row is another name."""

    account: str
    key_id: str
    material_id: str
    row_version: int


class OpenedMaterials(Guarded):
    """Opened material by name, oldest first."""

    __slots__ = ("_clock", "_entries", "_limit")

    def __init__(self, limit: int = LIMIT, clock: Callable[[], float] = time.monotonic) -> None:
        self._entries: dict[tuple[str, str, str, int], tuple[float, OpenSymmetricMaterial]] = {}
        self._limit = limit
        self._clock = clock

    def get(self, which: tuple[str, str, str, int]) -> OpenSymmetricMaterial | None:
        """What was opened under this name within the last minute."""
        entry = self._entries.get(which)
        if entry is None or entry[0] <= self._clock():
            return None
        return entry[1]

    def put(self, which: Which, material: OpenSymmetricMaterial) -> None:
        """Keep it for a minute, and let go of what is older."""
        self.expire()
        self._entries.pop(which, None)
        if len(self._entries) >= self._limit:
            del self._entries[next(iter(self._entries))]
        self._entries[which] = (self._clock() + LIFETIME_SECONDS, material)

    def expire(self) -> None:
        """Let go of what is older than a minute."""
        now = self._clock()
        for which in list(self._older_than(now)):
            del self._entries[which]

    def forget(self, account: str, key_id: str) -> None:
        """Let go of every material of one key."""
        for which in [w for w in self._entries if w[:2] == (account, key_id)]:
            del self._entries[which]

    def _older_than(self, now: float) -> Iterator[tuple[str, str, str, int]]:
        for which, (until, _) in self._entries.items():
            if until > now:  # entries are in the order in which they were opened
                return
            yield which
