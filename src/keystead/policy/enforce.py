"""May they, quickly?  What `Call.decide` uses: the residual, kept by document ids, else `evaluate`.

An allowance comes from the residual and says which kind of policy gave it; `evaluate` gives its
full trace. Every refusal is decided and explained by `evaluate`, and the first answer of a new
residual is compared with it. A difference between the two is our bug: it refuses, whatever either
says, and is counted for whoever watches (`disagreements`). From then on nobody is allowed by these
documents: the residual that was wrong once is never asked again.

INVARIANT: a residual depends only on what it is kept under: the ids of the documents, how they
are asked, and the action.
"""

from typing import Final

from keystead.policy.budget import work
from keystead.policy.context import ApplicablePolicies, Combination, RequestContext
from keystead.policy.decision import Decision, Finding, Outcome
from keystead.policy.evaluate import evaluate
from keystead.policy.generated import REFUSED, Residual, Verdict
from keystead.policy.residual import compile_residual
from keystead.policy.steps import IMPLICIT_DENY

MOST_RESIDUALS: Final = 8192

DISAGREEMENT = Finding(
    "0 internal",
    None,
    IMPLICIT_DENY,
    "enforcement and evaluation differ: refused, please report this as a defect",
)

_ALLOWED: Final = Outcome.ALLOWED


class Enforcer:
    """The residuals in use, and how often one differed from the definition."""

    __slots__ = ("_residuals", "disagreements")

    def __init__(self) -> None:
        self._residuals: dict[Combination, Residual] = {}
        self.disagreements = 0

    def decide(self, context: RequestContext, policies: ApplicablePolicies) -> Decision:
        """May this principal do this to this resource?"""
        key = policies.combination(context.action)
        residual = self._residuals.get(key)
        if residual is not None:
            verdict = residual(context, policies)
            if verdict is REFUSED:
                return self._explained(context, policies, key, verdict)
            return Decision(
                _ALLOWED, context.principal.arn, context.action, context.resource, verdict
            )
        residual = _compiled(policies, context.action)
        decision = self._explained(context, policies, key, residual(context, policies))
        if key not in self._residuals:
            self._keep(key, residual)
        return decision

    def _keep(self, key: Combination, residual: Residual) -> None:
        if len(self._residuals) >= MOST_RESIDUALS:
            del self._residuals[next(iter(self._residuals))]
        self._residuals[key] = residual

    def _explained(
        self,
        context: RequestContext,
        policies: ApplicablePolicies,
        key: Combination,
        verdict: Verdict,
    ) -> Decision:
        """The definition's answer, if it is the residual's too."""
        decision = evaluate(context, policies)
        defined: Verdict = decision.kind if decision.allowed else REFUSED
        if defined is verdict:
            return decision
        self.disagreements += 1
        self._keep(key, _refuse)
        return Decision(
            outcome=Outcome.IMPLICITLY_DENIED,
            principal_arn=decision.principal_arn,
            action=decision.action,
            resource=decision.resource,
            kind=None,
            trace=(DISAGREEMENT, *decision.trace),
            foreign=decision.foreign,
        )


def _compiled(policies: ApplicablePolicies, action: str) -> Residual:
    """The residual, within the budget: what searches nothing has none to keep to."""
    taken = work(policies, action)
    if taken.is_hopeless:
        return _refuse
    residual = compile_residual(policies, action)
    if not taken.searches:
        return residual

    def within_budget(context: RequestContext, policies: ApplicablePolicies) -> Verdict:
        if taken.exceeds(context.resource, context.keys):
            return REFUSED
        return residual(context, policies)

    return within_budget


def _refuse(context: RequestContext, policies: ApplicablePolicies) -> Verdict:  # noqa: ARG001
    """What stands for a residual that was wrong, or that no request could afford."""
    return REFUSED


ENFORCER: Final = Enforcer()
"""The one that every call uses: what it keeps depends on nothing but the documents."""

decide = ENFORCER.decide


def disagreements() -> int:
    """How often enforcement and evaluation differed since the start; anything but 0 is a defect."""
    return ENFORCER.disagreements
