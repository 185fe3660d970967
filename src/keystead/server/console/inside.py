"""How does a page call an operation?  Within this process, as a request of the next turn.

The answer reaches the page when the turn is durable, like every other. A turn that is lost gives
`ServiceUnavailable`. The answer stays a value. The input of one of AWS's operations is read like
that of an SDK, so the limits of its model hold: what a page passes on, somebody typed.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from time import perf_counter
from typing import Any, Protocol, TypeVar, cast

import msgspec

from keystead.errors import AwsError, ServiceUnavailable, without_trace
from keystead.identity.signin import IMPLEMENTATIONS, federated_shapes, shapes
from keystead.registry import Implementation, implementation
from keystead.server.console import tokens
from keystead.server.door import Asked, Rank, Turn, text
from keystead.server.pipeline import (
    Again,
    Answer,
    Arrived,
    Dialect,
    Later,
    Route,
    arrived_from,
)
from keystead.wire import awsjson
from keystead.wire.http import HttpRequest, HttpResponse
from keystead.wire.operation import Operation, Service

In = TypeVar("In")
Out = TypeVar("Out")

_WRITTEN = text(200, "the answer is a value")


class Answering(Protocol):
    """Answers requests that have arrived; `pipeline.Pipeline`."""

    def answer_all(
        self, requests: Sequence[HttpRequest | Again], seconds: float, *, spare: float = 0.0
    ) -> list[Answer | Later]:
        """The answers to the first of these, in order."""


class Inside:
    """Calls operations for the visitors of pages. (console.Calls)"""

    def __init__(self, pipeline: Answering, turn: Turn, now: Callable[[], datetime]) -> None:
        self._application = _Application(pipeline)
        self._now = now
        self._turn = turn

    async def call(self, visit: HttpRequest, operation: Operation[In, Out], asked: In) -> Out:
        """The answer of an operation, for the person who sent this request."""
        served = _served(operation)
        spoken = _Spoken(asked)
        where = Route(operation.service, operation.name, served)
        arrived = arrived_from(visit, where, spoken.dialect(), self._now(), perf_counter())
        await self._answered(visit.source_ip, arrived)
        if spoken.error is not None:
            raise without_trace(spoken.taken_error())
        return cast("Out", spoken.output)

    async def pass_on(self, request: HttpRequest) -> HttpResponse:
        """The answer to a program that came to the pages' listener."""
        heard = _Heard()
        arrived = tokens.arrived(request, self._now(), heard.dialect())
        await self._answered(request.source_ip, arrived)
        if heard.response is None:
            raise ServiceUnavailable
        return heard.response

    async def _answered(self, peer_host: str, arrived: Arrived) -> None:
        """Wait until a later turn has answered, and is durable."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._turn.ask_again(_Page(peer_host, done), self._application, arrived)
        if not await done:
            raise ServiceUnavailable


class _Heard:
    """The written answer to a program, which a page passes on."""

    def __init__(self) -> None:
        self.response: HttpResponse | None = None

    def dialect(self) -> Dialect:
        """What hears it. It is not kept here, as it holds this."""
        speaks = tokens.DIALECT
        return Dialect(
            speaks.read,
            lambda operation, output, at: self._keep(speaks.answer(operation, output, at)),
            lambda service, error, at: self._keep(speaks.refuse(service, error, at)),
            speaks.code,
        )

    def _keep(self, response: HttpResponse) -> HttpResponse:
        self.response = response
        return response


def _served(operation: Operation[Any, Any]) -> Implementation:
    if operation.service is shapes.SERVICE:
        return IMPLEMENTATIONS[operation.name]
    served = implementation(operation.service.name, operation.name)
    if served is None:
        raise RuntimeError(f"{operation.name} is not served")
    return served


class _Application:
    """The pipeline as a turn asks it; each has its own requests."""

    def __init__(self, pipeline: Answering) -> None:
        self._pipeline = pipeline

    def answer_all(
        self, asked: Sequence[Asked], seconds: float, *, spare: float = 0.0
    ) -> list[Answer | Later]:
        again = [each for each in asked if not isinstance(each, tuple)]
        return self._pipeline.answer_all(again, seconds, spare=spare)

    def changes(self, _: HttpRequest) -> bool:  # as a turn asks it
        """No request of a page is dropped: its page waits for it."""
        return True


class _Spoken:
    """The input and the answer of one call, which are not written."""

    def __init__(self, asked: object) -> None:
        self._asked = asked
        self.output: object = None
        self.error: AwsError | None = None

    def dialect(self) -> Dialect:
        """What is spoken. It is not kept here, as it holds this."""
        return Dialect(self._read, self._answer, self._refuse, lambda error: error.code)

    def taken_error(self) -> AwsError:
        """The refusal, kept here no more: once raised, it holds the frames that hold this."""
        error, self.error = self.error, None
        if error is None:
            raise RuntimeError("the call was not refused")
        return error

    def _read(self, operation: Operation[Any, Any], _: Route, __: HttpRequest) -> Any:
        if operation.service is shapes.SERVICE:
            return self._asked
        return awsjson.read(operation, msgspec.json.encode(self._asked))

    def _answer(self, _: Operation[Any, Any], output: Any, __: str) -> HttpResponse:
        self.output = output
        return _WRITTEN

    def _refuse(self, _: Service, error: AwsError, request_id: str) -> HttpResponse:
        if isinstance(error, federated_shapes.NotVouchedFor):
            error.request_id = request_id
        self.error = error
        return _WRITTEN


class _Page:
    """A page that waits for an answer. (turn.Receiver)"""

    def __init__(self, peer_host: str, done: "asyncio.Future[bool]") -> None:
        self.peer_host = peer_host
        self.rank = Rank.MODEST
        self.works_for = ""
        self.gone = False
        self._done = done

    def advance(self) -> None:
        """It has sent its request already."""

    def listen(self) -> None:
        """It sends nothing more."""

    def abort(self) -> None:
        if not self._done.done():
            self._done.set_result(False)

    def deliver(self, response: bytes, *, last: bool) -> None:  # noqa: ARG002  # the answer is a value
        if not self._done.done():
            self._done.set_result(True)
