"""One request on its way through the pipeline: each stage that it reaches is a type of its own.

    Arrived    its operation is known
    Known      its caller is known
    Asked      its input is known
    Ready      a call is open for it
    Working    work must be done for it: it will arrive again, with the outcome
    Answered   its operation was performed, and the response is written
    Refused    it goes no further; any stage may end so

A stage has the facts that the stages before it found. No field is empty because one of them was not
reached.

INVARIANT: a Refused holds its error without a traceback (`errors.without_trace`). The frames of a
traceback hold the request again, with its body. Such a cycle would stay until the next collection,
or for ever.
"""

from binascii import hexlify
from collections.abc import Callable
from datetime import datetime
from itertools import chain, repeat
from os import urandom
from struct import Struct
from typing import Any, Protocol, final

import msgspec

from keystead.audit.records import Event
from keystead.call import Call
from keystead.errors import AwsError
from keystead.identity.authentication import Authenticated
from keystead.identity.sessions import Session
from keystead.network import Entrance
from keystead.policy.evaluation import ContextValue, Principal, PrincipalPolicies
from keystead.registry import Implementation
from keystead.server.pipeline.dialects import Dialect, dialect
from keystead.server.pipeline.failures import unavailable
from keystead.server.pipeline.routing import Route, in_full, route
from keystead.store.protocol import Reader, Transaction
from keystead.wire.http import Endpoint, HttpRequest, HttpResponse
from keystead.wire.operation import Operation, Service
from keystead.work import Done, Outcome, Spare, Work

_PARTS = Struct("8s4sx3sx3s12s").iter_unpack  # of 32 digits; two are the same in all
_ID = Struct("8ss4s2s3s2s3ss12s").pack

MOST_RECORDED = 1024  # characters of a text that a record takes from outside, as CloudTrail's


class Arrived(msgspec.Struct):
    """A request that arrived, and its route; its event is filled on the way."""

    request: HttpRequest
    where: Route
    speech: Dialect
    event: Event
    started: float
    outcomes: tuple[Outcome, ...] = ()  # of the work that its operation left when it ran before
    waited: int = 0  # how often it waited for something that was not prepared
    prepared: tuple[Done[Any], ...] = ()  # what was made for it then
    counted: bool = False  # against the quotas of its caller's account
    works_for: str = ""  # the party for whose work it was done; "": it needed none

    @property
    def arrived(self) -> "Arrived":
        """Itself, as every later stage names it."""
        return self

    @property
    def changes(self) -> bool:
        """Would it change anything if it is allowed?"""
        implementation = self.where.implementation
        return implementation is not None and not implementation.operation.read_only

    def unavailable(self) -> HttpResponse:
        """Its answer if its turn cannot be made durable."""
        return unavailable(self.speech, self.where, self.event.request_id)

    def read_in_full(self) -> None:
        """Read the rest of a long form: its caller is known."""
        self.where = in_full(self.request, self.where)
        implementation = self.where.implementation
        self.event.name = self.where.name
        self.event.read_only = implementation is not None and implementation.operation.read_only

    def go_nowhere(self, where: Route) -> None:
        """Take this route, which leads to no operation, in the place of the one that was asked.

        The refusal is in the protocol of the request, so that its caller can read it.
        """
        self.where = where
        self.begin_again()

    def begin_again(self) -> None:
        """Make its event anew, without the facts that were found since it arrived."""
        event = self.event
        self.event = event_of(self.request, self.where, event.time, event.request_id)

    def with_outcome(self, outcome: Outcome, party: str) -> "Arrived":
        """The same request, to be performed from its first step, with the outcome of its work."""
        return self._again(outcomes=(*self.outcomes, outcome), works_for=party)

    def with_prepared(self, outcome: Outcome) -> "Arrived":
        """The same request, to be performed from its first step, with what was missing.

        If that could not be made, the request will try to make it itself at last, and fail as ever.
        """
        more = (outcome,) if isinstance(outcome, Done) else ()
        return self._again(waited=self.waited + 1, prepared=(*self.prepared, *more))

    def _again(self, **changes: Any) -> "Arrived":
        old = self.event
        event = event_of(self.request, self.where, old.time, old.request_id)
        return msgspec.structs.replace(self, event=event, **changes)


class Known(msgspec.Struct, frozen=True):
    """The caller of a request is known, as of a state of the store."""

    arrived: Arrived
    caller: Authenticated
    state: int
    entrance: Entrance | None = None  # the endpoint through which the request came


class Asked(msgspec.Struct, frozen=True):
    """The input of a request is known."""

    arrived: Arrived
    known: Known
    implementation: Implementation
    input: Any  # of the operation


class Ready(msgspec.Struct, frozen=True):
    """A call is open for the caller of a request."""

    arrived: Arrived
    asked: Asked
    call: Call


class Working(msgspec.Struct, frozen=True):
    """Work must be done before an operation can answer: its own, or what it needs is missing."""

    arrived: Arrived
    work: Work[Any]
    owner: str  # the owner whose turn it takes
    prepares: bool = False  # something that was missing


class Answered(msgspec.Struct, frozen=True):
    """The response is written."""

    arrived: Arrived
    response: HttpResponse


@final
class Refused(msgspec.Struct, frozen=True):
    """A request goes no further. Its caller is told `error`."""

    arrived: Arrived
    error: AwsError


class Verifier(Protocol):
    """Finds out who sent a request: on the listeners of the API, `Authenticator`."""

    def authenticate(
        self,
        reader: Reader,
        request: HttpRequest,
        service: Service,
        now: datetime,
        *,
        operation: str = "",
    ) -> Authenticated:
        """The verified caller of a request; raises an AwsError."""

    def nobody(self) -> Authenticated:
        """The caller of a request without credentials."""

    def usable_key(self, reader: Reader, request: HttpRequest, now: datetime) -> str:
        """The access key that a request claims, if it could authenticate now; else ""."""


class OpenCall(Protocol):
    """Makes the calls of one service; it holds the values that all calls share."""

    def __call__(
        self,
        *,
        operation: Operation[Any, Any],
        rules: Any,  # the row, of the service's own type
        event: Event,
        principal: Principal,
        policies: PrincipalPolicies,
        now: datetime,
        region: str,
        endpoint: Endpoint,
        transaction: Transaction,
        keys: dict[str, ContextValue],
        session: Session | None,
        spare: Spare,
    ) -> Call:
        """The call."""


def arrive(request: HttpRequest, now: datetime, started: float, request_id: str) -> Arrived:
    """A request that arrived at this time, with its route."""
    where = route(request)  # 1
    event = event_of(request, where, now, request_id)
    return Arrived(request, where, dialect(where.service, request), event, started)


def arrived_from(
    request: HttpRequest, where: Route, speech: Dialect, now: datetime, started: float
) -> Arrived:
    """A request of a page: its operation is known, and `speech` has its input as a value."""
    return Arrived(request, where, speech, event_of(request, where, now, new_request_id()), started)


def event_of(request: HttpRequest, where: Route, now: datetime, request_id: str) -> Event:
    """The event of a request, with the facts that are known before authentication."""
    headers, endpoint, implementation = request.headers, request.endpoint, where.implementation
    return Event(
        request_id,
        now,
        where.service.event_source,
        where.name,
        "",  # the Region, before authentication
        request.source_ip,
        headers.get("user-agent", "")[:MOST_RECORDED],
        endpoint.name,
        endpoint.vpce_id,
        request.secure,
        "",  # the version of TLS, which the listener does not tell
        "",  # its cipher suite
        headers.get("host", "")[:MOST_RECORDED] if request.secure else "",
        where.service.event_type,
        implementation is not None and implementation.operation.read_only,
    )


def request_ids(number: int) -> list[str]:
    """So many random UUIDs (version 4), as AWS writes its request ids.

    The bytes come from one system call.
    """
    return [
        _ID(first, b"-", second, b"-4", third, b"-a", fourth, b"-", fifth).decode()
        for first, second, third, fourth, fifth in _PARTS(hexlify(urandom(16 * number)))
    ]


new_request_id: Callable[[], str] = chain.from_iterable(map(request_ids, repeat(32))).__next__
"""The next id of a request. They are made 32 at a time: a call of its own for each costs 3 µs."""
