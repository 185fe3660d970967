"""Which smallest change would allow a request?  One change for each policy in the way.

A change is small if it gives little permission; the length of its text does not matter. There are
three kinds of change, in this order:

- The request has to meet the conditions of an existing statement. This changes no policy.
- The caller's own statement is widened, if that gives exactly the requested permission.
- A statement is added (`proposals`).

No change gives more actions, resources or principals than the request has.

A Deny is never removed, because somebody wanted it. The request has to let one of its conditions
fail, or there is no smallest change. No change can allow an action that AWS reserves for itself, or
an operation that never works across accounts.

The first refusal is removed and the question asked again, until nothing refuses. Then the question
is asked once more under the proposed policies, and the keys of the named conditions are unknown. So
the proposed changes were tried together.
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
from keystead.policy.reasons.proposals import Change, Placed, What, added, own_widened, replaced
from keystead.policy.reasons.statement_results import ConditionResult, result
from keystead.policy.text import ascii_lower

__all__ = ("Change", "What", "smallest_changes")

_MOST_CHANGES = 64


class _Step(msgspec.Struct, frozen=True):
    """A change, and the policies after it."""

    change: Change
    supposed: ApplicablePolicies  # as if the request also met the proposed conditions
    written: ApplicablePolicies  # as the documents would be


def smallest_changes(question: Question) -> tuple[Change, ...]:
    """The changes that allow together. () if no change is needed, or none is possible."""
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
    """Is a request allowed that differs only in the keys of the named conditions?"""
    names = {ascii_lower(condition.key) for change in changes for condition in change.conditions}
    known = {name: value for name, value in question.context.keys.items() if name not in names}
    possibility = possible(question.with_keys(known), names.__contains__)
    return possibility.verdict is not Verdict.CANNOT


def _refusal(trace: tuple[Finding, ...]) -> Finding | None:
    return next(
        (finding for finding in trace if finding.effect in (EXPLICIT_DENY, IMPLICIT_DENY)), None
    )


def _step(
    question: Question, written: ApplicablePolicies, refusal: Finding, *, of_request: bool
) -> _Step | None:
    """The step that removes one refusal, or None."""
    if refusal.kind is None:
        return None
    of_kind = [placed for placed in _statements(question) if placed.layer.kind is refusal.kind]
    if refusal.effect == EXPLICIT_DENY:
        deny = next(
            placed for placed in of_kind if not placed.statement.allow and placed.result.matches
        )
        avoidable = [
            condition
            for condition in deny.result.conditions
            if is_of_request(ascii_lower(condition.key))
        ]
        return _request_step(question, written, deny, avoidable) if of_request else None
    layer = _refusing(question, refusal.kind)
    if layer is None:
        return None
    here = [placed for placed in of_kind if placed.layer == layer]
    if of_request and (nearest := _to_be_met(here)) is not None:
        return _request_step(question, written, nearest, nearest.unmet)
    try:
        proposed = own_widened(question, here) or added(question, layer)
    except MalformedPolicy:
        return None  # the request's own names cannot stand in a document
    if proposed is None:
        return None
    change, after = proposed
    return _Step(change, after(question.policies), after(written))


def _request_step(
    question: Question, written: ApplicablePolicies, placed: Placed, keys: list[ConditionResult]
) -> _Step | None:
    """The request has to meet the conditions of an Allow, or to let a condition of a Deny fail."""
    if not keys:
        return None
    statement = placed.statement
    change = placed.change(What.MEET if statement.allow else What.AVOID, conditions=tuple(keys))
    free = msgspec.structs.replace(statement, conditions=()) if statement.allow else None
    return _Step(change, replaced(question.policies, placed, free), written)


def _statements(question: Question) -> Iterator[Placed]:
    for layer in places(question):
        for source in sources_at(question.policies, layer):
            for statement in source.policy.statements:
                yield Placed(layer, source, statement, result(question, statement))


def _refusing(question: Question, kind: PolicyKind) -> Layer | None:
    """The first layer of this kind in which no statement allows, or None."""
    for layer in places(question):
        if layer.kind is kind:
            its = matched(question, kind, sources_at(question.policies, layer))
            if its.grade is Grade.NOBODY:
                return layer
    return None


def _to_be_met(here: list[Placed]) -> Placed | None:
    """The Allow that fails in the fewest conditions, and in nothing else.

    The request must be able to meet all of these conditions.
    """
    near = [placed for placed in here if placed.statement.allow and _can_be_met(placed)]
    return min(near, key=lambda placed: len(placed.unmet), default=None)


def _can_be_met(placed: Placed) -> bool:
    near = placed.result
    if placed.statement.void or not (near.action and near.principal and near.resource):
        return False
    return bool(placed.unmet) and all(
        is_of_request(ascii_lower(condition.key)) for condition in placed.unmet
    )
