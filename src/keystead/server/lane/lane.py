"""For whose work is there room?  The pools, and the bytes that waiting requests may hold.

    processor          cores - 1, at least 1: OpenSSL releases the interpreter's lock
    hsm                32 sessions
    passwords          1: each takes tens of megabytes, and several processors (`custody.proofs`)
    documents          1: it holds the interpreter's lock, and a second would only wait for it.
                       It pauses while the loop is in a turn (`gate`)
    log                1, which pauses as well
    each outside host  8; the pool is made for its first work, and removed after its last

How many outside hosts may be asked at a time is bounded (`hosts`).

An owner is a principal of an account, or for strangers the part of the network that they come from.
While their work waits, the requests of all owners may hold 64 MB, those of one party a half of it,
and those of one owner a quarter.
"""

import os
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from keystead.server.lane.gate import Gate
from keystead.server.lane.hosts import MOST_HOSTS, Hosts
from keystead.server.lane.pool import Pool, party_of
from keystead.server.lane.promise import OnEnd, Promise, State
from keystead.work import DOCUMENTS, HSM, LOG, PASSWORDS, PROCESSOR, Undone, Work

WORKERS: Mapping[str, int] = {
    PROCESSOR: max(1, (os.cpu_count() or 1) - 1),
    HSM: 32,
    PASSWORDS: 1,
    DOCUMENTS: 1,
    LOG: 1,
}
ROOM: Mapping[str, float] = {PASSWORDS: 10.0}
"""Seconds that a known caller's work may wait where it is other than two. A script that makes ten
users with passwords waits for its turn, also where a hash takes half a second. A waiting hash holds
no memory of a hash yet."""
IN_PYTHON = frozenset({DOCUMENTS, LOG})
OUTSIDE_WORKERS = 8
MOST_BYTES = 64 << 20
EACH_BYTES = 4096  # of one piece of work, beside the body of its request


class Lane:
    """All work that is done beside the loop."""

    def __init__(self, workers: Mapping[str, int] = WORKERS) -> None:
        self.gate = Gate()
        self._pools = {
            name: Pool(name, number, self.gate if name in IN_PYTHON else None, ROOM.get(name))
            for name, number in workers.items()
        }
        self._fixed = frozenset(workers)
        self._hosts = Hosts()
        self._promised: dict[Promise, Pool] = {}  # of this turn
        self._held: Counter[str] = Counter()  # bytes, by owner
        self._of_parties: Counter[str] = Counter()  # bytes, by party
        self._bytes = 0

    @property
    def waiting(self) -> int:
        """The pieces of work that wait for a worker."""
        return sum(pool.waiting for pool in self._pools.values())

    @property
    def begun(self) -> int:
        """The pieces of work that are being done."""
        return sum(pool.begun for pool in self._pools.values())

    def has_room(self, work: Work[Any], owner: str, size: int) -> bool:
        """May this work be promised now?"""
        size += EACH_BYTES
        of_party = self._of_parties[party_of(owner)] + size
        if self._bytes + size > MOST_BYTES or of_party > MOST_BYTES // 2:
            return False
        if self._held[owner] + size > MOST_BYTES // 4:
            return False
        pool = self._pools.get(work.pool)
        if work.pool not in self._fixed and not self._hosts.may_ask(work.pool):
            return False
        return pool is None or pool.has_room(work, owner)

    def promise(self, work: Work[Any], owner: str, size: int) -> Promise:
        """Keep room for work until its turn is durable."""
        pool = self._pools.get(work.pool)
        if pool is None:
            # Shared work is done once, so a second worker would only do it twice.
            workers = 1 if work.shared else OUTSIDE_WORKERS
            if len(self._pools) - len(self._fixed) >= MOST_HOSTS:
                self._forget_hosts()
            pool = self._pools[work.pool] = Pool(work.pool, workers)
        if work.pool not in self._fixed:
            self._hosts.begin(work.pool)
        promise = pool.promise(work, owner, size + EACH_BYTES)
        self._promised[promise] = pool
        self._held[owner] += promise.size
        self._of_parties[party_of(owner)] += promise.size
        self._bytes += promise.size
        return promise

    def hand_over(self, promise: Promise, on_end: OnEnd) -> "Handed":
        """The turn is durable: let work be done. `on_end` may be called in any thread."""
        pool = self._promised.pop(promise)
        pool.hand_over(promise, on_end)
        return Handed(pool, promise)

    def take_back(self, promise: Promise) -> None:
        """Give up this work of a turn: it will not be handed over."""
        pool = self._promised.pop(promise, None)
        if pool is not None:
            pool.end(promise, Undone.STOPPED, before=State.BEGUN)
            self.settle(promise)

    def abandon(self) -> None:
        """Give up all work that was promised in this turn, because the turn is undone."""
        for promise in list(self._promised):
            self.take_back(promise)

    def settle(self, promise: Promise) -> None:
        """Free the room of work that has ended; in the loop's thread."""
        self._bytes -= promise.size
        party = party_of(promise.owner)
        for held, who in ((self._held, promise.owner), (self._of_parties, party)):
            held[who] -= promise.size
            if not held[who]:
                del held[who]
        if promise.pool not in self._fixed:
            self._hosts.end(promise.pool)

    def _forget_hosts(self) -> None:
        """Remove the pools of hosts without work."""
        for name, pool in list(self._pools.items()):
            if name not in self._fixed and pool.is_empty:
                del self._pools[name]


class Handed:
    """Work that was handed over, as the connection sees it that waits for it."""

    __slots__ = ("_pool", "_promise")

    def __init__(self, pool: Pool, promise: Promise) -> None:
        self._pool = pool
        self._promise = promise

    def leave(self) -> None:
        """The client has gone: drop the work if it is not begun."""
        self._pool.end(self._promise, Undone.LEFT, before=State.BEGUN)

    def expire(self) -> None:
        """Drop the work if it has waited for too long and is not begun."""
        if time.monotonic() > self._promise.until:
            self._pool.end(self._promise, Undone.LATE, before=State.BEGUN)

    def stop(self) -> None:
        """The server stops: a result would come too late."""
        self._pool.end(self._promise, Undone.STOPPED, before=State.ENDED)
