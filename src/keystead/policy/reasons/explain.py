"""Why was it decided so?  Every considered policy, statement by statement, as data.

An explanation is drawn from the compiled statements that decided the same question. It cannot
change the decision. The caller that shows it decides which persons may see which part (EX-2).
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
    level: int  # of the organization, from 1; 0 for a kind without levels
    statements: tuple[StatementResult, ...]

    @property
    def effect(self) -> str:
        """`denies`, `allows` or `says nothing`."""
        effects = {statement.effect for statement in self.statements if statement.matches}
        if "Deny" in effects:
            return "denies"
        return "allows" if effects else "says nothing"


class Explanation(msgspec.Struct, frozen=True):
    """A decision, the considered policies, and the changes that would allow the request."""

    decision: Decision
    considered: tuple[PolicyResult, ...]
    changes: tuple[Change, ...]  # they allow together; () if it is allowed, or if none could


def explain(question: Question) -> Explanation:
    """Why this principal may, or may not, do this to this resource."""
    decision = evaluate(question)
    if decision.over_budget:
        return Explanation(decision, considered=(), changes=())
    return Explanation(
        decision=decision,
        considered=tuple(
            PolicyResult(
                kind=layer.kind,
                policy=source.id,
                attached_to=source.attached_to,
                level=layer.shown_level,
                statements=tuple(
                    result(question, statement) for statement in source.policy.statements
                ),
            )
            for layer, source in _sources(question)
        ),
        changes=smallest_changes(question),
    )


def _sources(question: Question) -> Iterator[tuple[Layer, PolicySource]]:
    """Every policy that has a say, in the order of the steps. Grants follow the resource's own."""
    for layer in places(question):
        for source in sources_at(question.policies, layer):
            yield layer, source
        if layer.kind is question.resource_kind:
            for grant in question.policies.grants:
                yield layer, grant
