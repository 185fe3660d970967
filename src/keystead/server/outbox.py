"""When may an answer leave?  When the turn that made it is durable (threat-model P-01, P-05).

The requests of one turn of the event loop gather here and are answered together, in the order of
their arrival. One `commit` makes state and audit durable for all of them, and then the answers are
written. If it fails, no answer of the turn is true any more: each caller gets a 503 instead.

INVARIANT: nothing else delivers an answer.
"""

import asyncio
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Protocol

import msgspec

from keystead.server import logs
from keystead.server.answer import Answer
from keystead.server.answers import render
from keystead.server.peers import Peer
from keystead.wire.http import HttpRequest

ENOUGH = 64  # requests that a turn waits for: some 10 ms of work


class Receiver(Protocol):
    """A connection that answers go to."""

    def advance(self) -> None:
        """Take in what has arrived, as far as it is complete; it may `ask` and `put`."""

    def abort(self) -> None:
        """Close at once."""

    def deliver(self, response: bytes, *, last: bool) -> None:
        """Write a response; `last` closes the connection after it. Never raises."""


class Answering(Protocol):
    """What answers requests."""

    def answer_all(self, asked: Sequence[tuple[HttpRequest, Peer]]) -> list[Answer]:
        """The answers to the first of these, in order: at least one, all if time allows."""


class _Waiting(msgspec.Struct):
    """What a connection waits for: an answer, or the answer to a request."""

    receiver: Receiver
    last: bool
    answer: Answer | None = None
    application: Answering | None = None
    asked: tuple[HttpRequest, Peer] | None = None


class Outbox:
    """The requests and the answers of this turn."""

    __slots__ = ("_begun", "_commit", "_date", "_failed", "_heard", "_loop", "_waiting")

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
        self._heard: list[Receiver] = []
        self._waiting: list[_Waiting] = []

    def hear(self, receiver: Receiver) -> None:
        """Let a connection take in what has arrived, together with the others."""
        self._heard.append(receiver)
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
        self._advance()
        now = len(self._waiting)
        if before < now < ENOUGH:
            self._loop.call_soon(self._settle, now)
            return
        self._begun = False
        if now:
            self.flush()

    def _advance(self) -> None:
        heard, self._heard = self._heard, []
        for receiver in heard:
            try:
                receiver.advance()
            except Exception as error:  # noqa: BLE001  # it must not cost others their answers
                logs.alarm("a connection failed", error)
                receiver.abort()

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
        responses = [_rendered(one, answer, date) for one, answer in waiting]
        for (one, _), response in zip(waiting, responses, strict=True):
            if response is None:
                one.receiver.abort()
            else:
                one.receiver.deliver(response, last=one.last)

    def _answered(self) -> list[tuple[_Waiting, Answer]]:
        """Who gets which answer; whom there was no time for waits for the next turn."""
        waiting, self._waiting = self._waiting, []
        unanswered = [one for one in waiting if one.answer is None]
        applications = {id(one.application): one.application for one in unanswered}
        for application in filter(None, applications.values()):
            asking = [one for one in unanswered if one.application is application]
            requests = [one.asked for one in asking if one.asked]
            answers = application.answer_all(requests)
            for one, (request, _), answer in zip(asking, requests, answers, strict=False):
                one.answer = _without_body(answer) if request.method == "HEAD" else answer
        answered: list[tuple[_Waiting, Answer]] = []
        for place, one in enumerate(waiting):
            if one.answer is None:
                self._waiting = waiting[place:]
                if not self._begun:
                    self._begin()
                break
            answered.append((one, one.answer))
        return answered


def _rendered(one: _Waiting, answer: Answer, date: str) -> bytes | None:
    """The bytes of an answer; None for one that cannot be written, which costs no other its own."""
    try:
        return render(answer.response, date, last=one.last)
    except Exception as error:  # noqa: BLE001  # it must not cost others their answers
        logs.alarm("an answer cannot be written", error)
        return None


def _unavailable(one: _Waiting, answer: Answer) -> tuple[_Waiting, Answer]:
    """What is delivered instead of an answer that nothing durable stands behind."""
    # Refused instead of "100 Continue", a client may send the body or not: whatever comes next on
    # this connection could be either.
    one.last = one.last or answer.response.status < HTTPStatus.OK
    return one, msgspec.structs.replace(answer, response=answer.unavailable())


def _without_body(answer: Answer) -> Answer:
    """The answer to a HEAD (RFC 9110, 9.3.2)."""
    response = msgspec.structs.replace(answer.response, body=b"")
    return msgspec.structs.replace(answer, response=response)
