"""How is a simulated decision told?  One row for each action, with one for each of its resources.

Policies are named as IAM names them: those of the request by their positions, managed policies by
their names, inline policies as `user_alice_read`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from keystead.identity.iam.simulation.policies import holder, is_inline
from keystead.identity.iam.simulation.questions import EVERYTHING
from keystead.policy.evaluation import DecidingStatement, Outcome, PolicyKind, PolicySource
from keystead.policy.language import Position, Span, statement_spans
from keystead.policy.reasons import Simulated, combined
from keystead.wire.models import iam as api

_DECISIONS: Mapping[Outcome, api.PolicyEvaluationDecisionType] = {
    Outcome.ALLOWED: "allowed",
    Outcome.EXPLICITLY_DENIED: "explicitDeny",
    Outcome.IMPLICITLY_DENIED: "implicitDeny",
}
# The values that IAM sends, which are not those of its model (iam.md 1.9).
_TYPES: Mapping[PolicyKind, str] = {
    PolicyKind.IDENTITY: "IAM Policy",
    PolicyKind.RESOURCE: "Resource Policy",
    PolicyKind.TRUST: "Resource Policy",
    PolicyKind.BOUNDARY: "Permissions Boundary Policy",
}


class Results:
    """Tells the decisions of one simulation."""

    __slots__ = ("_sources", "_spans")

    def __init__(self, sources: Sequence[PolicySource]) -> None:
        self._sources = {(source.id, source.attached_to): source for source in sources}
        self._spans: dict[tuple[str, str], tuple[Span, ...]] = {}

    def row(
        self, action: str, resources: Sequence[str], each: Sequence[Simulated]
    ) -> api.EvaluationResult:
        """The row of an action, with the decisions about each of these resources."""
        whole, named = combined(each), list(resources) != [EVERYTHING]
        details = _details(whole)
        if details is None and named and whole.organization is not False:
            details = {}
        return api.EvaluationResult(
            eval_action_name=action,
            eval_resource_name=resources[0] if len(resources) == 1 else EVERYTHING,
            eval_decision=_DECISIONS[whole.outcome],
            matched_statements=self._matched(whole),
            missing_context_values=list(whole.missing),
            organizations_decision_detail=_organization(whole),
            permissions_boundary_decision_detail=_boundary(whole),
            eval_decision_details=details,
            resource_specific_results=[
                self._specific(resource, simulated)
                for resource, simulated in zip(resources, each, strict=True)
            ]
            if named
            else None,
        )

    def _specific(self, resource: str, simulated: Simulated) -> api.ResourceSpecificResult:
        return api.ResourceSpecificResult(
            eval_resource_name=resource,
            eval_resource_decision=_DECISIONS[simulated.outcome],
            matched_statements=self._matched(simulated),
            missing_context_values=list(simulated.missing),
            eval_decision_details=_details(simulated),
            permissions_boundary_decision_detail=_boundary(simulated),
        )

    def _matched(self, simulated: Simulated) -> list[api.Statement]:
        return [self._statement(statement) for statement in simulated.statements]

    def _statement(self, statement: DecidingStatement) -> api.Statement:
        source = self._sources[statement.policy, statement.attached_to]
        spans = self._places(source)
        span = spans[statement.index] if statement.index < len(spans) else None
        return api.Statement(
            source_policy_id=shown_id(source),
            source_policy_type=cast("Any", _TYPES[statement.kind]),
            start_position=_position(span.start) if span else None,
            end_position=_position(span.end) if span else None,
        )

    def _places(self, source: PolicySource) -> tuple[Span, ...]:
        """The positions of a policy's statements; none if its text cannot be read."""
        key = (source.id, source.attached_to)
        if key not in self._spans:
            policy = source.policy
            self._spans[key] = () if policy.broken else statement_spans(policy.text)
        return self._spans[key]


def shown_id(source: PolicySource) -> str:
    """The name of a policy in an answer."""
    if is_inline(source):
        return "_".join(part for part in (*holder(source), source.id) if part)
    return source.id.rpartition("/")[2] if source.attached_to else source.id


def _position(position: Position) -> api.Position:
    return api.Position(line=position.line, column=position.column)


def _details(simulated: Simulated) -> dict[str, api.PolicyEvaluationDecisionType] | None:
    """The decision of each kind of policy about another account's resource."""
    return {_TYPES[kind]: _DECISIONS[says] for kind, says in simulated.kinds.items()} or None


def _organization(simulated: Simulated) -> api.OrganizationsDecisionDetail | None:
    if simulated.organization is None:
        return None
    return api.OrganizationsDecisionDetail(allowed_by_organizations=simulated.organization)


def _boundary(simulated: Simulated) -> api.PermissionsBoundaryDecisionDetail | None:
    if simulated.boundary is None:
        return None
    return api.PermissionsBoundaryDecisionDetail(allowed_by_permissions_boundary=simulated.boundary)
