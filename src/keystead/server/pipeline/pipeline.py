"""The path of one request. Reading this is reading the security model.

    1 which operation                Arrived    routing
    2 which caller                   Known      identity.authentication.authenticate
    3 which input                    Asked      wire
    4 a call for this caller         Ready      here
      within the quotas              Ready      throttle
    5 may they, and do it                       the operation, which asks `call.authorize`
      or the work that it needs      Working    lane; the request arrives again, with its outcome
    6 the record                                audit.trail
    7 the answer                     Answered   wire

Each step takes a request from one type (`exchange`) to the next. An exception in a step makes the
request Refused: it skips the steps that follow, and its refusal is recorded and answered.

All of this happens within one turn of the event loop. Several of its requests take steps 1 to 4
together, then 5 and 7 one after the other, then 6 together. The records are written when the turn
is committed, and the answers leave when it is durable (`door.turn`).

An operation that needs more time leaves work (`work`). The work begins when the turn is durable.
Afterwards the request arrives again in a later turn, and takes every step again. Only that run
answers and is recorded (decision 0021). Changes that the first run wrote stay.

In any step the compiled form of a long document may be missing. Then the run is undone, and begins
again when that is made (`work.Preparations`, decision 0027).

INVARIANTS
 (a) Every request that gets here leaves exactly one event, in any case. One that acts in another
     Region as well leaves one there if it is performed. Refusals of unknown callers, and of
     accounts above a quota, that come too fast are counted in one event (`counted`).
 (b) An error leaves no change: if anything is raised in a call, its changes are undone. Its answer
     (7) is written while they still can be.
 (c) A call in which nothing was asked is not answered, unless the row of the operation says that
     it asks nothing (`rules`).
 (d) Of our own failures a caller learns only that they happened, and the request id.
 (e) A call is performed only if nothing about its caller has changed since the authentication. A
     request that waits for its turn is a cached view too, and the same names invalidate it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import Any, Protocol, TypeVar

from keystead.arns import spoken
from keystead.audit.event import HIGH, Event
from keystead.audit.shown_members import request_parameters, response_elements, without_long
from keystead.audit.throttled_calls import ThrottledCalls
from keystead.audit.unknown_callers import UnknownCallers
from keystead.call import Call
from keystead.clock import Clock
from keystead.custody.rows import RowIntegrityError
from keystead.errors import AwsError, RequestTooLarge, ServiceUnavailable, without_trace
from keystead.identity.authentication import Authenticator, claimed_key_id, require_taken
from keystead.identity.sessions import Session
from keystead.policy.evaluation import (
    AccessDenied,
    ContextValue,
    Principal,
    PrincipalPolicies,
    PrincipalType,
)
from keystead.refusals.memory import Refusals
from keystead.request_keys import global_keys
from keystead.rules import Rules, Severity
from keystead.server.lane import Lane
from keystead.server.pipeline import bodies
from keystead.server.pipeline.answer import TEXT, Answer
from keystead.server.pipeline.dialects import Dialect, dialect
from keystead.server.pipeline.exchange import (
    MOST_RECORDED,
    Answered,
    Arrived,
    Asked,
    Known,
    Ready,
    Refused,
    Working,
    arrive,
    event_of,
    new_request_id,
)
from keystead.server.pipeline.failures import QuotaExceeded, as_aws_error, throttled
from keystead.server.pipeline.later import Again, Later
from keystead.server.pipeline.open_operations import require_open
from keystead.server.pipeline.owners import network_of, owner_of
from keystead.server.pipeline.routing import FORMS, Route, route
from keystead.server.pipeline.throttle import Throttle
from keystead.server.telemetry import Metrics, logs
from keystead.store.protocol import Store, StoreCorrupt, StoreUnavailable, Transaction
from keystead.wire.http import Endpoint, HttpRequest, HttpResponse
from keystead.wire.operation import Operation
from keystead.work import Preparations, Spare, Unprepared, Work

MOST_WORKS = 2  # pieces of work that one request may leave
MOST_WAITS = 16  # for what is missing; a request that waited so often makes the rest in its turn
TOGETHER = 32  # requests; a processor's caches hold the data of so many
FEW = 4  # requests that begin with a change; if time runs out, their first steps are repeated

_ENDED = (Refused, Later)

S = TypeVar("S", bound="Stage")
T = TypeVar("T")


class Stage(Protocol):
    """A request on its way."""

    @property
    def arrived(self) -> Arrived:
        """The request as it came."""


class Trail(Protocol):
    """Takes the events; `audit.trail`."""

    def record(self, event: Event) -> None:
        """Remember an event, with the changes of this turn."""

    def abandon(self) -> None:
        """Undo this turn: its changes and its events."""


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
    ) -> Call:
        """The call."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Answers requests. (connection.Application)"""

    store: Store
    trail: Trail
    authenticator: Authenticator
    calls: Mapping[str, OpenCall]  # by the service's name
    rules: Mapping[str, Mapping[str, Rules]]  # the rows of each service
    clock: Clock
    metrics: Metrics
    refusals: Refusals
    unknown: UnknownCallers
    throttled: ThrottledCalls
    throttle: Throttle
    strangers: Throttle  # of the operations that are open without a signature, by network
    lane: Lane
    preparations: Preparations

    body_limit = staticmethod(bodies.limit)
    """The most bytes that a body may have, but for those that `long_body` admits (HF-7)."""

    def long_body(self, request: HttpRequest, length: int) -> str:
        """The access key for which a longer body of this request may be read; "" for none.

        The body is not there yet, so nothing is verified: only a key that could authenticate now
        opens the way (HF-7).
        """
        if not bodies.could_be_long(request, length):
            return ""
        try:
            return self.authenticator.usable_key(self.store.read(), request, self.clock.now())
        except (StoreUnavailable, StoreCorrupt, RowIntegrityError):
            return ""

    def refuse_body(self, request: HttpRequest, limit: int) -> Answer:
        """Refuse a body that was not read."""
        error = RequestTooLarge(bodies.too_long(limit))
        return self._refuse_unread(request, route(request), error)

    def refuse_busy(self, request: HttpRequest) -> Answer:
        """Refuse a long body because others are being read; SDKs try again."""
        where = route(request)
        return self._refuse_unread(request, where, throttled(where))

    def _refuse_unread(self, request: HttpRequest, where: Route, error: AwsError) -> Answer:
        """Refuse a request whose body was not read, and record it."""
        event = event_of(request, where, self.clock.now(), new_request_id())
        _end(event, error.code, error.message or "", perf_counter())
        self.unknown.record(event)
        speech = dialect(where.service, request)
        if isinstance(error, RequestTooLarge) and where.service.protocol not in FORMS:
            # In plain text, as AWS does it (kms.md 1). SDKs can read no plain text for XML.
            headers = (*TEXT, ("x-amzn-RequestId", event.request_id))
            response = HttpResponse(error.status, headers, (error.message or "").encode())
        else:
            response = speech.refuse(where.service, error, event.request_id)
        return Answer(response, partial(_unavailable, speech, where, event.request_id))

    def answer(self, request: HttpRequest) -> Answer:
        """Answer one request that needs no work."""
        [answer] = self.answer_all([request], 0.0)
        if isinstance(answer, Later):
            raise TypeError("this request needs work: it is answered by `answer_all`")
        return answer

    def changes(self, request: HttpRequest) -> bool:
        """Would this request change anything if it is allowed?"""
        implementation = route(request).implementation
        return implementation is not None and not implementation.operation.read_only

    def answer_all(
        self, requests: Sequence[HttpRequest | Again], seconds: float, *, spare: float = 0.0
    ) -> list[Answer | Later]:
        """Answer requests in order, at least the first. Raises only if no request is at fault.

        Several requests take a step together, before the next step. The processor does that in two
        thirds of the time that it would need for one request after the other. Work of `spare`
        seconds is not handed over, but done at once.
        """
        try:
            return self._answer_all(requests, perf_counter() + seconds, Spare(spare))
        except BaseException:  # a change without its record must not stay (a)
            self.lane.abandon()
            self.trail.abandon()
            raise
        finally:
            self.preparations.end()

    def _answer_all(
        self, requests: Sequence[HttpRequest | Again], until: float, spare: Spare
    ) -> list[Answer | Later]:
        answers: list[Answer | Later] = []
        first = 0
        while first < len(requests) and not (answers and perf_counter() > until):
            arrived = self._arrive(requests, first, until)  # 1
            some = requests[first : first + len(arrived)]
            first += len(arrived)
            self._begin([each for each in some if isinstance(each, Arrived)])
            known = self._each(self._who, arrived, until)  # 2
            ready = self._each(self._ready, known, until)  # 3, 4
            for each in ready if spare.seconds else ():
                if isinstance(each, Ready):
                    each.call.spare = spare
            answered = self._each(self._perform, ready, until)  # 5, 7
            answers += [self._close(each) for each in answered]  # 6
        return answers

    def _begin(self, again: Sequence[Arrived]) -> None:
        """Requests are performed; these of them run again, with what was made for them."""
        if not again:
            self.preparations.begin((), may_wait=True)
            return
        in_hand = (done for each in again for done in each.prepared)
        may_wait = all(each.waited < MOST_WAITS for each in again)
        self.preparations.begin(in_hand, may_wait=may_wait)

    def _arrive(
        self, requests: Sequence[HttpRequest | Again], first: int, until: float
    ) -> list[Again]:
        """The next requests that take a step together. Few if the first of them is a change.

        One that may wait no more is alone: all of a step may wait, or none (`_begin`).

        A form is read to find its operation, and may be long: so more than one only as time allows.
        Most of a change's time is step 5. When a turn has no more time for that, the requests wait
        for another turn, and take the steps before it again.
        """
        now, started = self.clock.now(), perf_counter()
        self.throttle.tick()
        lead = requests[first]
        if isinstance(lead, HttpRequest):
            lead = arrive(lead, now, started)
        if lead.arrived.waited >= MOST_WAITS:
            return [lead]
        more = requests[first + 1 : first + (FEW if lead.arrived.changes else TOGETHER)]
        taken = [lead]
        for each in more:
            if perf_counter() > until:
                break
            if isinstance(each, HttpRequest):
                taken.append(arrive(each, now, started))
            elif each.arrived.waited < MOST_WAITS:
                taken.append(each)
            else:
                break
        return taken

    def _each(
        self, step: Callable[[S], T], stages: Sequence[S | Refused | Later], until: float
    ) -> list[T | Refused | Later]:
        """Take a step for the first of these requests: at least one, and more as time allows.

        A refused request skips it, and one that waits. An exception in it refuses its request.
        """
        taken: list[T | Refused | Later] = []
        for stage in stages:
            if isinstance(stage, _ENDED):  # it takes no more time, so it goes on
                taken.append(stage)
                continue
            if taken and perf_counter() > until:
                break
            try:
                taken.append(step(stage))
            except Unprepared as unprepared:
                taken.append(self._prepare(stage.arrived, unprepared.work))
            except Exception as raised:  # noqa: BLE001  # (d): others are answered
                taken.append(self._refused(stage.arrived, raised))
        return taken

    def _refused(self, arrived: Arrived, raised: Exception) -> Refused:
        """A request goes no further: keep the error for its caller, and no frame that raised it."""
        error = as_aws_error(raised, arrived.where, arrived.event.request_id, self.metrics)
        return Refused(arrived, without_trace(error))

    def _who(self, arrived: Arrived) -> Known:
        """Which caller asks?  Only known callers learn that an operation does not exist."""
        request, where, event, store = arrived.request, arrived.where, arrived.event, self.store
        if self.clock.is_behind(event.time):  # TM-2
            self.metrics.alarm("clock")
            raise ServiceUnavailable("The clock of the server is behind.")
        if not where.service.name:
            raise where.refusal()
        state = store.changes.state
        if where.implementation is not None and not where.implementation.operation.signed:
            require_open(where.implementation.operation, request.body)
            if not arrived.counted:  # once, however often it runs
                arrived.counted = True
                network = network_of(request.source_ip)
                if not self.strangers.takes(network, where.service.name, where.name):
                    raise throttled(where)
            nobody = self.authenticator.nobody()  # its operation finds out who it is, if anybody
            event.region = nobody.region
            return Known(arrived, nobody, state)
        caller = self.authenticator.authenticate(
            store.read(), request, where.service, event.time, operation=where.name
        )
        event.principal = caller.principal
        event.access_key_id = caller.access_key_id
        event.session = caller.session_context
        # These services are in one Region, even if their callers sign for another (iam.md 6.3).
        one_place = where.service.name in {"iam", "organizations"}
        event.region = spoken().global_region if one_place else caller.region
        return Known(arrived, caller, state)

    def _ready(self, known: Known) -> Ready:
        """Which input does the request have, and which call is it?"""
        return self._call(self._what(known))

    def _what(self, known: Known) -> Asked:
        """Which input does the request have?"""
        arrived = known.arrived
        if arrived.where.in_part:
            arrived.read_in_full()
        where, implementation = arrived.where, arrived.where.implementation
        if where.problem is not None or implementation is None:
            raise where.refusal()
        operation = implementation.operation
        asked = arrived.speech.read(operation, where, arrived.request)
        shown = request_parameters(operation, asked)
        long = len(arrived.request.body) > bodies.QUERY_LIMIT
        arrived.event.request_parameters = without_long(shown) if long else shown
        return Asked(arrived, known, implementation, asked)

    def _call(self, asked: Asked) -> Ready:
        """The call of this request, for its caller, whose credentials are for it."""
        arrived, known, operation = asked.arrived, asked.known, asked.implementation.operation
        request, event, caller = arrived.request, arrived.event, known.caller
        now, region, service = event.time, event.region, operation.service.name
        rules = self.rules[service][operation.name]
        if rules.severity is Severity.HIGH or caller.principal.type is PrincipalType.ACCOUNT:
            event.severity = HIGH
        require_taken(caller.credentials, rules)
        view: Any = self.store.read()  # a view cannot change anything, even by mistake
        call = self.calls[service](
            operation=operation,
            rules=rules,
            event=event,
            principal=caller.principal,
            policies=caller.policies,
            now=now,
            region=region,
            endpoint=request.endpoint,
            transaction=view,
            keys=global_keys(request, now, region, caller.keys),
            session=caller.session,
        )
        if arrived.outcomes:
            call.outcomes = arrived.outcomes
        return Ready(arrived, known, asked.implementation, asked.input, call)

    def _perform(self, ready: Ready) -> Answered | Later:
        """Perform the operation, which asks first. A changing call writes its answer inside."""
        known = ready.known
        if self.store.changes.touched(known.state, known.caller.names):  # (e)
            ready.arrived.begin_again()
            ready = self._ready(self._who(ready.arrived))
        call = ready.call
        if not ready.arrived.counted:
            self._count(ready.arrived, call.rules, call.principal, ready.input)
        if call.rules.changes(ready.input):
            with self.store.write() as call.transaction:
                performed = self._run(ready)  # (b)
        else:
            performed = self._run(ready)
        return performed if isinstance(performed, Answered) else self._promise(performed)

    def _count(
        self, arrived: Arrived, rules: Rules | None, caller: Principal, asked: object
    ) -> None:
        """Count a request against the quotas of its caller's account; raises QuotaExceeded.

        A request counts once, however often it runs. `asked` is None if its input is not known,
        `rules` if its operation is not.
        """
        arrived.counted = True
        region = arrived.event.region
        quota = self.throttle.exceeded(rules, caller, region, asked)
        if quota:
            self.metrics.throttled(quota)
            per_second = self.throttle.per_second(quota, caller.account, region)
            raise QuotaExceeded(arrived.where, quota, per_second)

    def _run(self, ready: Ready) -> Answered | Working:
        """Run the operation, and write the response that carries its output; or take its work."""
        arrived, call, implementation = ready.arrived, ready.call, ready.implementation
        operation, event = implementation.operation, arrived.event
        given = implementation.function(call, ready.input)  # 5
        if isinstance(given, Work):
            return self._working(arrived, call, given)
        if call.rules.asks and not call.asked:  # (c)
            raise RuntimeError(f"{operation.name} answered without asking")
        if call.rules.answer_recorded:
            event.response_elements = response_elements(operation, given)
        return Answered(arrived, arrived.speech.answer(operation, given, event.request_id))  # 7

    def _working(self, arrived: Arrived, call: Call, work: Work[Any]) -> Working:
        """Work for which there is room. It is promised when nothing can undo this run alone."""
        again = len(arrived.outcomes) >= MOST_WORKS  # what it is made with changes all the time
        owner = owner_of(call.principal, arrived.request.source_ip)
        if again or not self.lane.has_room(work, owner, len(arrived.request.body)):
            raise throttled(arrived.where)
        return Working(arrived, work, owner)

    def _prepare(self, arrived: Arrived, work: Work[Any]) -> Later | Refused:
        """Let something be made that was missing, if there is room. This run is undone."""
        principal, source_ip = arrived.event.principal, arrived.request.source_ip
        owner = network_of(source_ip) if principal is None else owner_of(principal, source_ip)
        if not self.lane.has_room(work, owner, len(arrived.request.body)):
            return Refused(arrived, throttled(arrived.where))
        return self._promise(Working(arrived, work, owner, prepares=True))

    def _promise(self, working: Working) -> Later:
        arrived = working.arrived
        promise = self.lane.promise(working.work, working.owner, len(arrived.request.body))
        where, request_id = arrived.where, arrived.event.request_id
        unavailable = partial(_unavailable, arrived.speech, where, request_id)
        return Later(working, self.lane, promise, unavailable)

    def _close(self, answered: Answered | Later | Refused) -> Answer | Later:
        """Record the event of a request, and give its answer; never raises."""
        if isinstance(answered, Later):
            return answered
        arrived = answered.arrived
        where, event = arrived.where, arrived.event
        too_often = False
        if isinstance(answered, Answered):
            response = answered.response
            event.duration_us = int((perf_counter() - arrived.started) * 1e6)
            self.trail.record(event)  # 6
            for other in event.also:
                self.trail.record(other)
        else:
            error = self._error_of(answered)
            too_often = isinstance(error, QuotaExceeded)
            response = self._refusal(arrived, error)
        self.metrics.call(
            where.service.name,
            where.name if where.implementation else "",
            event.error_code,
            event.duration_us / 1e6,
        )
        unavailable = partial(_unavailable, arrived.speech, where, event.request_id)
        return Answer(response, unavailable, too_often)

    def _error_of(self, refused: Refused) -> AwsError:
        """The error of a refused request. One that was refused before it counted counts now."""
        arrived, caller = refused.arrived, refused.arrived.event.principal
        where = arrived.where
        if caller and not arrived.counted:
            rules = self.rules[where.service.name].get(where.name)
            try:
                self._count(arrived, rules, caller, None)
            except QuotaExceeded as exceeded:
                return without_trace(exceeded)
        return refused.error

    def _refusal(self, arrived: Arrived, error: AwsError) -> HttpResponse:
        """Record a request that goes no further, and give its response."""
        where, speech, event = arrived.where, arrived.speech, arrived.event
        event.response_elements = None
        if event.principal is None:
            event.access_key_id = claimed_key_id(arrived.request)
        _end(event, speech.code(error), error.recorded or "", arrived.started)
        response = speech.refuse(where.service, error, event.request_id)  # 7
        if error.why:
            self.refusals.note(error, event, network_of(arrived.request.source_ip))
        elif isinstance(error, AccessDenied):
            if any(decision.over_budget for decision in event.decisions):
                self.metrics.alarm("policy budget")
                logs.outage("a decision would take too long", request_id=event.request_id)
            response = self.refusals.remember(error, event, response)
        if isinstance(error, QuotaExceeded):
            self.throttled.record(event, error.quota)  # 6
        else:
            (self.unknown if event.principal is None else self.trail).record(event)  # 6
        return response


def _end(event: Event, code: str, message: str, started: float) -> None:
    """Note in an event how its request ended."""
    event.error_code = code
    event.error_message = message[:MOST_RECORDED]
    event.duration_us = int((perf_counter() - started) * 1e6)


def _unavailable(speech: Dialect, where: Route, request_id: str) -> HttpResponse:
    """The answer of a call whose turn could not be made durable."""
    return speech.refuse(where.service, ServiceUnavailable(), request_id)
