"""May they, quickly?  `Call.authorize` asks the residual, kept by document ids, else `evaluate`.

An allowance comes from the residual and says which kind of policy gave it; `evaluate` gives its
full trace. Every refusal is decided and explained by `evaluate`, and the first answer of a new
residual is compared with it. A difference between the two is our bug: it refuses, whatever either
says, and is counted for whoever watches (`disagreements`). From then on nobody is allowed by these
documents: the residual that was wrong once is never asked again.

INVARIANT: a residual depends only on what it is kept under: the ids of the documents, how they
are asked, and the action.
"""

from functools import partial
from typing import Final

from keystead.caches import MIB, BoundedCache, Room
from keystead.policy.enforcement.codegen import REFUSED, Residual, Shapes, Verdict
from keystead.policy.enforcement.quick_statements import QuickForms
from keystead.policy.enforcement.specialise import compile_residual, weight
from keystead.policy.evaluation import (
    IMPLICIT_DENY,
    ApplicablePolicies,
    Combination,
    Decision,
    Finding,
    Outcome,
    Question,
    documents,
    evaluate,
    work,
)

ROOM: Final = Room(of_owner=6 * MIB, in_all=64 * MIB)
"""For residuals: of the account that asks, with all the documents that they are made of."""

DISAGREEMENT = Finding(
    "0 internal",
    None,
    IMPLICIT_DENY,
    "enforcement and evaluation differ: refused, please report this as a defect",
)

_ALLOWED: Final = Outcome.ALLOWED


class Enforcer:
    """The residuals in use, and how often one differed from the definition.

    An installation has one, and every call gets it from there.
    """

    __slots__ = ("_forms", "_residuals", "_shapes", "disagreements")

    def __init__(self, room: Room = ROOM) -> None:
        self._residuals: BoundedCache[Combination, Residual] = BoundedCache(room)
        self._shapes = Shapes()
        self._forms = QuickForms()
        self.disagreements = 0

    def decide(self, question: Question) -> Decision:
        """May this principal do this to this resource?"""
        context, policies = question.context, question.policies
        key = policies.combination(context.action)
        residual = self._residuals.get(key)
        if residual is not None:
            verdict = residual(question)
            if verdict is REFUSED:
                return self._explained(question, key, verdict)
            return Decision(
                _ALLOWED, context.principal.arn, context.action, context.resource, verdict
            )
        account = context.principal.account
        residual = self._compiled(policies, context.action, account)
        decision = self._explained(question, key, residual(question))
        if key not in self._residuals:
            cost = weight(policies, context.action) + sum(len(part) for part in (key[0], key[-1]))
            self._residuals.put(key, residual, account, cost, documents(policies.every))
        return decision

    def _compiled(self, policies: ApplicablePolicies, action: str, account: str) -> Residual:
        """The residual, within the budget: what searches nothing has none to keep to."""
        taken = work(policies, action)
        if taken.is_hopeless:
            return _refuse
        residual = compile_residual(
            policies,
            action,
            partial(self._shapes.code, account),
            partial(self._forms.of, account),
        )
        if not taken.searches:
            return residual

        def within_budget(question: Question) -> Verdict:
            context = question.context
            if taken.exceeds(context.resource, context.keys):
                return REFUSED
            return residual(question)

        return within_budget

    @property
    def kept_bytes(self) -> int:
        """What the residuals take, with their documents."""
        return self._residuals.cost + self._shapes.kept_bytes + self._forms.kept_bytes

    def _explained(self, question: Question, key: Combination, verdict: Verdict) -> Decision:
        """The definition's answer, if it is the residual's too."""
        decision = evaluate(question)
        defined: Verdict = decision.kind if decision.allowed else REFUSED
        if defined is verdict:
            return decision
        self.disagreements += 1
        self._residuals.put(key, _refuse, question.context.principal.account, 0)
        return Decision(
            outcome=Outcome.IMPLICITLY_DENIED,
            principal_arn=decision.principal_arn,
            action=decision.action,
            resource=decision.resource,
            kind=None,
            trace=(DISAGREEMENT, *decision.trace),
            foreign=decision.foreign,
        )


def _refuse(question: Question) -> Verdict:  # noqa: ARG001  # as a residual's
    """What stands for a residual that was wrong, or that no request could afford."""
    return REFUSED
