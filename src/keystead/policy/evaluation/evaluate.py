"""May they?  The one place where it is decided (iam.md 5.2, 5.3, 5.4; kms.md 10.2).

Pure and total: everything that the decision depends on is in the arguments. Every step appends
what it found, also after one that refuses, so that a refusal names every policy in the way.
"""

from keystead.policy.evaluation import steps
from keystead.policy.evaluation.binding import Bound, allowed_by, bound_by
from keystead.policy.evaluation.budget import is_exceeded
from keystead.policy.evaluation.decision import (
    OVER_BUDGET,
    DecidingStatement,
    Decision,
    Finding,
    Outcome,
    PolicyKind,
)
from keystead.policy.evaluation.matching import Matches, match_all
from keystead.policy.evaluation.question import Question
from keystead.policy.evaluation.service_rules import open_to_everybody

_REFUSALS = {
    steps.EXPLICIT_DENY: Outcome.EXPLICITLY_DENIED,
    steps.IMPLICIT_DENY: Outcome.IMPLICITLY_DENIED,
}


def evaluate(question: Question) -> Decision:
    """May this principal do this to this resource?

    What would take too long to be asked is refused (`budget`); for everything else:
    (1) Nothing denies explicitly, and AWS does not keep it for itself. (2) The RCPs over the
    resource, (3) every level of SCPs over the caller and (4) the VPC endpoint's policy allow.
    (5) The resource's policies and grants: a KMS key or a role to be assumed, and whatever
    belongs to another account, must allow or delegate. What they allow decides how far (6) the
    caller's identity-based policies, (7) permissions boundary and (8) session policies must allow
    as well.
    """
    if open_to_everybody(question.action):
        return _open(question)
    if is_exceeded(question):
        return _unread(question)
    found = match_all(question)
    bound = bound_by(
        question.context.principal.type,
        max(found.resource.grade, found.grants.grade),
        found.grants.grade,
        foreign=question.foreign,
        strict=question.policies.sessions_always_bound,
    )
    trace = (
        steps.explicit_deny(found),  # 1
        steps.reservation(question),
        *steps.resource_control(found),  # 2
        *steps.service_control(found),  # 3
        steps.endpoint(found),  # 4
        steps.resource(question, found),  # 5
        steps.identity(question, found, bound),  # 6
        steps.boundary(found, bound),  # 7
        steps.session(question, found, bound),  # 8
    )
    return _conclude(question, found, bound, tuple(step for step in trace if step is not None))


def _conclude(
    question: Question, found: Matches, bound: Bound, trace: tuple[Finding, ...]
) -> Decision:
    """The first refusal decides; without one, whoever allowed does."""
    refusal = next((finding for finding in trace if finding.effect in _REFUSALS), None)
    if refusal is not None:
        outcome = _REFUSALS[refusal.effect]
        return _decision(question, outcome, refusal.kind, refusal.statements, trace)
    allowing = [finding for finding in trace if finding.step[0] in "56"]
    statements = tuple(one for finding in allowing for one in finding.statements)
    grade = max(found.resource.grade, found.grants.grade)
    kind = allowed_by(grade, bound, question.resource_kind)
    return _decision(question, Outcome.ALLOWED, kind, statements, trace)


def _open(question: Question) -> Decision:
    finding = Finding("0 open to everybody", None, steps.ALLOW, "needs no permission")
    return _decision(question, Outcome.ALLOWED, None, (), (finding,))


def _unread(question: Question) -> Decision:
    """Over the budget. A stranger must not hear whose policies are (threat-model KM-2)."""
    kind = question.resource_kind if question.foreign else None
    return _decision(question, Outcome.EXPLICITLY_DENIED, kind, (), (OVER_BUDGET,))


def _decision(
    question: Question,
    outcome: Outcome,
    kind: PolicyKind | None,
    statements: tuple[DecidingStatement, ...],
    trace: tuple[Finding, ...],
) -> Decision:
    context = question.context
    return Decision(
        outcome=outcome,
        principal_arn=context.principal.arn,
        action=context.action,
        resource=context.resource,
        kind=kind,
        statements=statements,
        trace=trace,
        foreign=question.foreign,
    )
