"""What is the smallest change that would allow it?  One change for each policy in the way.

Small is what gives little permission, not what is a short text. First the request is to meet the
conditions of a statement that is there: that changes no policy. Then the caller's own statement is
to be widened, where that gives exactly what was asked; otherwise a statement is to be added
(`proposals`). No change gives more actions, resources or principals than were asked for.

A Deny is never to be removed: somebody wanted it. The request is to let one of its conditions
fail, or there is no smallest change. What AWS keeps for itself, and an operation that never works
across accounts, no change can allow.

A refusal is taken away, the question is asked again, and so on until nothing refuses. Then the
question is asked once more with the proposed policies, the keys of those conditions left open:
what is proposed together was tried together.
"""

from collections.abc import Iterator

import msgspec

from keystead.policy.evaluation import (
    EXPLICIT_DENY,
    IMPLICIT_DENY,
    ApplicablePolicies,
    Finding,
    Layer,
    PolicyKind,
    Question,
    evaluate,
    matched,
    places,
    sources_at,
)
from keystead.policy.language import Grade, MalformedPolicy, is_of_request
from keystead.policy.reasons.possibility import Verdict, possible
from keystead.policy.reasons.proposals import Change, Found, What, added, own_widened, replaced
from keystead.policy.reasons.statement_results import ConditionResult, result
from keystead.policy.text import ascii_lower

__all__ = ("Change", "What", "smallest_changes")

_MOST_CHANGES = 64


class _Step(msgspec.Struct, frozen=True):
    """A change, and the policies after it."""

    change: Change
    supposed: ApplicablePolicies  # as if the request had been changed as proposed, too
    written: ApplicablePolicies  # as documents would be


def smallest_changes(question: Question) -> tuple[Change, ...]:
    """The changes that together allow; () when nothing has to change, or nothing can."""
    for of_request in (True, False):
        changes, written = _changes(question, of_request=of_request)
        if changes and _holds(question.under(written), changes):
            return changes
    return ()


def _changes(
    question: Question, *, of_request: bool
) -> tuple[tuple[Change, ...], ApplicablePolicies]:
    """The changes until nothing refuses, and the policies as they would be written."""
    changes: list[Change] = []
    written = question.policies
    for _ in range(_MOST_CHANGES + 1):
        refusal = _refusal(evaluate(question).trace)
        if refusal is None:
            return tuple(changes), written
        step = _step(question, written, refusal, of_request=of_request)
        if step is None:
            break
        changes.append(step.change)
        question, written = question.under(step.supposed), step.written
    return (), written


def _holds(question: Question, changes: tuple[Change, ...]) -> bool:
    """Is some request that differs in nothing but those conditions allowed?"""
    names = {ascii_lower(one.key) for change in changes for one in change.conditions}
    known = {name: value for name, value in question.context.keys.items() if name not in names}
    found = possible(question.with_keys(known), names.__contains__)
    return found.verdict is not Verdict.CANNOT


def _refusal(trace: tuple[Finding, ...]) -> Finding | None:
    return next((one for one in trace if one.effect in (EXPLICIT_DENY, IMPLICIT_DENY)), None)


def _step(
    question: Question, written: ApplicablePolicies, refusal: Finding, *, of_request: bool
) -> _Step | None:
    """Take one refusal away."""
    if refusal.kind is None:
        return None
    found = [one for one in _statements(question) if one.place.kind is refusal.kind]
    if refusal.effect == EXPLICIT_DENY:
        deny = next(one for one in found if not one.statement.allow and one.result.matches)
        avoidable = [one for one in deny.result.conditions if is_of_request(ascii_lower(one.key))]
        return _request_step(question, written, deny, avoidable) if of_request else None
    place = _refusing(question, refusal.kind)
    if place is None:
        return None
    here = [one for one in found if one.place == place]
    if of_request and (nearest := _to_be_met(here)) is not None:
        return _request_step(question, written, nearest, nearest.unmet)
    try:
        proposed = own_widened(question, here) or added(question, place)
    except MalformedPolicy:
        return None  # the request's own names cannot stand in a document
    if proposed is None:
        return None
    change, after = proposed
    return _Step(change, after(question.policies), after(written))


def _request_step(
    question: Question, written: ApplicablePolicies, found: Found, keys: list[ConditionResult]
) -> _Step | None:
    """The request is to meet what an Allow asks for, or to let one condition of a Deny fail."""
    if not keys:
        return None
    statement = found.statement
    change = found.change(What.MEET if statement.allow else What.AVOID, conditions=tuple(keys))
    free = msgspec.structs.replace(statement, conditions=()) if statement.allow else None
    return _Step(change, replaced(question.policies, found, free), written)


def _statements(question: Question) -> Iterator[Found]:
    for place in places(question):
        for source in sources_at(question.policies, place):
            for statement in source.policy.statements:
                yield Found(place, source, statement, result(question, statement))


def _refusing(question: Question, kind: PolicyKind) -> Layer | None:
    """Where nothing of this kind allows; None when something does, and yet it is refused."""
    for place in places(question):
        if place.kind is kind:
            its = matched(question, kind, sources_at(question.policies, place))
            if its.grade is Grade.NOBODY:
                return place
    return None


def _to_be_met(here: list[Found]) -> Found | None:
    """The Allow of which nothing but fewest conditions fail, all of them the request's to meet."""
    near = [one for one in here if one.statement.allow and _can_be_met(one)]
    return min(near, key=lambda one: len(one.unmet), default=None)


def _can_be_met(found: Found) -> bool:
    near = found.result
    if found.statement.void or not (near.action and near.principal and near.resource):
        return False
    return bool(found.unmet) and all(is_of_request(ascii_lower(one.key)) for one in found.unmet)
