"""When may an answer leave?  When the turn that made it is durable (threat-model P-01, P-05).

The requests of one turn of the event loop gather here, as many as `intake` says, and are answered
together. One `commit` makes state and audit durable for all of them, and then the answers are
written. If it fails, no answer of the turn is true any more: each caller gets a 503 instead.
Whom there was no time for waits for another turn. When that comes and nobody is there any more to
be answered, what would only have been read is dropped.

An answer that work must precede (`pipeline.later`) is not delivered: the work is begun when the
turn is durable. When it has ended, its connection waits for its turn again, with the same request.

INVARIANT: nothing else delivers an answer.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Protocol

import msgspec

from keystead.server.door.intake import ALONE, MOST_BYTES, Intake, Rank, Waits
from keystead.server.door.peers import Peer
from keystead.server.door.replies import render
from keystead.server.lane import Handed
from keystead.server.pipeline import Again, Answer, Later
from keystead.server.telemetry import logs
from keystead.wire.http import HttpRequest
from keystead.work import Outcome, Undone

WATCH_SECONDS = 0.25  # between two looks at what waits for a worker
Asked = tuple[HttpRequest, Peer] | Again


class Receiver(Waits, Protocol):
    """A connection that answers go to."""

    gone: bool  # nobody is there to be answered

    def advance(self) -> None:
        """Take in one request if it is complete; it may `ask` or `put` once."""

    def listen(self) -> None:
        """Read what comes, when this was paused."""

    def abort(self) -> None:
        """Close at once."""

    def deliver(self, response: bytes, *, last: bool) -> None:
        """Write a response; `last` closes the connection after it. Never raises."""


class Answering(Protocol):
    """What answers requests."""

    def answer_all(self, asked: Sequence[Asked], seconds: float) -> list[Answer | Later]:
        """The answers to the first of these, in order: at least one, and as time allows."""

    def changes(self, request: HttpRequest) -> bool:
        """Would this request change anything if it is allowed?"""


class _Waiting(msgspec.Struct):
    """What a connection waits for: an answer, or the answer to a request."""

    receiver: Receiver
    last: bool
    answer: Answer | Later | None = None
    application: Answering | None = None
    asked: Asked | None = None


class Turn:
    """The requests and the answers of this turn."""

    __slots__ = (
        "_begun", "_bytes", "_commit", "_date", "_ended", "_failed", "_intake", "_kept", "_loop",
        "_terms", "_told", "_waiting", "_working",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        commit: Callable[[], None],
        failed: Callable[[Exception], None],
        date: Callable[[], str],
    ) -> None:
        """`date` gives the Date header."""
        self._loop = loop
        self._commit = commit
        self._failed = failed
        self._date = date
        self._begun = False  # is there a turn that will end?
        self._intake: Intake[Receiver] = Intake(loop.time)
        self._terms = ALONE  # of this turn
        self._bytes = 0  # of the bodies of this turn
        self._waiting: list[_Waiting] = []
        self._kept: dict[Receiver, _Waiting] = {}  # taken, and there was no time for them
        self._working: dict[Receiver, Handed] = {}  # work is done for them
        self._ended: deque[tuple[_Waiting, Later, Outcome | Undone]] = deque()  # by workers
        self._told = False  # does the loop know that there is something in it?

    def hear(self, receiver: Receiver) -> None:
        """Let a connection take in what has arrived, when its turn comes."""
        self._intake.add(receiver)
        if not self._begun:
            self._begin()

    def read_on(self, receiver: Receiver) -> None:
        """Let a connection that is paused read the next piece of a body, when its turn comes."""
        self._intake.add_reading(receiver)
        if not self._begun:
            self._begin()

    def ask(
        self,
        receiver: Receiver,
        application: Answering,
        asked: tuple[HttpRequest, Peer],
        *,
        last: bool,
    ) -> None:
        """Let a request be answered at the end of the turn."""
        self._waiting.append(_Waiting(receiver, last, None, application, asked))
        self._bytes += len(asked[0].body)
        if not self._begun:
            self._begin()

    def put(self, receiver: Receiver, answer: Answer, *, last: bool) -> None:
        """Hold an answer until the end of the turn."""
        self._waiting.append(_Waiting(receiver, last, answer))
        if not self._begun:
            self._begin()

    def _begin(self) -> None:
        """Let this turn end: the loop first hands out everything that is readable."""
        self._begun = True
        self._loop.call_soon(self._settle, 0)

    def _settle(self, before: int) -> None:
        """Flush when one more look at the sockets has brought nothing: one sync serves all."""
        if not before:
            self._terms = self._intake.begin()
            for receiver in self._intake.take_reading():
                receiver.listen()
        self._take()
        now = len(self._waiting)
        # Nobody else is kept waiting by one more look. A full turn would find no room for more.
        if self._terms is ALONE and before < now < ALONE.most:
            self._loop.call_soon(self._settle, now)
            return
        self._begun = False
        if now:
            self.flush()
        if self._intake and not self._begun:
            self._begin()

    def _take(self) -> None:
        """Let those connections whose turn it is take in a request each."""
        for receiver in self._intake.take(self._terms, len(self._waiting)):
            if self._kept and (kept := self._kept.pop(receiver, None)):
                self._waiting.append(kept)
                continue
            try:
                receiver.advance()
            except Exception as error:  # noqa: BLE001  # it must not cost others their answers
                logs.alarm("a connection failed", error)
                receiver.abort()
            if self._bytes > MOST_BYTES:
                return

    def flush(self) -> None:
        """Answer, make the turn durable, then deliver its answers."""
        asking = self._waiting
        try:
            waiting = self._answered()
        except BaseException as error:
            for one in asking:
                one.receiver.abort()
            logs.alarm("a turn failed", error)
            if isinstance(error, Exception):
                return
            raise
        try:
            self._commit()
        except Exception as error:  # noqa: BLE001  # whatever it was, nothing is durable
            self._failed(error)
            waiting = [_unavailable(*each) for each in waiting]
        date = self._date()
        answered = [(one, answer) for one, answer in waiting if isinstance(answer, Answer)]
        responses = [_rendered(one, answer, date) for one, answer in answered]
        for (one, _), response in zip(answered, responses, strict=True):
            if response is None:
                one.receiver.abort()
            else:
                one.receiver.deliver(response, last=one.last)
        if len(answered) < len(waiting):
            for one, answer in waiting:
                if isinstance(answer, Later):
                    self._begin_work(one, answer)

    def _answered(self) -> list[tuple[_Waiting, Answer | Later]]:
        """Who gets which answer; whom there was no time for waits for another turn."""
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        unanswered = [one for one in waiting if one.answer is None and not _is_dropped(one)]
        applications = {id(one.application): one.application for one in unanswered}
        for application in filter(None, applications.values()):
            asking = [one for one in unanswered if one.application is application]
            requests = [one.asked for one in asking if one.asked]
            answers = application.answer_all(requests, self._terms.seconds)
            for one, each, answer in zip(asking, requests, answers, strict=False):
                head = isinstance(each, tuple) and each[0].method == "HEAD"
                one.answer = _without_body(answer) if head else answer
        for one in reversed(unanswered):
            if one.answer is None:
                self._keep(one)
        return [(one, one.answer) for one in waiting if one.answer is not None]

    # work

    @property
    def is_working(self) -> bool:
        """Is work done for anybody, or was it, and is not answered?"""
        return bool(self._working or self._kept)

    def leave(self, receiver: Receiver) -> None:
        """Nobody is there any more to be answered: what is not begun is not done."""
        if handed := self._working.get(receiver):
            handed.leave()

    def stop_work(self) -> None:
        """Wait no longer for any work."""
        for handed in list(self._working.values()):
            handed.stop()

    def _begin_work(self, one: _Waiting, later: Later) -> None:
        """Let work be done, and this request be the next of its connection again."""

        def ended(outcome: Outcome | Undone) -> None:
            self._ended.append((one, later, outcome))
            if not self._told:  # many end at a time, and the loop is woken once
                self._told = True
                self._loop.call_soon_threadsafe(self._resume_all)

        if not self._working:
            self._loop.call_later(WATCH_SECONDS, self._watch)
        self._working[one.receiver] = handed = later.begin(ended)
        if one.receiver.gone:
            handed.leave()

    def _resume_all(self) -> None:
        """Let those whose work has ended wait for their turn."""
        self._told = False  # first: what ends from now on tells the loop again
        while self._ended:
            one, later, outcome = self._ended.popleft()
            receiver = one.receiver
            del self._working[receiver]
            again = later.after(outcome)
            self._kept[receiver] = _Waiting(receiver, one.last, None, one.application, again)
            # Results come many at a time: they go by few, and let those pass who need no work.
            receiver.rank = Rank.RETURNED
            self._intake.add(receiver)
        if not self._begun:
            self._begin()

    def _watch(self) -> None:
        """End the waiting of work that has waited for too long."""
        for handed in list(self._working.values()):
            handed.expire()
        if self._working:
            self._loop.call_later(WATCH_SECONDS, self._watch)

    def _keep(self, one: _Waiting) -> None:
        """Let a request that was taken be the first of another turn."""
        self._kept[one.receiver] = one
        self._intake.put_back(one.receiver)
        if not self._begun:
            self._begin()


def _is_dropped(one: _Waiting) -> bool:
    """Is nobody there to be answered, and would nothing be changed?"""
    if not one.receiver.gone or one.application is None or not isinstance(one.asked, tuple):
        return False
    return not one.application.changes(one.asked[0])


def _rendered(one: _Waiting, answer: Answer, date: str) -> bytes | None:
    """The bytes of an answer; None for one that cannot be written, which costs no other its own."""
    try:
        return render(answer.response, date, last=one.last)
    except Exception as error:  # noqa: BLE001  # it must not cost others their answers
        logs.alarm("an answer cannot be written", error)
        return None


def _unavailable(one: _Waiting, answer: Answer | Later) -> tuple[_Waiting, Answer | Later]:
    """What is delivered instead of an answer that nothing durable stands behind."""
    if isinstance(answer, Later):
        answer.take_back()
        return one, Answer(answer.unavailable(), answer.unavailable)
    # Refused instead of "100 Continue", a client may send the body or not: whatever comes next on
    # this connection could be either.
    one.last = one.last or answer.response.status < HTTPStatus.OK
    return one, msgspec.structs.replace(answer, response=answer.unavailable())


def _without_body(answer: Answer | Later) -> Answer | Later:
    """The answer to a HEAD (RFC 9110, 9.3.2); no operation that needs work is asked by one."""
    if isinstance(answer, Later):
        return answer
    response = msgspec.structs.replace(answer.response, body=b"")
    return msgspec.structs.replace(answer, response=response)
