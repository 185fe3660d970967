"""The path of one request. Reading this is reading the security model.

    1 which operation                         routing
    2 who is asking                           identity.authentication.authenticate
    3 what is asked                           wire
    4 a call, at the current epoch            here
    5 may they, and do it                     the operation, which asks `call.authorize`
    6 what happened                           audit.trail
    7 the answer                              wire

All of it happens within one turn of the event loop: steps 1 to 4 of several of its requests, then
5 of one after the other, then 6 and 7 of all of them. The records are written when the turn is
committed, and the answers leave when it is durable (`door.turn`).

INVARIANTS
 (a) Every request that gets here leaves exactly one event, whatever becomes of it; of callers who
     are not known, too many too fast are counted in one event (`unknown_callers`).
 (b) An error leaves no change: whatever a call wrote is undone when anything is raised in it, and
     its answer (7) is written before that is too late.
 (c) Nothing is answered from a call in which nothing was asked, unless the operation is open to
     every caller.
 (d) A caller learns of our own failures only that they happened, and under which request id.
 (e) A call is performed for a caller who was authenticated at the epoch at which it is performed:
     what a request of the same turn revoked before it is revoked for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import Any, Protocol

from keystead.arns import spoken
from keystead.audit.event import Event
from keystead.audit.shown_members import request_parameters, response_elements
from keystead.audit.unknown_callers import UnknownCallers
from keystead.call import Call
from keystead.clock import Clock
from keystead.custody.rows import NotTheNewest, RowIntegrityError
from keystead.errors import (
    AwsError,
    InternalFailure,
    RequestTooLarge,
    ServiceUnavailable,
    without_trace,
)
from keystead.identity.authentication import Authenticated, Authenticator, claimed_key_id
from keystead.policy.evaluation import AccessDenied, ContextValue, Principal, PrincipalPolicies
from keystead.refusals.memory import Refusals
from keystead.registry import Implementation
from keystead.request_keys import global_keys
from keystead.server.pipeline.answer import TEXT, Answer
from keystead.server.pipeline.dialects import Dialect, dialect
from keystead.server.pipeline.exchange import MOST_RECORDED, Opened, event_of, open_request
from keystead.server.pipeline.routing import Route, route
from keystead.server.telemetry import Metrics, logs
from keystead.store.protocol import Store, StoreCorrupt, StoreUnavailable, Transaction
from keystead.wire.http import Endpoint, HttpRequest, HttpResponse
from keystead.wire.models import accessanalyzer, iam, kms
from keystead.wire.operation import Operation

JSON_LIMIT = 200_000  # kms.md 1
QUERY_LIMIT = 256 * 1024  # threat-model section 6
TOGETHER = 32  # requests whose data a processor's caches hold

# What each service calls a failure of its own (iam.md 1.5).
_INTERNAL: Mapping[str, type[AwsError]] = {
    "kms": kms.KMSInternalException,
    "iam": iam.ServiceFailureException,
    "access-analyzer": accessanalyzer.InternalServerException,
}
_INTERNAL_MESSAGE = "The request processing has failed because of an unknown error."


class Trail(Protocol):
    """Where events go; `audit.trail`."""

    def record(self, event: Event) -> None:
        """Remember an event, with the changes of this turn."""

    def abandon(self) -> None:
        """Undo this turn: its changes, and what was remembered of it."""


class OpenCall(Protocol):
    """Makes the call of one service; what does not change from call to call is in it already."""

    def __call__(
        self,
        *,
        operation: Operation[Any, Any],
        event: Event,
        principal: Principal,
        policies: PrincipalPolicies,
        now: datetime,
        epoch: int,
        region: str,
        endpoint: Endpoint,
        transaction: Transaction,
        keys: dict[str, ContextValue],
    ) -> Call:
        """The call."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Answers requests. (connection.Application)"""

    store: Store
    trail: Trail
    authenticator: Authenticator
    calls: Mapping[str, OpenCall]  # by the service's name
    clock: Clock
    metrics: Metrics
    refusals: Refusals
    unknown: UnknownCallers

    def body_limit(self, headers: Mapping[str, str]) -> int:
        """How long may the body be?  Nothing that is served today needs more (HF-7)."""
        return JSON_LIMIT if "x-amz-target" in headers else QUERY_LIMIT

    def refuse_body(self, request: HttpRequest, limit: int) -> Answer:
        """Refuse a body that was not read, in plain text as AWS does (kms.md 1)."""
        text = f"HTTP content length exceeded {limit} bytes."
        where = route(request)
        event = event_of(request, where, self.clock.now())
        _close(event, RequestTooLarge.code, text, perf_counter())
        self.unknown.record(event)
        headers = (*TEXT, ("x-amzn-RequestId", event.request_id))
        response = HttpResponse(RequestTooLarge.status, headers, text.encode())
        speech = dialect(where.service, request)
        return Answer(response, partial(_unavailable, speech, where, event.request_id))

    def answer(self, request: HttpRequest, peer: object = None) -> Answer:
        """Answer one request; never raises."""
        return self.answer_all([(request, peer)], 0.0)[0]

    def changes(self, request: HttpRequest) -> bool:
        """Would this request change anything if it is allowed?"""
        implementation = route(request).implementation
        return implementation is not None and not implementation.operation.read_only

    def answer_all(
        self, asked: Sequence[tuple[HttpRequest, object]], seconds: float
    ) -> list[Answer]:
        """Answer requests, in order, the first at least; raises only what is no request's fault.

        Each comes with the peer of its connection. Nothing here depends on it: what is believed of
        an address is in the request.
        A step is taken for several of them before the next one is: the processor does the same
        thing many times in two thirds of the time that it takes for one request after the other.
        """
        try:
            return self._answer_all(asked, seconds)
        except BaseException:  # a change without its record must not stay (a)
            self.trail.abandon()
            raise

    def _answer_all(
        self, asked: Sequence[tuple[HttpRequest, object]], seconds: float
    ) -> list[Answer]:
        until = perf_counter() + seconds
        answers: list[Answer] = []
        for start in range(0, len(asked), TOGETHER):
            now, started = self.clock.now(), perf_counter()
            together = asked[start : start + TOGETHER]
            opened = [open_request(request, now, started) for request, _ in together]
            for place, one in enumerate(opened, 1):
                self._authenticate(one)
                if perf_counter() > until:
                    del opened[place:]
            for place, one in enumerate(opened, 1):
                if one.raised is None:  # to refuse takes no more time, so who is refused stays
                    self._read(one)
                    if perf_counter() > until:
                        del opened[place:]
            for one in opened:
                self._call(one)
            performed: list[Opened] = []
            for one in opened:
                if performed and one.raised is None and perf_counter() > until:
                    break
                self._perform(one)
                performed.append(one)
            answers += [self._answer(one) for one in performed]
            if perf_counter() > until:
                break
        return answers

    def _read(self, opened: Opened) -> None:
        """What is asked?  Or what is wrong with it; nothing of strangers is read."""
        if opened.raised is not None:
            return
        where, implementation = opened.where, opened.where.implementation
        if where.problem is not None or implementation is None:
            opened.raised = where.refusal()
            return
        operation = implementation.operation
        try:
            opened.asked = asked = opened.speech.read(operation, where, opened.request)  # 3
            opened.event.request_parameters = request_parameters(operation, asked)
        except Exception as raised:  # noqa: BLE001  # (d)
            self._refuse(opened, raised)

    def _call(self, opened: Opened) -> None:
        """The call of this request, at the epoch of its caller."""
        caller, implementation = opened.caller, opened.where.implementation
        if opened.raised is not None or caller is None or implementation is None:
            return
        request, event, operation = opened.request, opened.event, implementation.operation
        now, region = event.time, event.region
        try:
            view: Any = self.store.read()  # which cannot change anything, even by mistake
            opened.call = self.calls[operation.service.name](  # 4
                operation=operation,
                event=event,
                principal=caller.principal,
                policies=caller.policies,
                now=now,
                epoch=opened.epoch,
                region=region,
                endpoint=request.endpoint,
                transaction=view,
                keys=global_keys(request, now, region, caller.keys),
            )
        except Exception as raised:  # noqa: BLE001  # (d)
            self._refuse(opened, raised)

    def _perform(self, opened: Opened) -> None:
        """Step 5, and for a call that changes something 7."""
        if opened.epoch != self.store.epoch:  # (e)
            self._authenticate(opened)
            self._read(opened)
            self._call(opened)
        call, implementation = opened.call, opened.where.implementation
        if opened.raised is not None or call is None or implementation is None:
            return
        try:
            if implementation.operation.read_only:
                opened.given = _given(call, implementation, opened.asked)
            else:
                with self.store.write() as call.transaction:
                    opened.given = _given(call, implementation, opened.asked)
                    opened.response = self._response(opened, implementation)  # (b)
        except Exception as raised:  # noqa: BLE001  # (d)
            self._refuse(opened, raised)

    def _response(self, opened: Opened, implementation: Implementation) -> HttpResponse:
        """The response that carries what the operation gave."""
        operation, event, given = implementation.operation, opened.event, opened.given
        event.response_elements = response_elements(operation, given)
        return opened.speech.answer(operation, given, event.request_id)  # 7

    def _answer(self, opened: Opened) -> Answer:
        """Steps 6 and 7; never raises."""
        where, event, implementation = opened.where, opened.event, opened.where.implementation
        response = opened.response
        if response is None and opened.raised is None and implementation is not None:
            try:
                response = self._response(opened, implementation)
            except Exception as raised:  # noqa: BLE001  # (d)
                self._refuse(opened, raised)
        if response is None or opened.raised is not None:
            response = self._refused(opened)
        else:
            _close(event, "", "", opened.started)
            self.trail.record(event)  # 6
        self.metrics.call(
            where.service.name,
            where.name if implementation else "",
            event.error_code,
            event.duration_us / 1e6,
        )
        return Answer(response, partial(_unavailable, opened.speech, where, event.request_id))

    def _refuse(self, opened: Opened, raised: Exception) -> None:
        """A request goes no further: keep what its caller is told, and nothing of the way there."""
        opened.raised = without_trace(self._as_aws_error(raised, opened.where, opened.event))

    def _refused(self, opened: Opened) -> HttpResponse:
        """The response to a call in which something was raised, and its record."""
        where, speech, event = opened.where, opened.speech, opened.event
        error = opened.raised or self._as_aws_error(RuntimeError("nothing was given"), where, event)
        event.response_elements = None
        if event.principal is None:
            event.access_key_id = claimed_key_id(opened.request)
            event.request_parameters = None
        _close(event, speech.code(error), error.recorded or "", opened.started)
        response = speech.refuse(where.service, error, event.request_id)  # 7
        if isinstance(error, AccessDenied):
            if any(decision.over_budget for decision in event.decisions):
                self.metrics.alarm("policy budget")
                logs.alarm("a decision would take too long", request_id=event.request_id)
            response = self.refusals.remember(error, event, response)
        (self.unknown if event.principal is None else self.trail).record(event)  # 6
        return response

    def _authenticate(self, opened: Opened) -> None:
        """Who is asking, at this epoch?  Or why nobody is."""
        event = opened.event
        opened.epoch = self.store.epoch
        opened.caller = opened.raised = event.principal = None
        event.session = {}
        event.access_key_id = event.region = ""
        try:
            opened.caller = self._caller(opened.where, opened.request, event)
        except Exception as raised:  # noqa: BLE001  # (d)
            self._refuse(opened, raised)

    def _caller(self, where: Route, request: HttpRequest, event: Event) -> Authenticated:
        """Also of what nobody serves: the refusal is for whom we know."""
        if self.clock.is_behind(event.time):  # TM-2
            self.metrics.alarm("clock")
            raise ServiceUnavailable("The clock of the server is behind.")
        if not where.service.name:
            raise where.refusal()
        store = self.store
        caller = self.authenticator.authenticate(
            store.read(),
            store.epoch,
            request,
            where.service,
            event.time,
            operation=where.name,
        )
        event.principal = caller.principal
        event.access_key_id = caller.access_key_id
        event.session = caller.session
        # IAM has one place, whatever Region its callers sign for.
        event.region = spoken().global_region if where.service.name == "iam" else caller.region
        return caller

    def _as_aws_error(self, raised: Exception, where: Route, event: Event) -> AwsError:
        """What the caller gets for an exception. (d)"""
        if isinstance(raised, AwsError):
            return raised
        if isinstance(raised, (StoreUnavailable, StoreCorrupt)):
            self.metrics.alarm("store")
            logs.outage("the store is unavailable", raised, request_id=event.request_id)
            return ServiceUnavailable()
        if isinstance(raised, RowIntegrityError):
            # Someone changed the database: what depends on the row is refused (RK-4).
            self.metrics.alarm("integrity")
            old = isinstance(raised, NotTheNewest)
            logs.alarm(
                "stored rows are not the newest: nothing of their account is served"
                if old
                else "a stored row fails its authentication",
                raised,
                request_id=event.request_id,
                table=raised.table,
            )
        else:
            self.metrics.alarm("internal failure")
            logs.alarm(
                "a call failed",
                raised,
                request_id=event.request_id,
                service=where.service.name,
                operation=where.name,
            )
        return _INTERNAL.get(where.service.name, InternalFailure)(_INTERNAL_MESSAGE)


def _given(call: Call, implementation: Implementation, asked: Any) -> Any:
    """What the operation gives."""
    given = implementation.function(call, asked)  # 5
    if not (call.asked or implementation.open_to_all):  # (c)
        raise RuntimeError(f"{implementation.operation.name} answered without asking")
    return given


def _close(event: Event, code: str, message: str, started: float) -> None:
    """How it ended."""
    event.error_code = code
    event.error_message = message[:MOST_RECORDED]
    event.duration_us = int((perf_counter() - started) * 1e6)


def _unavailable(speech: Dialect, where: Route, request_id: str) -> HttpResponse:
    """The answer of a call whose turn could not be made durable."""
    return speech.refuse(where.service, ServiceUnavailable(), request_id)
