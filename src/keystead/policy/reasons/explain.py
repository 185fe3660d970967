"""Why was it decided so?  Every policy that was considered, statement by statement, as data.

An explanation is drawn from the same compiled statements that decided, for the same question; it
adds nothing to the decision and cannot change it. Who may see which part of it is decided by
whoever shows it (threat-model EX-2).
"""

from collections.abc import Iterator

import msgspec

from keystead.policy.evaluation import (
    Decision,
    Layer,
    PolicyKind,
    PolicySource,
    Question,
    evaluate,
    places,
    sources_at,
)
from keystead.policy.reasons.changes import Change, smallest_changes
from keystead.policy.reasons.statement_results import StatementResult, result


class PolicyResult(msgspec.Struct, frozen=True, rename="camel"):
    """One policy that was considered."""

    kind: PolicyKind
    policy: str
    attached_to: str
    level: int  # of the organization, from 1; 0 when there are no levels
    statements: tuple[StatementResult, ...]

    @property
    def effect(self) -> str:
        """`denies`, `allows` or `says nothing`."""
        effects = {statement.effect for statement in self.statements if statement.matches}
        if "Deny" in effects:
            return "denies"
        return "allows" if effects else "says nothing"


class Explanation(msgspec.Struct, frozen=True):
    """A decision, everything that was considered for it, and what would have to change."""

    decision: Decision
    considered: tuple[PolicyResult, ...]
    changes: tuple[Change, ...]  # together they allow; () when it is allowed, or nothing would


def explain(question: Question) -> Explanation:
    """Why this principal may, or may not, do this to this resource."""
    decision = evaluate(question)
    if decision.over_budget:
        return Explanation(decision, considered=(), changes=())
    return Explanation(
        decision=decision,
        considered=tuple(
            PolicyResult(
                kind=place.kind,
                policy=source.id,
                attached_to=source.attached_to,
                level=place.shown_level,
                statements=tuple(result(question, one) for one in source.policy.statements),
            )
            for place, source in _sources(question)
        ),
        changes=smallest_changes(question),
    )


def _sources(question: Question) -> Iterator[tuple[Layer, PolicySource]]:
    """Every policy that has a say, in the order of the steps; grants with the resource's own."""
    for place in places(question):
        for source in sources_at(question.policies, place):
            yield place, source
        if place.kind is question.resource_kind:
            for grant in question.policies.grants:
                yield place, grant
