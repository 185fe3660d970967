"""One API call in progress: its caller, its request, and exactly what an operation may touch.

`Call` is the part that every service shares. `KmsCall`, `IamCall` and `StsCall` add the
collaborators of their room. The question "may they?" is asked here, and answered by
`policy.enforcement.enforce`. A Permit is made here and nowhere else.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec.structs import fields, replace

from keystead.audit.records import HIGH, Event, EventResource
from keystead.policy.enforcement import Enforcer
from keystead.policy.evaluation import (
    NO_KEYS,
    NOTHING_OVER,
    ContextValue,
    Decision,
    OverAccount,
    Permit,
    PolicySource,
    Principal,
    PrincipalPolicies,
    PrincipalType,
    Question,
    RefusedQuestion,
    ResourceSide,
    ask,
    evaluate,
)
from keystead.policy.reasons import refusal
from keystead.rules import Rules, Severity
from keystead.store.protocol import Transaction
from keystead.wire.http import Endpoint, HttpRequest
from keystead.wire.operation import Operation
from keystead.work import NO_SPARE, Done, Failed, Outcome, Spare, Work, WorkFailed


class Resource(ResourceSide, Protocol):
    """A resource in a question: a key, a user, a role, or a `Target` for all plainer ones."""

    @property
    def resource_type(self) -> str:
        """CloudTrail's type, "AWS::KMS::Key"; "" keeps it out of the event's resources."""


class Target(msgspec.Struct, frozen=True):
    """A resource without a policy of its own."""

    arn_text: str
    owner: str
    resource_type: str = ""
    resource_policies: tuple[PolicySource, ...] = ()
    resource_policy_required: bool = False
    grants: tuple[PolicySource, ...] = ()
    condition_keys: Mapping[str, ContextValue] = NO_KEYS


C = TypeVar("C", bound="Call")
R = TypeVar("R", bound=Resource)
T = TypeVar("T")


class Guardrails(Protocol):
    """The organization's ceilings. Without an organization there are none."""

    def over(self, account: str) -> OverAccount:
        """What stands over this account's resources."""


class NoOrganization:
    """No organization: nothing above the account."""

    def over(self, account: str) -> OverAccount:  # noqa: ARG002  # none has any
        return NOTHING_OVER


class Principals(Protocol):
    """Does this principal exist?  The identities, as far as policies of other rooms need them."""

    def unique_id(self, arn: str) -> str | None:
        """The unique id behind a principal's ARN as a policy names it, or None.

        A user or role gives AIDA… or AROA…, an account (root ARN) its twelve digits, a role
        session the id of its role, a federated user its account.
        """

    def arn(self, unique_id: str) -> str | None:
        """The ARN that a unique id has now, or None when it is gone."""


class Call(msgspec.Struct, kw_only=True):
    """One call in progress. The pipeline makes it for one request."""

    operation: Operation[Any, Any]
    rules: Rules  # the row of this operation, in the table of its service
    event: Event
    principal: Principal
    policies: PrincipalPolicies
    now: datetime
    region: str  # the Region of the signature's scope
    endpoint: Endpoint
    transaction: Transaction
    keys: dict[str, ContextValue]  # the global condition keys of this request, lower-case
    principals: Principals
    guardrails: Guardrails
    enforcer: Enforcer
    endpoint_policy: PolicySource | None = None
    asked: bool = False  # the pipeline answers nothing unasked
    outcomes: tuple[Outcome, ...] = ()  # of the work that earlier runs of this operation left
    spare: Spare = NO_SPARE  # for how long the loop may compute itself
    session: object | None = None  # behind temporary credentials, as the room of identities has it
    proof: HttpRequest | None = None  # without a signature of ours: the headers may be a proof

    @property
    def account(self) -> str:
        """The caller's account."""
        return self.principal.account

    def over(self, resource: Resource) -> OverAccount:
        """What stands over a resource."""
        return self.guardrails.over(resource.owner)

    def decide(
        self, action: str, resource: Resource, keys: Mapping[str, ContextValue] = NO_KEYS
    ) -> Decision:
        """Would this be allowed?  `keys` are the condition keys of this operation, lower-case.

        Nothing is done, so the question is only evaluated, and nothing is kept for the next time.
        """
        over = self.over(resource)
        return evaluate(self._question(action, resource, keys, over))

    def _question(
        self,
        action: str,
        resource: Resource,
        keys: Mapping[str, ContextValue],
        over: OverAccount,
    ) -> Question:
        return ask(
            self.principal,
            self.policies,
            action,
            resource,
            self.keys,
            given=keys,
            over=over,
            endpoint=self.endpoint_policy,
            across_accounts=self.rules.across_accounts,
        )

    def done(self, work: Work[T]) -> Done[T] | None:
        """The result of this work; None if it was not done, or done for facts that have changed."""
        for outcome in self.outcomes:
            if outcome.made_with == work.made_with:
                if isinstance(outcome, Failed):
                    raise WorkFailed(f"the work of {self.operation.name} failed")
                return outcome
        return None

    def mark(self) -> None:
        """Mark the record of this call: its severity is high, as the row of its operation says."""
        if self.rules.severity is Severity.ORDINARY:
            raise RuntimeError(f"{self.operation.name} has no severity")
        self.event.severity = HIGH

    def authorize(
        self, action: str, resource: R, keys: Mapping[str, ContextValue] = NO_KEYS
    ) -> Permit[R]:
        """May they?  A permit for this resource, or AccessDenied with the decision.

        An operation asks only about the actions of its row.
        """
        if action not in self.rules.asks:
            raise RuntimeError(f"{self.operation.name} does not ask about {action}")
        self.asked = True
        over = self.over(resource)
        question = ask(  # as `_question`, for every call
            self.principal,
            self.policies,
            action,
            resource,
            self.keys,
            given=keys,
            over=over,
            endpoint=self.endpoint_policy,
            across_accounts=self.rules.across_accounts,
        )
        decision = self.enforcer.decide(question)
        event, context = self.event, question.context
        event.decisions.append(decision)
        if resource.resource_type:
            event.resources.append(
                EventResource(context.resource_account, resource.resource_type, context.resource)
            )
        if not decision.allowed:
            described = frozenset((*resource.condition_keys, *over.keys)).difference(keys)
            asked = RefusedQuestion(question, described, self.shown_as(resource))
            raise refusal(decision, asked)
        return Permit(resource, action, "allowed")

    def pass_endpoint(self) -> None:
        """Does the endpoint let this call through, which asks nothing else?

        Raises AccessDenied.
        """
        action = f"{self.operation.service.name}:{self.operation.name}"
        nothing = Target("*", self.principal.account)
        question = self._question(action, nothing, NO_KEYS, self.guardrails.over(nothing.owner))
        decision = self.enforcer.decide(question)
        self.event.decisions.append(decision)
        if not decision.allowed:
            raise refusal(decision, RefusedQuestion(question, frozenset(), ""))

    def shown_as(self, resource: Resource) -> str:  # noqa: ARG002  # rooms know their own
        """How a refusal names the resource to this caller; "" = by its ARN."""
        return ""

    def authorize_any(
        self, action: str, keys: Mapping[str, ContextValue] = NO_KEYS
    ) -> Permit[Target]:
        """May they, for an action without a resource (`*`)?"""
        return self.authorize(action, Target("*", self.principal.account), keys)


_NOBODYS: Mapping[str, Any] = {
    **dict.fromkeys(
        ("operation", "rules", "event", "now", "region", "endpoint", "transaction", "session")
    ),
    "principal": Principal(PrincipalType.ANONYMOUS, "anonymous", "", "anonymous"),
    "policies": PrincipalPolicies(),
    "keys": {},
}
"""What a request brings to its call: here there is no request."""


def opener(kind: type[C], **shared: Any) -> Callable[..., C]:
    """Makes the calls of one service, which share these values of the installation.

    Each call is a copy of nobody's call, with the values of its request. To look up the names of
    all values for each call would take three times as long.
    """
    factories = [
        each.name for each in fields(kind) if each.default_factory is not msgspec.NODEFAULT
    ]
    if factories:
        raise TypeError(f"calls would share {', '.join(factories)}")
    return partial(replace, kind(**_NOBODYS, **shared))
