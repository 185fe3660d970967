"""The path of one request. Reading this is reading the security model.

    1 which operation                         routing
    2 who is asking                           identity.authenticate
    3 what is asked                           wire
    4 a call, at the current epoch            here
    5 may they, and do it                     the operation, which asks `call.authorize`
    6 what happened                           audit.trail
    7 the answer                              wire

All of it happens within one turn of the event loop; the answer leaves when the turn is durable
(`outbox`).

INVARIANTS
 (a) Every request that gets here leaves exactly one event, whatever becomes of it.
 (b) An error leaves no change: whatever a call wrote is undone when anything is raised in it, the
     writing of its answer included.
 (c) Nothing is answered from a call in which nothing was asked, unless the operation is open to
     every caller.
 (d) A caller learns of our own failures only that they happened, and under which request id.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from os import urandom
from time import perf_counter
from typing import Any, Protocol

from keystead.audit.event import Event
from keystead.call import Call
from keystead.custody.rows import RowIntegrityError
from keystead.errors import (
    AwsError,
    InternalFailure,
    RequestTooLarge,
    ServiceUnavailable,
    UnknownOperationException,
)
from keystead.identity.authenticate import Authenticated, Authenticator
from keystead.policy.context import ContextValue, Principal, PrincipalPolicies
from keystead.server import logs
from keystead.server.answers import TEXT, Answer
from keystead.server.clock import Clock
from keystead.server.facts import GLOBAL_REGION, global_keys
from keystead.server.framing import Head
from keystead.server.metrics import Metrics
from keystead.server.peers import Peer
from keystead.server.protocols import Dialect, dialect
from keystead.server.recording import request_parameters, response_elements
from keystead.server.routing import Route, route
from keystead.store.protocol import Store, StoreCorrupt, StoreUnavailable, Transaction
from keystead.wire.http import Endpoint, HttpRequest, HttpResponse
from keystead.wire.models import iam, kms
from keystead.wire.operation import Operation

JSON_LIMIT = 200_000  # kms.md 1
QUERY_LIMIT = 256 * 1024  # threat-model section 6

# What each service calls a failure of its own (iam.md 1.5).
_INTERNAL: Mapping[str, type[AwsError]] = {
    "kms": kms.KMSInternalException,
    "iam": iam.ServiceFailureException,
}
_INTERNAL_MESSAGE = "The request processing has failed because of an unknown error."


class Trail(Protocol):
    """Where events go; `audit.trail`."""

    def record(self, event: Event) -> None:
        """Remember an event, with the changes of this turn."""


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
        keys: Mapping[str, ContextValue],
    ) -> Call:
        """The call."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Answers requests. (door.Application)"""

    store: Store
    trail: Trail
    authenticator: Authenticator
    calls: Mapping[str, OpenCall]  # by the service's name
    clock: Clock
    metrics: Metrics

    def body_limit(self, head: Head) -> int:
        """How long may the body be?  Nothing that is served today needs more (HF-7)."""
        return JSON_LIMIT if "x-amz-target" in head.headers else QUERY_LIMIT

    def refuse_body(self, request: HttpRequest, limit: int) -> Answer:
        """Refuse a body that was not read, in plain text as AWS does (kms.md 1)."""
        text = f"HTTP content length exceeded {limit} bytes."
        where = route(request)
        event = _event(request, where, self.clock.now())
        _close(event, RequestTooLarge.code, text, perf_counter())
        self.trail.record(event)
        headers = (*TEXT, ("x-amzn-RequestId", event.request_id))
        response = HttpResponse(RequestTooLarge.status, headers, text.encode())
        speech = dialect(where.service, request)
        return Answer(response, partial(_unavailable, speech, where, event.request_id))

    def answer(self, request: HttpRequest, peer: Peer) -> Answer:  # noqa: ARG002  # (door)
        """Answer a request; never raises."""
        started = perf_counter()
        where = route(request)  # 1
        event = _event(request, where, self.clock.now())
        speech = dialect(where.service, request)
        try:
            response = self._perform(where, speech, request, event, started)
        except Exception as raised:  # noqa: BLE001  # (d)
            error = self._as_aws_error(raised, where, event)
            event.response_elements = None
            _close(event, speech.code(error), error.message or "", started)
            response = speech.refuse(where.service, error, event.request_id)  # 7
            self.trail.record(event)  # 6
        self.metrics.call(
            where.service.name,
            where.name if where.implementation else "",
            event.error_code,
            event.duration_us / 1e6,
        )
        return Answer(response, partial(_unavailable, speech, where, event.request_id))

    def _perform(
        self, where: Route, speech: Dialect, request: HttpRequest, event: Event, started: float
    ) -> HttpResponse:
        """Steps 2 to 7 of a call that succeeds.

        Writing the answer and the event are inside of the transaction: a call of which either
        fails has changed nothing. (b)
        """
        caller = self._authenticate(where, request, event)  # 2
        implementation = where.implementation
        if where.problem is not None or implementation is None:
            raise where.problem or UnknownOperationException()
        operation = implementation.operation
        asked = speech.read(operation, where, request)  # 3
        event.request_parameters = request_parameters(operation, asked)
        store = self.store
        # A reading call gets a view: it cannot change anything, even by mistake.
        view: Any = nullcontext(store.read()) if operation.read_only else store.write()
        with view as transaction:
            call = self.calls[operation.service.name](  # 4
                operation=operation,
                event=event,
                principal=caller.principal,
                policies=caller.policies,
                now=event.time,
                epoch=store.epoch,
                region=event.region,
                endpoint=request.endpoint,
                transaction=transaction,
                keys=global_keys(request, event.time, event.region, caller.keys),
            )
            given = implementation.function(call, asked)  # 5
            if not (call.asked or implementation.open_to_all):  # (c)
                raise RuntimeError(f"{operation.name} answered without asking")
            event.response_elements = response_elements(operation, given)
            response = speech.answer(operation, given, event.request_id)  # 7
            _close(event, "", "", started)
            self.trail.record(event)  # 6
            return response

    def _authenticate(self, where: Route, request: HttpRequest, event: Event) -> Authenticated:
        """Who is asking?  Also of what nobody serves: the refusal is for whom we know."""
        if self.clock.is_behind(event.time):  # TM-2
            self.metrics.alarm("clock")
            raise ServiceUnavailable("The clock of the server is behind.")
        if not where.service.name:
            raise where.problem or UnknownOperationException()
        store = self.store
        caller = self.authenticator.authenticate(
            store.read(), store.epoch, request, where.service, event.time
        )
        event.principal = caller.principal
        event.access_key_id = caller.access_key_id
        event.session = caller.session
        # IAM has one place, whatever Region its callers sign for.
        event.region = GLOBAL_REGION if where.service.name == "iam" else caller.region
        return caller

    def _as_aws_error(self, raised: Exception, where: Route, event: Event) -> AwsError:
        """What the caller gets for an exception. (d)"""
        if isinstance(raised, AwsError):
            return raised
        if isinstance(raised, (StoreUnavailable, StoreCorrupt)):
            self.metrics.alarm("store")
            logs.alarm("the store is unavailable", raised, request_id=event.request_id)
            return ServiceUnavailable()
        if isinstance(raised, RowIntegrityError):
            # Someone changed the database: what depends on the row is refused (RK-4).
            self.metrics.alarm("integrity")
            logs.alarm(
                "a stored row fails its authentication",
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


def _event(request: HttpRequest, where: Route, now: datetime) -> Event:
    """The event of a request, with what is known before anyone is authenticated."""
    headers = request.headers
    endpoint = request.endpoint
    return Event(
        request_id=new_request_id(),
        time=now,
        source=where.service.event_source,
        name=where.name,
        source_ip=request.source_ip,
        user_agent=headers.get("user-agent", ""),
        endpoint=endpoint.name,
        vpce_id=endpoint.vpce_id,
        secure=request.secure,
        host=headers.get("host", ""),
        read_only=where.implementation is not None and where.implementation.operation.read_only,
    )


def _close(event: Event, code: str, message: str, started: float) -> None:
    """How it ended."""
    event.error_code = code
    event.error_message = message
    event.duration_us = int((perf_counter() - started) * 1e6)


def _unavailable(speech: Dialect, where: Route, request_id: str) -> HttpResponse:
    """The answer of a call whose turn could not be made durable."""
    return speech.refuse(where.service, ServiceUnavailable(), request_id)


def new_request_id() -> str:
    """A random UUID (version 4), as AWS writes its request ids."""
    digits = urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
