"""Who waits for an answer, for which one, and how does it leave?"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Protocol

import msgspec

from keystead.server.door.intake import Asks
from keystead.server.door.peers import Peer
from keystead.server.door.replies import render
from keystead.server.pipeline import Again, Answer, Later
from keystead.server.telemetry import logs
from keystead.wire.http import HttpRequest

Asked = tuple[HttpRequest, Peer] | Again


class Receiver(Asks, Protocol):
    """A connection that is answered."""

    gone: bool  # the client has gone: answers cannot reach it

    def advance(self) -> None:
        """Take in one request if it is complete; this may call `ask` or `put` once."""

    def listen(self) -> None:
        """Read from the socket again, if this was paused."""

    def abort(self) -> None:
        """Close at once."""

    def deliver(self, response: bytes, *, last: bool) -> None:
        """Write a response; `last` closes the connection after it. Never raises."""


class Answering(Protocol):
    """Answers requests."""

    def answer_all(
        self, asked: Sequence[Asked], seconds: float, *, spare: float = 0.0
    ) -> list[Answer | Later]:
        """The answers to the first of these, in order: at least one, and more as time allows.

        `spare`: for how long the loop may compute itself, instead of handing work over.
        """

    def changes(self, request: HttpRequest) -> bool:
        """Would this request change anything if it is allowed?"""


class Waiting(msgspec.Struct):
    """A connection that waits, with its answer, or with a request to be answered."""

    receiver: Receiver
    last: bool
    answer: Answer | Later | None = None
    application: Answering | None = None
    asked: Asked | None = None


def bytes_of(entry: Waiting) -> int:
    """The bytes of the body of a request."""
    if entry.asked is None:
        return 0
    request = entry.asked[0] if isinstance(entry.asked, tuple) else entry.asked.arrived.request
    return len(request.body)


def is_dropped(entry: Waiting) -> bool:
    """Would the request of a client that has gone change nothing?"""
    if entry.application is None or not isinstance(entry.asked, tuple):
        return False
    return not entry.application.changes(entry.asked[0])


def response_of(entry: Waiting, answer: Answer, date: str) -> bytes | None:
    """The bytes of an answer, or None if it cannot be written; the other answers are written."""
    try:
        return render(answer.response, date, last=entry.last)
    except Exception as error:  # noqa: BLE001  # it must not cost others their answers
        logs.alarm("an answer cannot be written", error)
        return None


def instead_of(entry: Waiting, answer: Answer | Later) -> tuple[Waiting, Answer | Later]:
    """The answer in place of one whose turn could not be made durable."""
    if isinstance(answer, Later):
        answer.take_back()
        return entry, Answer(answer.unavailable(), answer.unavailable)
    # If a client gets this in place of "100 Continue", it may send the body or not. The next bytes
    # of this connection could be a body or a request.
    entry.last = entry.last or answer.response.status < HTTPStatus.OK
    return entry, msgspec.structs.replace(answer, response=answer.unavailable())


def without_body(answer: Answer | Later) -> Answer | Later:
    """The answer to a HEAD (RFC 9110, 9.3.2). No operation that needs work is called by HEAD."""
    if isinstance(answer, Later):
        return answer
    response = msgspec.structs.replace(answer.response, body=b"")
    return msgspec.structs.replace(answer, response=response)
