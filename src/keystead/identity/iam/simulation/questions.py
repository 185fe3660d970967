"""Which questions does a simulation ask?  Each of its actions about each of its resources.

The resource's own policy applies if the request gives one. Without it a resource in the caller's
account has no policy, and a resource of another account stays closed. For a caller without a name
no resource is in another account. RCPs and the policies of endpoints never apply, because no
request can give any (iam.md 1.9).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from keystead.arns import account_in, is_account_id, written
from keystead.call import Target
from keystead.identity.iam.simulation import caller_and_facts
from keystead.identity.iam.simulation.policies import resource_policy
from keystead.identity.names import root_arn
from keystead.policy.evaluation import (
    Keys,
    PolicySource,
    Principal,
    PrincipalPolicies,
    Question,
    ask,
    policy_required,
)
from keystead.policy.language import DocumentKind
from keystead.policy.reasons import could_apply, dialect_of, owner_of, resource_document
from keystead.policy.text import ascii_lower
from keystead.wire.models import iam as api

EVERYTHING = "*"
READ_AT_ONCE = 500_000
"""The characters of policies that one page may read, counted for each of its questions. Reading
them takes a fraction of a second."""

_A_QUESTION, _A_KEY = 200, 5  # their cost beside the policies, in characters

_OPTIONS = frozenset(
    {
        "EC2-Classic-InstanceStore",
        "EC2-Classic-EBS",
        "EC2-VPC-InstanceStore",
        "EC2-VPC-InstanceStore-Subnet",
        "EC2-VPC-EBS",
        "EC2-VPC-EBS-Subnet",
    }
)


class SimulationRequest(Protocol):
    """The parameters that both simulations have."""

    @property
    def action_names(self) -> list[str]: ...
    @property
    def resource_arns(self) -> list[str] | None: ...
    @property
    def resource_policy(self) -> str | None: ...
    @property
    def resource_owner(self) -> str | None: ...
    @property
    def caller_arn(self) -> str | None: ...
    @property
    def context_entries(self) -> list[api.ContextEntry] | None: ...
    @property
    def resource_handling_option(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Questions:
    """The parts that all questions of a simulation share; only action and resource change."""

    actions: Sequence[str]
    resources: Sequence[str]
    principal: Principal
    known: Keys  # of the principal
    given: Keys  # by ContextEntries
    own: PrincipalPolicies
    resource_policy: str | None
    owner: str  # of resources whose ARN names none
    compiled: dict[DocumentKind, PolicySource] = field(default_factory=dict)  # resource_policy

    def ask(self, action: str, resource: str) -> Question:
        """One question."""
        name, owner = ascii_lower(action), owner_of(resource) or self.owner
        own_policy = self.policy_of(name, resource)
        return ask(
            self.principal,
            self.own,
            action,
            Target(
                resource,
                owner if self.principal.arn else self.principal.account,
                resource_policies=own_policy,
                resource_policy_required=bool(own_policy) and policy_required(name, resource),
                condition_keys={"aws:resourceaccount": owner},
            ),
            self.known,
            given=self.given,
        )

    def policy_of(self, action: str, resource: str) -> tuple[PolicySource, ...]:
        """The resource's own policy, as an action in lower case asks it."""
        if self.resource_policy is None:
            return ()
        kind = resource_document(action, resource)
        if kind not in self.compiled:
            self.compiled[kind] = resource_policy(self.resource_policy, kind)
        return (self.compiled[kind],)

    @property
    def facts(self) -> Keys:
        """The known facts of a request about any resource."""
        return {**self.known, **self.given}

    @property
    def sources(self) -> tuple[PolicySource, ...]:
        """Every policy whose statements may be named."""
        boundary = () if self.own.boundary is None else (self.own.boundary,)
        resource = self.policy_of(ascii_lower(self.actions[0]), self.resources[0])
        return (*self.own.identity_based, *boundary, *resource)

    @property
    def length(self) -> int:
        """Characters that one action has to read, for all of its resources."""
        levels = (source for level in self.own.service_control for source in level)
        policies = sum(len(source.policy.text) for source in (*self.sources, *levels))
        return (policies + _A_QUESTION + _A_KEY * len(self.facts)) * len(self.resources)

    @property
    def actions_at_once(self) -> int:
        """How many actions one page answers."""
        return READ_AT_ONCE // self.length


def require_askable(request: SimulationRequest) -> None:
    """Refuse actions and resources that nobody can ask about."""
    resources = request.resource_arns or [EVERYTHING]
    _require_actions(request.action_names)
    _require_resources(resources)
    _require_option(request, resources)


def questions(
    request: SimulationRequest, own: PrincipalPolicies, principal: Principal, known: Keys
) -> Questions:
    """What a request asks; raises InvalidInput for what cannot be asked."""
    asked = Questions(
        actions=request.action_names,
        resources=request.resource_arns or [EVERYTHING],
        principal=principal,
        known=known,
        given=caller_and_facts.entries(request.context_entries),
        own=own,
        resource_policy=request.resource_policy,
        owner=_owner(request.resource_owner) or principal.account,
    )
    _require_few(asked)
    _require_applicable(asked)
    return asked


def _require_actions(actions: Sequence[str]) -> None:
    """Refuse texts that are not actions, and wildcards. Actions of any service are allowed."""
    if not actions:
        raise api.InvalidInputException("ActionNames cannot be null or empty.")
    for action in actions:
        service, colon, name = action.partition(":")
        if not colon or not service or not name or ":" in name:
            raise api.InvalidInputException(
                f"Invalid action: {action} must be a service and the name of an operation,"
                " such as iam:CreateUser."
            )
        if set(action) & set("*? \t\r\n"):
            raise api.InvalidInputException(
                f"Invalid action: {action} must not contain wildcards or spaces."
            )


def _require_resources(resources: Sequence[str]) -> None:
    for resource in resources:
        if resource == EVERYTHING and len(resources) == 1:
            continue
        arn = written(resource)
        if (
            arn is None
            or arn.prefix != "arn"
            or not (arn.partition and arn.service and arn.resource)
        ):
            raise api.InvalidInputException(
                f"ResourceNames are not in a valid ARN format: {resource}."
            )


def _require_option(request: SimulationRequest, resources: Sequence[str]) -> None:
    """Refuse options that EC2 does not have, and options for other services."""
    option = request.resource_handling_option
    if option is None:
        return
    if option not in _OPTIONS:
        raise api.InvalidInputException(f"Invalid resource handling option: {option}.")
    for action in request.action_names:
        if resources != [EVERYTHING] and not ascii_lower(action).startswith("ec2:"):
            raise api.InvalidInputException(
                "Invalid input resource handling options. Action does not support resource"
                f" handling options: {action}."
            )


def _owner(text: str | None) -> str:
    """The account whose root ARN ResourceOwner is; "" without one."""
    if text is None:
        return ""
    account = account_in(text)
    if not is_account_id(account) or text != root_arn(account):
        raise api.InvalidInputException(f"'{text}' is not a valid as a Resource Owner.")
    return account


def _require_few(asked: Questions) -> None:
    """Refuse a request if one page cannot answer even one action."""
    if asked.actions_at_once == 0:
        raise api.InvalidInputException(
            "The policies are too long to be simulated for so many resources at once."
        )


def _require_applicable(asked: Questions) -> None:
    """Refuse a resource policy that cannot be read, or that does not concern a resource."""
    if asked.resource_policy is None:
        return
    for action in _one_of_each(asked.actions):
        for resource in asked.resources:
            (source,) = asked.policy_of(action, resource)
            if not _speaks_of(source, resource, asked.facts):
                raise api.InvalidInputException(
                    f"The resource policy is not applicable to resource {resource}."
                )


def _one_of_each(actions: Iterable[str]) -> list[str]:
    """One action that assumes roles and one that does not: they read a policy differently."""
    return list({name.startswith("sts:"): name for name in map(ascii_lower, actions)}.values())


def _speaks_of(source: PolicySource, resource: str, keys: Keys) -> bool:
    dialect = dialect_of(source.policy)
    return any(
        could_apply(statement, dialect, resource, keys) for statement in source.policy.statements
    )
