"""The path of one request. Reading this is reading the security model.

    1 which operation                Arrived    routing
    2 which caller                   Known      identity.authentication.authenticate
    3 which input                    Asked      wire
    4 a call for this caller         Ready      here
      within the quotas              Ready      counts
    5 may they, and do it                       the operation, which asks `call.authorize`
      or the work that it needs      Working    lane; the request arrives again, with its outcome
    6 the record                                endings, for audit.trail
    7 the answer                     Answered   wire; of an error: endings

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
 (e) A call is performed only if nothing about its caller, or the endpoint through which it came,
     has changed since the authentication. A request that waits for its turn is a cached view too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol, TypeVar

from keystead.arns import spoken
from keystead.audit.records import HIGH, request_parameters, response_elements, without_long
from keystead.clock import Clock
from keystead.custody.rows import RowIntegrityError
from keystead.errors import RequestTooLarge, ServiceUnavailable, without_trace
from keystead.identity.authentication import require_source, require_taken
from keystead.policy.evaluation import PrincipalType
from keystead.request_keys import global_keys
from keystead.rules import Rules, Severity
from keystead.server.lane import Lane
from keystead.server.pipeline import bodies
from keystead.server.pipeline.answer import Answer
from keystead.server.pipeline.counts import Counts
from keystead.server.pipeline.endings import Endings
from keystead.server.pipeline.exchange import (
    Answered,
    Arrived,
    Asked,
    Known,
    OpenCall,
    Ready,
    Refused,
    Verifier,
    Working,
    arrive,
    new_request_id,
)
from keystead.server.pipeline.failures import as_aws_error, throttled
from keystead.server.pipeline.later import Again, Later, done_for, prepare, promise, working
from keystead.server.pipeline.network import Way, require_region
from keystead.server.pipeline.open_operations import require_open
from keystead.server.pipeline.routing import route
from keystead.server.telemetry import Metrics
from keystead.store.protocol import Store, StoreCorrupt, StoreUnavailable
from keystead.wire.http import HttpRequest
from keystead.work import Preparations, Spare, Unprepared, Work

MOST_WAITS = 16  # for what is missing; a request that waited so often makes the rest in its turn
TOGETHER = 32  # requests; a processor's caches hold the data of so many
FEW = 4  # requests that begin with a change; if time runs out, their first steps are repeated

_ENDED: frozenset[Any] = frozenset({Refused, Later})  # they take no further step
_HIGH, _ROOT = Severity.HIGH, PrincipalType.ACCOUNT  # a member of an Enum takes 80 ns to find

S = TypeVar("S", bound="Stage")
T = TypeVar("T")


class Stage(Protocol):
    """A request on its way."""

    @property
    def arrived(self) -> Arrived:
        """The request as it came."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Answers requests. (door.Application)"""

    store: Store
    authenticator: Verifier
    calls: Mapping[str, OpenCall]  # by the service's name
    rules: Mapping[str, Mapping[str, Rules]]  # the rows of each service
    clock: Clock
    metrics: Metrics
    counts: Counts
    endings: Endings
    lane: Lane
    spare: Spare
    preparations: Preparations
    way: Way

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
        return self.endings.refuse_unread(request, route(request), error, self.clock.now())

    def refuse_busy(self, request: HttpRequest) -> Answer:
        """Refuse a long body because others are being read; SDKs try again."""
        where = route(request)
        return self.endings.refuse_unread(request, where, throttled(where), self.clock.now())

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
            self.spare.begin(spare)
            return self._answer_all(requests, perf_counter() + seconds)
        except BaseException:  # a change without its record must not stay (a)
            self.lane.abandon()
            self.endings.trail.abandon()
            raise
        finally:
            self.preparations.end()

    def _answer_all(
        self, requests: Sequence[HttpRequest | Again], until: float
    ) -> list[Answer | Later]:
        answers: list[Answer | Later] = []
        first, close = 0, self.endings.close
        while first < len(requests):
            if answers and (perf_counter() > until or self.spare.is_spent):
                break
            arrived = self._arrive(requests, first, until)  # 1
            some = requests[first : first + len(arrived)]
            first += len(arrived)
            self._begin([each for each in some if type(each) is Arrived])
            if len(arrived) == 1:
                answers.append(close(self._alone(arrived[0])))
                continue
            known = self._each(self._who, arrived, until)  # 2
            asked = self._each(self._what, known, until)  # 3
            ready = self._each(self._open, asked, until)  # 4
            answered = self._each(self._perform, ready, until)  # 5, 7
            answers += [close(each) for each in answered]  # 6
        return answers

    def _begin(self, again: Sequence[Arrived]) -> None:
        """Requests are performed; these of them run again, with what was made for them."""
        if not again:
            self.preparations.begin_without()
            return
        in_hand = (done for each in again for done in each.prepared)
        may_wait = all(each.waited < MOST_WAITS for each in again)
        self.preparations.begin(in_hand, may_wait=may_wait)

    def _arrive(
        self, requests: Sequence[HttpRequest | Again], first: int, until: float
    ) -> list[Again]:
        """The next requests that take a step together. Few if the first of them is a change, or if
        the last turn computed: when time runs out, their first steps are repeated.

        One that may wait no more is alone: all of a step may wait, or none (`_begin`).
        A form is read to find its operation, and may be long: so more than one only as time allows.
        Most of a change's time is step 5. When a turn has no more time for that, the requests wait
        for another turn, and take the steps before it again.
        """
        now, started = self.clock.now(), perf_counter()
        self.counts.throttle.tick()
        lead = requests[first]
        if isinstance(lead, HttpRequest):
            lead = arrive(lead, now, started, new_request_id())
        taken = [lead]
        if first + 1 == len(requests) or lead.arrived.waited >= MOST_WAITS:
            return taken
        most = FEW if lead.arrived.changes else self.spare.together(TOGETHER)
        for each in requests[first + 1 : first + most]:
            if perf_counter() > until:
                break
            if isinstance(each, HttpRequest):
                taken.append(arrive(each, now, started, new_request_id()))
            elif each.arrived.waited < MOST_WAITS:
                taken.append(each)
            else:
                break
        return taken

    def _alone(self, request: Again) -> Answered | Later | Refused:
        """Take every step for one request, as `_each` takes one for several."""
        if type(request) is Refused:
            return request
        arrived = request.arrived
        try:
            return self._perform(self._open(self._what(self._who(arrived))))
        except Exception as raised:  # noqa: BLE001  # (d): it is refused
            return self._stopped(arrived, raised)

    def _each(
        self, step: Callable[[S], T], stages: Sequence[S | Refused | Later], until: float
    ) -> list[T | Refused | Later]:
        """Take a step for the first of these requests: at least one, and more as time allows.

        A refused request skips it, and one that waits. An exception in it refuses its request.
        """
        taken: list[T | Refused | Later] = []
        spare = self.spare
        stage: Any  # of a type in `_ENDED`, or of the step's
        for stage in stages:
            if stage.__class__ in _ENDED:
                taken.append(stage)  # it takes no more time, so it goes on
                continue
            if taken and (perf_counter() > until or spare.is_spent):
                break
            try:
                taken.append(step(stage))
            except Exception as raised:  # noqa: BLE001  # (d): others are answered
                taken.append(self._stopped(stage.arrived, raised))
        return taken

    def _stopped(self, arrived: Arrived, raised: Exception) -> Later | Refused:
        """A request goes no further: until something is made for it, or ever.

        The error is kept for its caller, and no frame that raised it.
        """
        if isinstance(raised, Unprepared):
            return prepare(self.lane, arrived, raised.work)
        error = as_aws_error(raised, arrived.where, arrived.event.request_id, self.metrics)
        return Refused(arrived, without_trace(error))

    def _who(self, arrived: Arrived) -> Known:
        """Which caller asks?  Only known callers learn that an operation does not exist."""
        request, store, entrance = arrived.request, self.store, None
        if request.endpoint.vpce_id:
            entrance = self.way.entrance(store.read(), arrived)
            arrived.event.vpce_account = entrance.account
        event, where = arrived.event, arrived.where
        service, implementation = where.service, where.implementation
        if self.clock.is_behind(event.time):  # TM-2
            self.metrics.alarm("clock")
            raise ServiceUnavailable("The clock of the server is behind.")
        if not service.name:
            raise where.refusal()
        state = store.changes.state
        if implementation is not None and not implementation.operation.signed:
            require_open(implementation.operation, request.body)
            self.counts.count_stranger(arrived)
            nobody = self.authenticator.nobody()  # its operation finds out who it is, if anybody
            event.region = nobody.region if entrance is None else entrance.region
            return Known(arrived, nobody, state, entrance)
        caller = self.authenticator.authenticate(
            store.read(), request, service, event.time, operation=where.name
        )
        event.principal = caller.principal
        event.access_key_id = caller.access_key_id
        if caller.session is not None:
            event.session = caller.session_context
        if caller.invoked_by:
            event.invoked_by = caller.invoked_by
        # These services are in one Region, even if their callers sign for another (iam.md 6.3).
        one_place = service.name in {"iam", "organizations"}
        event.region = spoken().global_region if one_place else caller.region
        if entrance is not None:
            require_region(entrance, caller.region)
        return Known(arrived, caller, state, entrance)

    def _what(self, known: Known) -> Asked:
        """Which operation and which input does the request have?"""
        arrived = known.arrived
        if arrived.where.in_part:
            arrived.read_in_full()
        where, request = arrived.where, arrived.request
        implementation = where.implementation
        if where.problem is not None or implementation is None:
            raise where.refusal()
        operation = implementation.operation
        given = arrived.speech.read(operation, where, request)
        shown = request_parameters(operation, given)
        long = len(request.body) > bodies.QUERY_LIMIT
        arrived.event.request_parameters = without_long(shown) if long else shown
        return Asked(arrived, known, implementation, given)

    def _open(self, asked: Asked) -> Ready:
        """The call of this request, for its caller, whose credentials are for it."""
        known, arrived, operation = asked.known, asked.arrived, asked.implementation.operation
        request, event, caller = arrived.request, arrived.event, known.caller
        now, region, service = event.time, event.region, operation.service.name
        rules = self.rules[service][operation.name]
        if rules.severity is _HIGH or caller.principal.type is _ROOT:
            event.severity = HIGH
        require_taken(caller.credentials, rules)
        require_source(caller)
        network = None if known.entrance is None else self.way.keys(known.entrance)
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
            keys=global_keys(request, now, region, caller.keys, network),
            session=caller.session,
            spare=self.spare,
        )
        if known.entrance is not None:
            call.endpoint_policy = known.entrance.policy
        if arrived.outcomes:
            call.outcomes = arrived.outcomes
        if not operation.signed:
            call.proof = request
        return Ready(arrived, asked, call)

    def _perform(self, ready: Ready) -> Answered | Later:
        """Perform the operation, which asks first. A changing call writes its answer inside."""
        known, changes = ready.asked.known, self.store.changes
        # What stands over the owner of an endpoint is not named, so any change counts there.
        if changes.state != known.state and (  # (e)
            known.entrance is not None or changes.touched(known.state, known.caller.names)
        ):
            ready.arrived.begin_again()
            ready = self._open(self._what(self._who(ready.arrived)))
        call, given = ready.call, ready.asked.input
        if not ready.arrived.counted:
            self.counts.count(ready.arrived, call.rules, call.principal, given)
        if call.rules.changes(given):
            with self.store.write() as call.transaction:
                performed = self._run(ready)  # (b)
        else:
            performed = self._run(ready)
        return performed if isinstance(performed, Answered) else promise(self.lane, performed)

    def _run(self, ready: Ready) -> Answered | Working:
        """Run the operation, and write the response that carries its output; or take its work."""
        arrived, call, asked = ready.arrived, ready.call, ready.asked
        operation, event = call.operation, arrived.event
        if asked.known.entrance is not None and not call.rules.asks:
            call.pass_endpoint()
        left = self.spare.seconds
        given = asked.implementation.function(call, asked.input)  # 5
        if self.spare.seconds != left:
            done_for(arrived, call.principal)
        if type(given) is Work:
            return working(self.lane, arrived, call.principal, given)
        if call.rules.asks and not call.asked:  # (c)
            raise RuntimeError(f"{operation.name} answered without asking")
        if call.rules.answer_recorded:
            event.response_elements = response_elements(operation, given)
        return Answered(arrived, arrived.speech.answer(operation, given, event.request_id))  # 7
