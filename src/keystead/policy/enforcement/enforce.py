"""May they, quickly?  `Call.authorize` uses a residual, kept by document ids, or else `evaluate`.

A residual may allow. It then tells the kind of policy that allows, but gives no trace. Every
refusal is decided and explained by `evaluate`. The first answer of a new residual is compared with
`evaluate` as well.

A difference between the two is our bug. Then the call is refused, whichever of them allows, and the
difference is counted for the operator (`disagreements`). A residual that was wrong once is never
used again: from then on every call under these documents is refused.

INVARIANT: a residual depends only on its key: the ids of the documents, the flags of the question,
and the action.
"""

from collections.abc import Callable
from functools import partial
from types import CodeType
from typing import Final

from keystead.caches import MIB, BoundedCache, Room
from keystead.policy.enforcement.codegen import (
    REFUSED,
    Residual,
    Shapes,
    Verdict,
    compile_code,
    cost_of_code,
)
from keystead.policy.enforcement.quick_statements import (
    Quick,
    QuickForms,
    QuickStatement,
    quick_form,
)
from keystead.policy.enforcement.quick_statements import weight as cost_of_form
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
from keystead.policy.language import Policy, Statement
from keystead.work import AT_ONCE, Preparations

ROOM: Final = Room(of_owner=6 * MIB, in_all=64 * MIB)
"""The room for residuals and their documents. They count for the account of the caller."""

DISAGREEMENT = Finding(
    "0 internal",
    None,
    IMPLICIT_DENY,
    "enforcement and evaluation differ: refused, please report this as a defect",
)

_ALLOWED: Final = Outcome.ALLOWED


class Enforcer:
    """The residuals in use, and the number of differences from the definition.

    An installation has one Enforcer, and every call gets it from there.
    """

    __slots__ = ("_forms", "_preparations", "_residuals", "_shapes", "disagreements")

    def __init__(self, room: Room = ROOM, preparations: Preparations | None = None) -> None:
        self._preparations = preparations or Preparations()
        self._residuals: BoundedCache[Combination, Residual] = BoundedCache(room)
        self._shapes = Shapes()
        self._forms = QuickForms()
        self.disagreements = 0

    def decide(self, question: Question) -> Decision:
        """May this principal do this to this resource?"""
        context, policies = question.context, question.policies
        key = policies.combination(context.action)
        residual = self._residuals.used[key]
        if residual is not None:
            verdict = residual(question)
            if verdict is REFUSED:
                return self._explained(question, key, verdict)
            return Decision(
                _ALLOWED, context.principal.arn, context.action, context.resource, verdict
            )
        account = context.principal.account
        residual, cost = self._compiled(policies, key, account)
        decision = self._explained(question, key, residual(question))
        if key not in self._residuals:
            cost += sum(len(part) for part in (key[0], key[-1]))
            self._residuals.put(key, residual, account, cost, documents(policies.every))
        return decision

    def _compiled(
        self, policies: ApplicablePolicies, key: Combination, account: str
    ) -> tuple[Residual, int]:
        """The residual, and the bytes that it takes. Long documents are read beside the loop."""
        action = key[2]
        length = sum(len(source.policy.text) for source in policies.every)
        if length > AT_ONCE:
            return self._preparations.make(length, key, _alone, policies, action)
        code, quick = partial(self._shapes.code, account), partial(self._forms.of, account)
        return _residual(policies, action, code, quick), weight(policies, action)

    @property
    def kept_bytes(self) -> int:
        """The bytes that the residuals and their documents take."""
        return self._residuals.cost + self._shapes.kept_bytes + self._forms.kept_bytes

    def _explained(self, question: Question, key: Combination, verdict: Verdict) -> Decision:
        """The decision of the definition. If the residual's verdict differs, a refusal."""
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


def _residual(
    policies: ApplicablePolicies, action: str, code: Callable[[str], CodeType], quick: Quick
) -> Residual:
    """The residual. If it searches texts, it also refuses requests over the budget."""
    taken = work(policies, action)
    if taken.is_hopeless:
        return _refuse
    residual = compile_residual(policies, action, code, quick)
    if not taken.searches:
        return residual

    def within_budget(question: Question) -> Verdict:
        context = question.context
        if taken.exceeds(context.resource, context.keys):
            return REFUSED
        return residual(question)

    return within_budget


def _alone(policies: ApplicablePolicies, action: str) -> tuple[Residual, int]:
    """The same in any thread: with code and quick forms of its own, which count in its bytes."""
    added = [weight(policies, action)]

    def code(text: str) -> CodeType:
        added.append(cost_of_code(text))
        return compile_code(text)

    def quick(_: Policy, statement: Statement) -> QuickStatement:
        added.append(cost_of_form(statement))
        return quick_form(statement)

    return _residual(policies, action, code, quick), sum(added)


def _refuse(question: Question) -> Verdict:  # noqa: ARG001  # as a residual's
    """The residual that replaces a wrong one, or one that exceeds the budget in every request."""
    return REFUSED
