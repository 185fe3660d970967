"""May they?  The one place where it is decided (iam.md 5.2, 5.3, 5.4; kms.md 10.2).

The function is pure and total: everything that the decision depends on is in its arguments. Every
step appends a finding, even after a step that refuses. So a refusal names every policy in the way.
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

    A question that would take too long is refused (`budget`). What is open to everybody asks the
    policy of the VPC endpoint alone. Every other question is allowed if:

    (1) no statement denies, and AWS does not reserve the action for itself
    (2) the RCPs over the resource allow
    (3) every level of SCPs over the caller allows
    (4) the policy of the VPC endpoint allows
    (5) the resource's policies and grants allow or delegate. This is required of a KMS key, of a
        role to be assumed, and of every resource of another account.
    (6) the caller's identity-based policies allow
    (7) the permissions boundary allows
    (8) every level of session policies allows
    (9) every scope-down policy of the session allows

    How (5) allows decides whether (6), (7) and (8) are required (`binding`). Nothing frees a caller
    from (9).
    """
    if open_to_everybody(question.action):
        return _open(question)
    if is_exceeded(question):
        return _unread(question)
    matches = match_all(question)
    bound = bound_by(
        question.context.principal.type,
        matches.grade,
        matches.grants.grade,
        foreign=question.foreign,
        strict=question.policies.sessions_always_bound,
    )
    trace = (
        steps.explicit_deny(matches),  # 1
        steps.reservation(question),
        *steps.resource_control(matches),  # 2
        *steps.service_control(matches),  # 3
        steps.endpoint(matches),  # 4
        steps.resource(question, matches),  # 5
        steps.identity(question, matches, bound),  # 6
        steps.boundary(matches, bound),  # 7
        *steps.session(question, matches, bound),  # 8
        *steps.scope_down(matches),  # 9
    )
    return _conclude(question, matches, bound, tuple(step for step in trace if step is not None))


def _conclude(
    question: Question, matches: Matches, bound: Bound, trace: tuple[Finding, ...]
) -> Decision:
    """The first step that refuses decides. Without one, the policies that allowed decide."""
    refusal = next((finding for finding in trace if finding.effect in _REFUSALS), None)
    if refusal is not None:
        outcome = _REFUSALS[refusal.effect]
        return _decision(question, outcome, refusal.kind, refusal.statements, trace)
    allowing = [finding for finding in trace if finding.step[0] in "56"]
    statements = tuple(statement for finding in allowing for statement in finding.statements)
    kind = allowed_by(matches.grade, bound, matches.resource_kind)
    return _decision(question, Outcome.ALLOWED, kind, statements, trace)


def _open(question: Question) -> Decision:
    """The decision on what needs no permission. An endpoint may refuse to let it through."""
    finding = Finding("0 open to everybody", None, steps.ALLOW, "needs no permission")
    if not question.policies.of_way:
        return _decision(question, Outcome.ALLOWED, None, (), (finding,))
    if is_exceeded(question):
        return _unread(question)
    matches = match_all(question.under(question.policies.alone_of_way))
    found = (finding, steps.explicit_deny(matches), steps.endpoint(matches))
    trace = tuple(step for step in found if step is not None)
    for step in trace:
        if step.effect in _REFUSALS:
            outcome = _REFUSALS[step.effect]
            return _decision(question, outcome, step.kind, step.statements, trace)
    return _decision(question, Outcome.ALLOWED, None, (), trace)


def _unread(question: Question) -> Decision:
    """The refusal of a question over the budget.

    A stranger must not learn whose policies exceed it (threat-model KM-2).
    """
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
