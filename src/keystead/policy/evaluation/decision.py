"""Which decision was made, why, and how is it proved?

A Decision carries its own explanation: the deciding kind of policy, the deciding statements, and a
trace with a Finding for each step of the evaluation. A Permit proves that a Decision allowed this
use of this resource. Custody opens keys, and credentials are issued, only for a Permit.
"""

from enum import StrEnum
from typing import Final, Generic, TypeVar

import msgspec

from keystead.errors import AwsError
from keystead.policy.evaluation.kinds import OF_CALLER, OF_ORGANIZATION, OF_OWNER, PolicyKind
from keystead.policy.evaluation.question import RefusedQuestion

__all__ = [
    "OVER_BUDGET",
    "AccessDenied",
    "DecidingStatement",
    "Decision",
    "Finding",
    "Outcome",
    "Permit",
    "PolicyKind",
]

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Outcome(StrEnum):
    """The three results of an evaluation. The values are those of `keystead decide`."""

    ALLOWED = "Allowed"
    IMPLICITLY_DENIED = "ImplicitlyDenied"
    EXPLICITLY_DENIED = "ExplicitlyDenied"


_ARTICLES = {PolicyKind.TRUST: "the", PolicyKind.IDENTITY: "an"}
_NOT_OURS = (
    "because the resource does not exist in this Region, no resource-based policies allow access,"
    " or a resource-based policy explicitly denies access"
)
_TOLD_BY_ARN = OF_CALLER | OF_ORGANIZATION


class DecidingStatement(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A statement that decided: its policy, its position and its Sid."""

    kind: PolicyKind
    policy: str  # PolicySource.id
    attached_to: str
    index: int  # position in the document, from 0
    sid: str
    effect: str  # "Allow" or "Deny"


class Finding(msgspec.Struct, frozen=True, gc=False):
    """The result of one step of the evaluation."""

    step: str  # "1 explicit deny", "4 identity-based policies", …
    kind: PolicyKind | None
    effect: str  # "allow", "explicit deny", "implicit deny", "no effect", "delegated"
    detail: str = ""  # one sentence for a person
    statements: tuple[DecidingStatement, ...] = ()


_ALLOWED: Final = Outcome.ALLOWED  # a member of an Enum takes 80 ns to find

OVER_BUDGET = Finding(
    "0 budget",
    None,
    "explicit deny",
    "the comparison with so many or such long patterns would take too long",
)


class Decision(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The answer to one question, with its reasons."""

    outcome: Outcome
    principal_arn: str
    action: str
    resource: str
    kind: PolicyKind | None  # the kind of policy that decided; None for root's default allow
    statements: tuple[DecidingStatement, ...] = ()
    trace: tuple[Finding, ...] = ()
    foreign: bool = False  # does the resource belong to another account?
    place: str = ""  # the words that replace `on resource: …` in the message

    @property
    def allowed(self) -> bool:
        return self.outcome is _ALLOWED

    @property
    def over_budget(self) -> bool:
        """Was nothing compared, because the comparison would have taken too long?"""
        return OVER_BUDGET in self.trace

    @property
    def message(self) -> str:
        """AWS's sentence for this refusal (iam.md 7.1, kms.md 8.4).

        About another account's resource it only tells which permission the caller's own side lacks.
        It does not tell whether the resource exists, nor the content of its policy (threat-model
        KM-2).
        """
        reason = self._told_reason
        return (
            f"User: {self.principal_arn} is not authorized to perform: {self.action}"
            f"{self._told_place}{reason and f' {reason}'}"
        )

    @property
    def reason(self) -> str:
        """The reason of the refusal, for an operator; "" if no policy decided."""
        if self.kind is None:
            return ""
        if self.outcome is Outcome.EXPLICITLY_DENIED:
            article = _ARTICLES.get(self.kind, "a")
            return f"with an explicit deny in {article} {self.kind.value}{self._told_policy}"
        return f"because no {self.kind.value} allows the {self.action} action"

    @property
    def _told_reason(self) -> str:
        service = self.action.lower().partition(":")[0]
        if not self.foreign or not (self.kind in OF_OWNER or self._own_side_lacks):
            return self.reason
        if service == "kms":
            return _NOT_OURS if self.kind in OF_OWNER else self.reason
        kind = PolicyKind.TRUST if service == "sts" else PolicyKind.RESOURCE
        return f"because no {kind.value} allows the {self.action} action"

    @property
    def _told_place(self) -> str:
        if self.place:
            return self.place
        unnamed = self.foreign and (self.kind in OF_OWNER or self._own_side_lacks)
        if unnamed and self.action.lower().startswith("kms:"):
            return " on this resource"
        return f" on resource: {self.resource}"

    @property
    def _own_side_lacks(self) -> bool:
        return self.kind in OF_CALLER and self.outcome is not Outcome.EXPLICITLY_DENIED

    @property
    def _told_policy(self) -> str:
        """The policy's ARN at the end of newer messages. It is never one of another account."""
        foreign = self.foreign and self.kind is PolicyKind.RESOURCE_CONTROL
        if foreign or self.kind not in _TOLD_BY_ARN or not self.statements:
            return ""
        policy = self.statements[0].policy
        return f": {policy}" if policy.startswith("arn:") else ""


class AccessDenied(AwsError):
    """The refusal, with the Decision that explains it, and the question, to decide it again."""

    code = "AccessDeniedException"
    status = 400
    query_code = "AccessDenied"
    query_status = 403
    ec2_code = "UnauthorizedOperation"
    ec2_lead = "You are not authorized to perform this operation. "

    def __init__(
        self,
        decision: Decision | None,
        message: str | None = None,
        asked: RefusedQuestion | None = None,
        *,
        why: str = "",
    ) -> None:
        super().__init__(message if decision is None or message else decision.message, why=why)
        self.decision = decision
        self.asked = asked

    def reworded(self, message: str) -> "AccessDenied":
        """The same refusal in other words."""
        return AccessDenied(self.decision, message, self.asked)


class Permit(msgspec.Struct, Generic[R_co], frozen=True):
    """Proof that a Decision allowed this use of this resource.

    INVARIANT: a Permit is made only in `keystead.call`, after a Decision that allows, and by
    `for_system`. A test over the syntax tree asserts it.
    """

    resource: R_co
    action: str
    reason: str  # "allowed by …", or the system's reason

    @staticmethod
    def for_system(resource: R, action: str, reason: str) -> "Permit[R]":
        """A permit for work without a caller (rotation, deletion). Its user records the work."""
        return Permit(resource, action, f"system: {reason}")
