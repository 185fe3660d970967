"""How does a request end?  What is recorded of it, and what is its caller told? (steps 6 and 7)

INVARIANT: one event for each request that ends (`pipeline`, a). Those of unknown callers, and of
accounts above a quota, are counted in one event if they come too fast.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import Protocol

from keystead.audit.counting import ThrottledCalls, UnknownCallers
from keystead.audit.records import Event
from keystead.errors import AwsError, RequestTooLarge, without_trace
from keystead.identity.authentication import claimed_key_id
from keystead.policy.evaluation import AccessDenied
from keystead.refusals.memory import Refusals
from keystead.rules import Rules
from keystead.server.pipeline.answer import TEXT, Answer
from keystead.server.pipeline.counts import Counts
from keystead.server.pipeline.dialects import dialect
from keystead.server.pipeline.exchange import (
    MOST_RECORDED,
    Answered,
    Arrived,
    Refused,
    event_of,
    new_request_id,
)
from keystead.server.pipeline.failures import QuotaExceeded, unavailable
from keystead.server.pipeline.later import Later
from keystead.server.pipeline.owners import network_of
from keystead.server.pipeline.routing import FORMS, Route
from keystead.server.telemetry import Metrics, logs
from keystead.wire.http import HttpRequest, HttpResponse


class Trail(Protocol):
    """Takes the events; `audit.trail`."""

    def record(self, event: Event) -> None:
        """Remember an event, with the changes of this turn."""

    def abandon(self) -> None:
        """Undo this turn: its changes and its events."""


@dataclass(frozen=True, slots=True)
class Endings:
    """Records requests, and gives their answers."""

    trail: Trail
    rules: Mapping[str, Mapping[str, Rules]]  # the rows of each service
    metrics: Metrics
    refusals: Refusals
    unknown: UnknownCallers
    throttled: ThrottledCalls
    counts: Counts

    def close(self, answered: Answered | Later | Refused) -> Answer | Later:
        """Record the event of a request, and give its answer; never raises."""
        if type(answered) is Later:
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
        return Answer(response, arrived.unavailable, too_often, arrived.works_for)

    def _error_of(self, refused: Refused) -> AwsError:
        """The error of a refused request. One that was refused before it counted counts now."""
        arrived, caller = refused.arrived, refused.arrived.event.principal
        where = arrived.where
        if caller and not arrived.counted:
            rules = self.rules[where.service.name].get(where.name)
            try:
                self.counts.count(arrived, rules, caller, None)
            except QuotaExceeded as exceeded:
                return without_trace(exceeded)
        return refused.error

    def _refusal(self, arrived: Arrived, error: AwsError) -> HttpResponse:
        """Record a request that goes no further, and give its response."""
        where, speech, event = arrived.where, arrived.speech, arrived.event
        event.response_elements = error.answered
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

    def refuse_unread(
        self, request: HttpRequest, where: Route, error: AwsError, now: datetime
    ) -> Answer:
        """Refuse a request whose body was not read, and record it."""
        event = event_of(request, where, now, new_request_id())
        _end(event, error.code, error.message or "", perf_counter())
        self.unknown.record(event)
        speech = dialect(where.service, request)
        if isinstance(error, RequestTooLarge) and where.service.protocol not in FORMS:
            # In plain text, as AWS does it (kms.md 1). SDKs can read no plain text for XML.
            headers = (*TEXT, ("x-amzn-RequestId", event.request_id))
            response = HttpResponse(error.status, headers, (error.message or "").encode())
        else:
            response = speech.refuse(where.service, error, event.request_id)
        return Answer(response, partial(unavailable, speech, where, event.request_id))


def _end(event: Event, code: str, message: str, started: float) -> None:
    """Note in an event how its request ended."""
    event.error_code = code
    event.error_message = message[:MOST_RECORDED]
    event.duration_us = int((perf_counter() - started) * 1e6)
