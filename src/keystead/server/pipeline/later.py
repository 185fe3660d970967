"""An answer that needs work first. The work is promised in one turn, the answer given in a later.

the turn is durable -> `begin`, and work is done beside the loop -> `after` -> a later turn
the turn is lost    -> `take_back`
"""

from collections.abc import Callable
from typing import Any, final

from keystead.errors import without_trace
from keystead.policy.evaluation import Principal
from keystead.server.lane import Handed, Lane, OnEnd, Promise, party_of
from keystead.server.pipeline.exchange import Arrived, Refused, Working
from keystead.server.pipeline.failures import as_undone, throttled
from keystead.server.pipeline.owners import owner_of, stranger_at
from keystead.wire.http import HttpResponse
from keystead.work import Outcome, Undone, Work

MOST_WORKS = 2  # pieces of work that one request may leave

Again = Arrived | Refused
"""A request that arrives again after its work, or is refused because the work was not done."""


@final
class Later:
    """A request whose work is promised. `unavailable` makes the 503 if the turn is lost."""

    __slots__ = ("_arrived", "_lane", "_prepares", "_promise", "unavailable")

    def __init__(
        self,
        working: Working,
        lane: Lane,
        promise: Promise,
        unavailable: Callable[[], HttpResponse],
    ) -> None:
        self._arrived = working.arrived
        self._prepares = working.prepares
        self._lane = lane
        self._promise = promise
        self.unavailable = unavailable

    @property
    def prepares(self) -> bool:
        """Is it made for the request, which then begins again, and not the request's own work?"""
        return self._prepares

    def begin(self, on_end: OnEnd) -> Handed:
        """Let the work be done; `on_end` may be called in any thread."""
        return self._lane.hand_over(self._promise, on_end)

    def take_back(self) -> None:
        """The turn is lost: give up the work."""
        self._lane.take_back(self._promise)

    def after(self, outcome: Outcome | Undone) -> Again:
        """The request as it arrives again; in the loop's thread."""
        self._lane.settle(self._promise)
        arrived = self._arrived
        if isinstance(outcome, Undone):
            return Refused(arrived, without_trace(as_undone(outcome, arrived.where)))
        if self._prepares:
            return arrived.with_prepared(outcome)
        return arrived.with_outcome(outcome, party_of(self._promise.owner))


def working(lane: Lane, arrived: Arrived, caller: Principal, work: Work[Any]) -> Working:
    """Work for which there is room. It is promised when nothing can undo this run alone."""
    again = len(arrived.outcomes) >= MOST_WORKS  # what it is made with changes all the time
    owner = work.turn or owner_of(caller, arrived.request.source_ip)
    if again or not lane.has_room(work, owner, len(arrived.request.body)):
        raise throttled(arrived.where)
    return Working(arrived, work, owner)


def done_for(arrived: Arrived, caller: Principal) -> None:
    """The loop has done work of this request itself: note for which party."""
    arrived.works_for = party_of(owner_of(caller, arrived.request.source_ip))


def prepare(lane: Lane, arrived: Arrived, work: Work[Any]) -> Later | Refused:
    """Let something be made that was missing, if there is room. This run is undone."""
    principal, source_ip = arrived.event.principal, arrived.request.source_ip
    owner = stranger_at(source_ip) if principal is None else owner_of(principal, source_ip)
    if not lane.has_room(work, owner, len(arrived.request.body)):
        return Refused(arrived, throttled(arrived.where))
    return promise(lane, Working(arrived, work, owner, prepares=True))


def promise(lane: Lane, working: Working) -> Later:
    """The answer that is given when this work is done."""
    arrived = working.arrived
    promised = lane.promise(working.work, working.owner, len(arrived.request.body))
    return Later(working, lane, promised, arrived.unavailable)
