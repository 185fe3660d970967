"""Whose work is done next in one pool, and for whose is there room?

Parties take turns: the accounts, each with the providers that vouch for its people, and all
strangers together. In a party its owners take turns: principals, providers, and networks of
strangers. So an owner with much work
waits behind its own, and strangers from many networks keep no account's work out. Room is time,
not a number: work is taken in when it would wait for at most two seconds; of a known caller's slow
hashes, for at most ten. Where nothing is owed nothing waits, so there any work has room, however
slow this machine is. While it waits, each other owner of its party gets at most as much work
done as this owner has itself, and each other party at most as much as this one until then:

    until then = sum over the party's owners of min(what they owe, mine with this work)
    wait = (until then + sum over the other parties of min(what they owe, until then)) / workers

How long work takes is learned: a pool keeps the ratio of the measured to the declared time. Work
that is quick teaches nothing, such as a part of a list: it is measured too badly.

When the first callers after a start need the same, it is made once (`Work.shared`).

Threads are made when they are needed, and end when they had no work for a while. They are daemons,
so a host that never answers does not delay the end of the process. If the system allows it, they
have a lower priority than the loop, which answers a call in less time than they need. Threads that
compute in Python have not: the system would take the processor from one that has the interpreter's
lock, and the loop would wait for both. They wait at a gate instead.
"""

import contextlib
import os
import sys
import threading
import time
from collections import OrderedDict, deque
from queue import Empty, SimpleQueue
from typing import Any

from keystead.pauses import wait_in_pauses
from keystead.server.lane.gate import Gate
from keystead.server.lane.promise import OnEnd, Promise, State
from keystead.server.telemetry import logs
from keystead.work import QUICK, Done, Failed, MadeWith, Outcome, Undone, Work

STRANGERS = "strangers"
"""The party of callers who have not proved who they are. An owner begins with its party."""

ROOM_SECONDS = 2.0  # that work may have to wait, as the pool estimates when it is promised
WAIT_SECONDS = 2.0  # that it does wait, at most
IDLE_SECONDS = 10.0
NICE = 5
_LEARN = 0.1  # the weight of the newest measurement
_LEAST, _MOST = 0.1, 100.0  # bounds of the learned ratio


Line = OrderedDict[str, deque[Promise]]
"""The waiting work of one party, by owner; none is empty."""


def party_of(owner: str) -> str:
    """The party of an owner, which takes turns with the others."""
    return owner.partition(" ")[0]


class Pool:
    """Workers of one kind, and the work that waits for them."""

    def __init__(
        self, name: str, workers: int, gate: Gate | None = None, room: float | None = None
    ) -> None:
        """`gate`: where the threads wait that compute in Python; None: these do not.

        `room`: for how many seconds a known caller's work may wait; None: as a stranger's.
        """
        self.name = name
        self._room = room
        self._gate = gate
        self._workers = workers
        self._lock = threading.Lock()
        self._calls: SimpleQueue[None] = SimpleQueue()  # an item for each piece of handed-over work
        self._lines: OrderedDict[str, Line] = OrderedDict()  # by party; none is empty
        # By party and owner: the microseconds of work that has not ended.
        self._owed: dict[str, dict[str, int]] = {}
        self._threads = 0
        self._called = 0  # pieces of handed-over work that no thread has finished
        self._pace = 1.0
        self.begun = 0  # pieces of work that are being done

    def has_room(self, work: Work[Any], owner: str) -> bool:
        """Would this work wait for its room at most?"""
        party = party_of(owner)
        with self._lock:
            if not self._owed:
                return True
            owners = self._owed.get(party, {})
            before = owners.get(owner, 0)
            mine = before + self._micros(work)
            before += sum(min(owed, mine) for who, owed in owners.items() if who != owner)
            until = before + self._micros(work)
            others = sum(
                min(sum(owners.values()), until)
                for who, owners in self._owed.items()
                if who != party
            )
            return (before + others) / self._workers <= self._room_of(party) * 1e6

    def _room_of(self, party: str) -> float:
        """For how many seconds work may wait."""
        return ROOM_SECONDS if self._room is None or party == STRANGERS else self._room

    def _micros(self, work: Work[Any]) -> int:
        """The microseconds that work takes, as this pool estimates."""
        return int(work.seconds * self._pace * 1e6) + 1

    @property
    def is_empty(self) -> bool:
        """Is nothing promised, waiting or begun?"""
        return not self._owed

    @property
    def waiting(self) -> int:
        """The pieces of work that wait for a worker."""
        with self._lock:
            return sum(len(each) for line in self._lines.values() for each in line.values())

    def promise(self, work: Work[Any], owner: str, size: int) -> Promise:
        """Keep room for work."""
        with self._lock:
            micros = self._micros(work)
            owners = self._owed.setdefault(party_of(owner), {})
            owners[owner] = owners.get(owner, 0) + micros
            return Promise(work, owner, micros, size)

    def hand_over(self, promise: Promise, on_end: OnEnd) -> None:
        """Let promised work be done; `on_end` is told the outcome."""
        with self._lock:
            promise.on_end, promise.state = on_end, State.WAITING
            party = party_of(promise.owner)
            longer = self._room_of(party) - ROOM_SECONDS
            promise.until = time.monotonic() + WAIT_SECONDS + longer
            line = self._lines.setdefault(party, OrderedDict())
            line.setdefault(promise.owner, deque()).append(promise)
            self._called += 1
            more = self._threads < min(self._workers, self._called)
            self._threads += more
        self._calls.put(None)
        if more:
            self._start()

    def _start(self) -> None:
        try:
            threading.Thread(target=self._serve, name=self.name, daemon=True).start()
        except RuntimeError as error:  # no more threads: another does the work, or it is too late
            logs.outage("a worker cannot be started", error, pool=self.name)
            with self._lock:
                self._threads -= 1

    def end(self, promise: Promise, outcome: Outcome | Undone, *, before: State) -> bool:
        """End a promise that has not reached the state `before`, and tell its owner.

        Returns whether it was ended.
        """
        with self._lock:
            if promise.state >= before:
                return False
            if promise.state is State.WAITING:
                self._take_out(promise)
            promise.state, promise.work = State.ENDED, None
            on_end, promise.on_end = promise.on_end, None
            self._pay(promise)
        if on_end is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
                on_end(outcome)
        return True

    def _pay(self, promise: Promise) -> None:
        """Its owner owes this work no more."""
        party = party_of(promise.owner)
        owners = self._owed[party]
        owners[promise.owner] -= promise.micros
        if not owners[promise.owner]:
            del owners[promise.owner]
        if not owners:
            del self._owed[party]

    def _take_out(self, promise: Promise) -> None:
        party = party_of(promise.owner)
        line = self._lines[party]
        line[promise.owner].remove(promise)
        if not line[promise.owner]:
            del line[promise.owner]
        if not line:
            del self._lines[party]

    # in a worker's thread

    def _serve(self) -> None:
        if self._gate is None:
            _step_back()
        else:
            wait_in_pauses(self._gate.wait)
        while self._is_called():
            promise = self._next()
            if promise is not None:
                self._do(promise)
            del promise  # an idle thread keeps nothing of its last work
            with self._lock:
                self._called -= 1

    def _is_called(self) -> bool:
        """Wait for work; False if there was none for a while, and the thread should end."""
        with contextlib.suppress(Empty):
            self._calls.get(timeout=IDLE_SECONDS)
            return True
        with self._lock:
            # If work was handed over in the meantime, it relies on this thread.
            ends = self._threads > self._called
            self._threads -= ends
        return not ends and self._is_called()

    def _next(self) -> Promise | None:
        """The next work of the party and owner whose turn it is; None when it was taken out."""
        with self._lock:
            if not self._lines:
                return None
            party, line = next(iter(self._lines.items()))
            owner, own = next(iter(line.items()))
            promise = own.popleft()
            line.move_to_end(owner)
            self._lines.move_to_end(party)
            if not own:
                del line[owner]
            if not line:
                del self._lines[party]
            promise.state = State.BEGUN
            self.begun += 1
            return promise

    def _do(self, promise: Promise) -> None:
        work, began = promise.work, time.perf_counter()
        late = work is None or time.monotonic() > promise.until
        outcome = Undone.LATE if work is None or late else _outcome(work)
        took = time.perf_counter() - began
        with self._lock:
            self.begun -= 1
            if work is not None and not late and work.seconds > QUICK:
                pace = self._pace * (1 - _LEARN) + took / work.seconds * _LEARN
                self._pace = min(max(pace, _LEAST), _MOST)
        shared = work is not None and work.shared and isinstance(outcome, Done)
        # Who comes after the owner was told gets a result of its own.
        twins = self._waiting_for(work.made_with) if work is not None and shared else []
        self.end(promise, outcome, before=State.ENDED)
        for twin in twins:
            self.end(twin, outcome, before=State.BEGUN)

    def _waiting_for(self, made_with: MadeWith) -> list[Promise]:
        """The waiting work that would have the same result."""
        with self._lock:
            return [
                promise
                for line in self._lines.values()
                for own in line.values()
                for promise in own
                if promise.work is not None
                and promise.work.shared
                and promise.work.made_with == made_with
            ]


def _outcome(work: Work[Any]) -> Outcome:
    """Do the work. An exception goes to the log, and is not kept."""
    try:
        return work.do()
    except BaseException as error:  # noqa: BLE001  # in any case the owner waits for an outcome
        logs.alarm("work failed", error, pool=work.pool)
        return Failed(work.made_with)


def _step_back() -> None:
    """Let the loop's thread go first."""
    if sys.platform == "linux":  # elsewhere the priority is that of the whole process
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICE)
