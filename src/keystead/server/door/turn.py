"""When may an answer leave?  When the turn that made it is durable (threat-model P-01, P-05).

The requests of one turn of the event loop gather here, as many as `intake` says, and are answered
together. One `commit` makes state and audit durable for all of them, and then the answers are
written. If it fails, no answer of the turn is true any more: each caller gets a 503 instead.

A request waits for another turn if there was no time for it. If its client has gone by then, and it
would only read, it is dropped.

An answer may need work first (`pipeline.later`). Then it is not delivered, and the work begins when
the turn is durable. After the work the connection waits for a turn again, with the same request.

INVARIANT: nothing else delivers an answer.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Protocol

from keystead.server.door.intake import ALONE, PIECES, Intake, Rank
from keystead.server.door.looks import Looks
from keystead.server.door.peers import Peer
from keystead.server.door.waiting import (
    Answering,
    Receiver,
    Waiting,
    bytes_of,
    instead_of,
    is_dropped,
    response_of,
    without_body,
)
from keystead.server.lane import Gate, Handed
from keystead.server.pipeline import Again, Answer, Later
from keystead.server.telemetry import logs
from keystead.wire.http import HttpRequest
from keystead.work import Outcome, Undone

LONG_SECONDS = 0.001  # of a turn that is told
WATCH_SECONDS = 0.25  # between two looks at the work that waits for a worker
GATHERED, GATHER_SECONDS = 8, 0.004  # results that share a turn, and for how long they wait for it


class Resting(Protocol):
    """A store that has work for a moment in which nobody waits. (store.protocol.Store)"""

    @property
    def tired(self) -> bool:
        """Is there such work?"""

    def rest(self) -> None:
        """Do it."""


class Turn:
    """The requests and the answers of this turn."""

    __slots__ = (
        "_begun", "_bytes", "_commit", "_date", "_ended", "_enough", "_failed", "_gate",
        "_gathering", "_heard", "_intake", "_is_alone", "_kept", "_loop", "_resting", "_since",
        "_terms", "_told", "_took_long", "_turn_ended", "_waiting", "_watched", "_working", "looks",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        commit: Callable[[], None],
        failed: Callable[[Exception], None],
        date: Callable[[], str],
        took_long: Callable[[float], None] = lambda _: None,
        *,
        gate: Gate | None = None,
        ended: Callable[[], None] = lambda: None,
        resting: Resting | None = None,
        alone: Callable[[], bool] = lambda: False,
    ) -> None:
        """`date` gives the Date header; `took_long` is told the seconds of each long turn.

        `gate` is closed during each turn, for the workers that compute in Python. `ended` is called
        at the end of each. `resting` rests when a look at the sockets after a turn brought nothing.
        `alone` tells whether no more than one connection is open.
        """
        self._loop = loop
        self._commit = commit
        self._failed = failed
        self._date = date
        self._took_long = took_long
        self._gate = gate or Gate()
        self._turn_ended = ended
        self._resting = resting
        self._is_alone = alone
        self._since = 0.0  # when the turn before ended, while turns follow without a pause
        self._begun = False  # is there a turn that will end?
        self.looks = Looks()
        self._intake: Intake[Receiver] = Intake(loop.time)
        self._heard: list[Receiver] = []  # since the last look
        self._terms = ALONE  # of this turn
        self._bytes = 0  # of the bodies and large heads of this turn
        self._waiting: list[Waiting] = []
        self._kept: dict[Receiver, Waiting] = {}  # taken, but there was no time for them
        self._working: dict[Receiver, Handed] = {}  # work is done for them
        self._ended: deque[tuple[Waiting, Later, Outcome | Undone]] = deque()  # by workers
        self._watched = False  # will the loop look at the work that waits?
        self._told = False  # does the loop know that `_ended` is not empty?
        self._enough = 0  # results that wait for no others; 0 = there are none that wait
        self._gathering: asyncio.TimerHandle | None = None  # until results wait no longer

    def hear(self, receiver: Receiver) -> None:
        """Let a connection take in a request, when its turn comes."""
        # Between two reads of sockets every step is cold, so `_settle` lets them wait in line.
        self._heard.append(receiver)
        if not self._begun:
            self._begin()

    def read_on(self, receiver: Receiver) -> None:
        """Let a connection that is paused read the next piece of a body, when its turn comes."""
        self._intake.add_reading(receiver)
        if not self._begun:
            self._begin()

    def weigh(self, size: int) -> None:
        """Count these bytes among those that this turn has read: they were not few."""
        self._bytes += size

    def ask(
        self,
        receiver: Receiver,
        application: Answering,
        asked: tuple[HttpRequest, Peer],
        *,
        last: bool,
    ) -> None:
        """Let a request be answered at the end of the turn."""
        self._waiting.append(Waiting(receiver, last, None, application, asked))
        self._bytes += len(asked[0].body)
        if not self._begun:
            self._begin()

    def ask_again(self, receiver: Receiver, application: Answering, again: Again) -> None:
        """Let a request that has arrived elsewhere be answered at the end of the turn."""
        self._waiting.append(Waiting(receiver, False, None, application, again))
        if not self._begun:
            self._begin()

    def put(self, receiver: Receiver, answer: Answer, *, last: bool) -> None:
        """Hold an answer until the end of the turn."""
        self._waiting.append(Waiting(receiver, last, answer))
        if not self._begun:
            self._begin()

    def _begin(self) -> None:
        """Let this turn end, after the loop has handed out everything that is readable."""
        self._begun = True
        self._loop.call_soon(self._timed, 0)

    def _timed(self, before: int) -> None:
        """Settle, and tell if it took long. In an unbroken row of turns, the look at the sockets
        before the turn counts as well: everybody waits for both.
        """
        began = self._since or perf_counter()
        self.looks.read = 0
        if not before:
            self._gate.close()
        ended_turn = True
        try:
            ended_turn = self._settle(before)
        finally:
            if ended_turn:
                self._turn_ended()
                self._gate.open()
                if self._resting is not None and self._resting.tired and not self._begun:
                    self._loop.call_soon(self._rest, self._resting)
        ended = perf_counter()
        if ended - began > LONG_SECONDS:
            self._took_long(ended - began)
        self._since = ended if self._begun else 0.0

    def _rest(self, resting: Resting) -> None:
        """Let the store rest, unless a request came during the turn: it would wait for both."""
        if not self._begun:
            self._gate.close()
            resting.rest()
            self._gate.open()

    def _settle(self, before: int) -> bool:
        """Flush when one more look at the sockets has brought no request: one sync serves all.

        Returns whether the turn is over; if not, one more look follows.
        """
        if self._heard:
            heard, self._heard = self._heard, []
            self._intake.add_all(heard)
        if not before:
            self._terms, self._bytes = self._intake.begin(), 0
            looks = self.looks
            for receiver in self._intake.take_reading(1 if looks.are_dear else PIECES):
                receiver.listen()
            looks.are_dear = False
        self._take()
        now = len(self._waiting)
        # With one peer, one more look keeps nobody else waiting. A full turn has no room for more,
        # and a connection that is alone waits for its answer.
        if self._terms is ALONE and before < now < ALONE.most and not self._is_alone():
            self._loop.call_soon(self._timed, now)
            return False
        self._begun = False
        if now:
            self.flush()
        if not self._begun and self._intake:
            self._begin()
        return True

    def _take(self) -> None:
        """Let the connections of this turn take in one request each."""
        most = self._terms.bytes
        for receiver in self._intake.take(self._terms, len(self._waiting)):
            if self._kept and (kept := self._kept.pop(receiver, None)):
                self._waiting.append(kept)
                self._bytes += bytes_of(kept)
            else:
                try:
                    receiver.advance()
                except Exception as error:  # noqa: BLE001  # it must not cost others their answers
                    logs.alarm("a connection failed", error)
                    receiver.abort()
            if self._bytes > most:
                return

    def flush(self) -> None:
        """Answer, make the turn durable, then deliver its answers."""
        asking = self._waiting
        try:
            waiting = self._answered()
        except BaseException as error:
            for entry in asking:
                entry.receiver.abort()
            logs.alarm("a turn failed", error)
            if isinstance(error, Exception):
                return
            raise
        try:
            self._commit()
        except Exception as error:  # noqa: BLE001  # after any exception nothing is durable
            self._failed(error)
            waiting = [instead_of(*pair) for pair in waiting]
        date = self._date()
        rendered = [
            (entry, answer, response_of(entry, answer, date))
            for entry, answer in waiting
            if isinstance(answer, Answer)
        ]
        for entry, given, response in rendered:
            if response is None:
                entry.receiver.abort()
            else:
                entry.receiver.works_for = given.works_for
                entry.receiver.deliver(response, last=entry.last)
                if given.too_often:
                    entry.receiver.rank = Rank.GREEDY
        if len(rendered) < len(waiting):
            for entry, answer in waiting:
                if isinstance(answer, Later):
                    self._begin_work(entry, answer)

    def _answered(self) -> list[tuple[Waiting, Answer | Later]]:
        """The answers of this turn. Requests without time for them wait for another turn."""
        waiting, self._waiting = self._waiting, []
        asking: dict[Answering, list[Waiting]] = {}
        for entry in waiting:
            application = entry.application
            if application is None or entry.answer is not None:
                continue
            if not (entry.receiver.gone and is_dropped(entry)):
                entries = asking.get(application)
                if entries is None:
                    asking[application] = [entry]
                else:
                    entries.append(entry)
        for application, entries in asking.items():
            self._ask(application, entries)
        return [(entry, entry.answer) for entry in waiting if entry.answer is not None]

    def _ask(self, application: Answering, entries: Sequence[Waiting]) -> None:
        """Let one application answer its requests, as many as time allows."""
        requests = [entry.asked for entry in entries if entry.asked]
        terms = self._terms
        answers = application.answer_all(requests, terms.seconds, spare=terms.spare)
        for entry, answer in zip(entries, answers, strict=False):
            entry.answer = answer
            # The answer to a HEAD is the last of its connection.
            if entry.last and isinstance(entry.asked, tuple) and entry.asked[0].method == "HEAD":
                entry.answer = without_body(answer)
        if len(answers) < len(entries):
            for entry in reversed(entries[len(answers) :]):
                self._keep(entry)

    # work

    @property
    def is_working(self) -> bool:
        """Is work done for a request that is not answered yet, or was it done?"""
        return bool(self._working or self._kept)

    def leave(self, receiver: Receiver) -> None:
        """The client has gone: drop its work if it is not begun."""
        if handed := self._working.get(receiver):
            handed.leave()

    def stop_work(self) -> None:
        """Wait no longer for any work."""
        for handed in list(self._working.values()):
            handed.stop()

    def _begin_work(self, entry: Waiting, later: Later) -> None:
        """Let work be done, and this request be the next of its connection again."""

        def ended(outcome: Outcome | Undone) -> None:
            self._ended.append((entry, later, outcome))
            if not self._told:  # much work ends at a time, and the loop is woken once
                self._told = True
                self._loop.call_soon_threadsafe(self._gather)
            elif 0 < self._enough <= len(self._ended):
                self._loop.call_soon_threadsafe(self._resume_all)

        if not self._watched:
            self._watched = True
            self._loop.call_later(WATCH_SECONDS, self._watch)
        self._working[entry.receiver] = handed = later.begin(ended)
        if entry.receiver.gone:
            handed.leave()

    def _gather(self) -> None:
        """Let results that come one after the other share a turn, if much work is in hand.

        A turn for one costs about as much as one for eight. With more than a few callers each of
        them waits for the work of the others anyhow, and that takes longer. (`bench.signing`)
        """
        self._enough = min(GATHERED, len(self._working) // 4)
        if len(self._ended) >= self._enough:
            self._resume_all()
        else:
            self._gathering = self._loop.call_later(GATHER_SECONDS, self._resume_all)

    def _resume_all(self) -> None:
        """Let the connections whose work has ended wait for their turn."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        self._told, self._enough = False, 0  # first: what ends from now on tells the loop again
        while self._ended:
            entry, later, outcome = self._ended.popleft()
            receiver = entry.receiver
            del self._working[receiver]
            again = later.after(outcome)
            self._kept[receiver] = Waiting(receiver, entry.last, None, entry.application, again)
            # Many results come at a time. They are answered in small turns, and requests that need
            # no work pass them.
            receiver.rank = max(receiver.rank, Rank.RESUMED if later.prepares else Rank.RETURNED)
            self._intake.add(receiver)
        if not self._begun:
            self._begin()

    def _watch(self) -> None:
        """End the waiting of work that has waited for too long."""
        for handed in list(self._working.values()):
            handed.expire()
        self._watched = bool(self._working)
        if self._watched:
            self._loop.call_later(WATCH_SECONDS, self._watch)

    def _keep(self, entry: Waiting) -> None:
        """Let a request that was taken be the first of another turn."""
        self._kept[entry.receiver] = entry
        self._intake.put_back(entry.receiver)
        if not self._begun:
            self._begin()
