"""Which keys of providers are known, and when is a provider asked again?  (threat-model OI-4)

    asked     once a minute at most, by whomever and with whatever result
    fresh     five minutes; then, and for a key that is not in the set, the provider is asked
    used      ten minutes without a newer set; then proofs are refused

The memory is shared by the loop and by workers. Keys belong to an account and to a revision of its
provider: no account gets keys by the word of another.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf

from keystead.caches import MIB, BoundedCache, Room
from keystead.identity.federation.oidc.discovery import Answer, Places, Provider, ask
from keystead.identity.federation.oidc.keys import COST, KeySet
from keystead.identity.federation.outside import Outside

AGAIN_SECONDS, FRESH_SECONDS, USED_SECONDS = 60.0, 300.0, 600.0

_KEYS = Room(of_owner=2 * MIB, in_all=24 * MIB)
_ASKED = Room(of_owner=MIB // 4, in_all=4 * MIB)
_ENTRY = 600
_PLACES = 4_400  # two URLs of the greatest length


@dataclass(frozen=True, slots=True)
class Asked:
    """When a provider was asked last, and what came of it."""

    at: float = -AGAIN_SECONDS
    why: str = ""  # there are no newer keys


@dataclass(frozen=True, slots=True)
class Known:
    """The keys of a provider, and when they came."""

    keys: KeySet
    places: Places | None
    at: float


class KeyMemory:
    """The keys of the providers of all accounts."""

    __slots__ = ("_asked", "_keys", "_lock", "_monotonic", "_running")

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._keys: BoundedCache[str, Known] = BoundedCache(_KEYS)
        self._asked: BoundedCache[str, Asked] = BoundedCache(_ASKED)
        self._running: set[str] = set()  # the revisions that are being asked

    @property
    def kept_bytes(self) -> int:
        """The bytes of keys and times."""
        with self._lock:
            return self._keys.cost + self._asked.cost

    def is_due(self, provider: Provider, name: tuple[str, str] | None) -> bool:
        """Is the provider to be asked, for a token whose key has this name, or for no token?"""
        with self._lock:
            known = self._keys.get(provider.revision)
            age = inf if known is None else self._monotonic() - known.at
            useful = known is not None and (name is None or name in known.keys)
            if useful and age < FRESH_SECONDS:
                return False
            if provider.revision in self._running:  # who can do without the answer does not wait
                return not useful or age >= USED_SECONDS
            return self._may_ask(provider)

    def _may_ask(self, provider: Provider) -> bool:
        asked = self._asked.get(provider.revision)
        return asked is None or self._monotonic() - asked.at >= AGAIN_SECONDS

    def answer(self, provider: Provider) -> Answer:
        """The keys that may be used now, or why there are none."""
        with self._lock:
            known = self._keys.get(provider.revision)
            if known is not None and self._monotonic() - known.at < USED_SECONDS:
                return Answer(known.keys, places=known.places)
            asked = self._asked.get(provider.revision)
            return Answer(None, "it was not asked" if asked is None else asked.why)

    def begin(self, provider: Provider) -> bool:
        """May a worker ask a provider now?  Then it does."""
        with self._lock:
            if not self._may_ask(provider):
                return False
            self._running.add(provider.revision)
            asked = Asked(self._monotonic(), "there is no answer yet")
            self._asked.put(provider.revision, asked, provider.account, _ENTRY)
            return True

    def end(self, provider: Provider, answer: Answer) -> None:
        """A worker has the answer."""
        with self._lock:
            account, revision = provider.account, provider.revision
            self._running.discard(revision)
            asked = self._asked.get(revision) or Asked(self._monotonic())
            self._asked.put(revision, replace(asked, why=answer.why), account, _ENTRY)
            if answer.keys is not None:
                known = Known(answer.keys, answer.places, self._monotonic())
                cost = _ENTRY + _PLACES + COST * len(answer.keys)
                self._keys.put(revision, known, account, cost)


def refresh(memory: KeyMemory, outside: Outside, provider: Provider) -> Answer:
    """Ask a provider, and remember the answer; in a worker's thread."""
    if not memory.begin(provider):  # it was asked meanwhile
        return memory.answer(provider)
    answer = Answer(None, "asking it failed")
    try:
        answer = ask(outside, provider)
    finally:
        memory.end(provider, answer)
    return answer
