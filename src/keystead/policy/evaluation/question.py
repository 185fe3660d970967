"""Which parts has a question?  A caller, an action, a resource, facts, and policies with a say.

INVARIANT: a RequestContext is built from verified facts only (threat-model PE-3). Names of
condition keys are in lower case. A key without a value has no entry; it is never empty.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec
from msgspec.structs import force_setattr, replace

from keystead.caches import Shared, weigh
from keystead.policy.evaluation.kinds import PolicyKind
from keystead.policy.evaluation.service_rules import resource_kind
from keystead.policy.language import (
    OUTSIDERS,
    ContextValue,
    Keys,
    Policy,
    Principal,
    PrincipalType,
)
from keystead.policy.text import ascii_lower

__all__ = [
    "ApplicablePolicies",
    "Combination",
    "ContextValue",
    "Keys",
    "PolicySource",
    "Principal",
    "PrincipalPolicies",
    "PrincipalType",
    "Question",
    "RefusedQuestion",
    "RequestContext",
    "documents",
]

Combination = tuple[str, str, str, bool, bool, bool, str, str]
"""The key of a compiled decision (`ApplicablePolicies.combination`)."""


class PolicySource(msgspec.Struct, frozen=True):
    """One policy, and the place where it is attached. A reason names both."""

    policy: Policy
    id: str  # the policy's ARN, or for an inline policy its name; a grant's id; "default"
    attached_to: str = ""  # ARN of the user, group, role, key, OU or account


class RequestContext(msgspec.Struct, frozen=True, gc=False):
    """A request: everything on which the statements of a policy may depend."""

    principal: Principal
    action: str  # "kms:Encrypt", AWS's own spelling
    resource: str  # ARN, or "*" for an action without a resource
    resource_account: str  # the owner of the resource; the caller's account for "*"
    keys: Keys  # lower-case name -> value


class PrincipalPolicies(msgspec.Struct, frozen=True):
    """The policies that the caller has from its own account and organization.

    `ids` is derived. Two callers have the same `ids` exactly when the same documents apply.
    """

    identity_based: tuple[PolicySource, ...] = ()  # inline, managed and group policies
    boundary: PolicySource | None = None
    session: tuple[tuple[PolicySource, ...], ...] = ()  # per level; () = none was passed
    service_control: tuple[tuple[PolicySource, ...], ...] = ()  # per level, root -> account
    scope_down: tuple[tuple[PolicySource, ...], ...] = ()  # per level; bind every caller
    ids: str = ""

    @property
    def every(self) -> Iterator[PolicySource]:
        """All of them."""
        boundary = () if self.boundary is None else (self.boundary,)
        levels = (*self.session, *self.service_control, *self.scope_down)
        return chain(self.identity_based, boundary, *levels)

    def __post_init__(self) -> None:
        boundary = () if self.boundary is None else (self.boundary,)
        parts = [_ids(self.identity_based), _ids(boundary)]
        for levels in (self.session, self.service_control, self.scope_down):
            parts += [str(len(levels)), ";".join(map(_ids, levels))]
        force_setattr(self, "ids", "|".join(parts))


class ApplicablePolicies(msgspec.Struct, frozen=True):
    """Every policy that has a say in one decision, by kind.

    A kind that does not apply is empty or None, and restricts nothing. There are two exceptions
    (iam.md 5.2). A resource with `resource_policy_required` (a KMS key, a role to be assumed) must
    allow or delegate. A federated user without a session policy has no identity-based permissions.

    For an AWS managed key no resource control policies are passed (iam.md 5.6).
    """

    principal: PrincipalPolicies
    resource_based: tuple[PolicySource, ...] = ()
    resource_policy_required: bool = False
    grants: tuple[PolicySource, ...] = ()
    resource_control: tuple[tuple[PolicySource, ...], ...] = ()  # per level, root -> account
    endpoint: PolicySource | None = None
    cross_account_allowed: bool = True  # False: an operation that never works across accounts
    sessions_always_bound: bool = False  # True: stricter than AWS's documentation (iam.md 5.4)

    @property
    def every(self) -> Iterator[PolicySource]:
        """All policies but the grants."""
        principal, way = self.principal.every, self.of_way
        return chain(principal, self.resource_based, way, *self.resource_control)

    @property
    def of_way(self) -> tuple[PolicySource, ...]:
        """Those of the way by which a request comes. They bind what needs no permission, too."""
        return () if self.endpoint is None else (self.endpoint,)

    @property
    def alone_of_way(self) -> "ApplicablePolicies":
        """Those of the way, and no others."""
        return ApplicablePolicies(PrincipalPolicies(), endpoint=self.endpoint)

    def combination(self, action: str) -> Combination:
        """The key of a compiled decision on this action: the ids of its documents, and its flags.

        Grants are not in it, because each key may have its own.
        """
        resource, endpoint = self.resource_based, self.endpoint
        return (
            self.principal.ids,
            resource[0].policy.id if len(resource) == 1 else _ids(resource),
            action,
            self.resource_policy_required,
            self.cross_account_allowed,
            self.sessions_always_bound,
            "" if endpoint is None else endpoint.policy.id,
            ";".join(map(_ids, self.resource_control)) if self.resource_control else "",
        )


class Question(msgspec.Struct, frozen=True):
    """May this principal do this to this resource, here and now, under these policies?

    It is everything that a decision depends on. Derived facts are worked out when they are needed.
    """

    context: RequestContext
    policies: ApplicablePolicies

    @property
    def action(self) -> str:
        """The action in lower case. Statements are compared with it."""
        return ascii_lower(self.context.action)

    @property
    def bounded(self) -> bool:
        """Has the caller a permissions boundary?"""
        return self.policies.principal.boundary is not None

    @property
    def foreign(self) -> bool:
        """Does the resource belong to another account than the caller?"""
        context = self.context
        principal = context.principal
        return principal.account != context.resource_account and principal.type not in OUTSIDERS

    @property
    def resource_kind(self) -> PolicyKind:
        """The kind of the resource's own policy."""
        return resource_kind(self.action)

    def under(self, policies: ApplicablePolicies) -> "Question":
        """The same request under other policies."""
        return Question(self.context, policies)

    def with_keys(self, keys: Keys) -> "Question":
        """The same question with other condition keys."""
        return Question(replace(self.context, keys=keys), self.policies)


class RefusedQuestion(msgspec.Struct, frozen=True):
    """A question that was refused, and two facts that matter when others are told of it."""

    question: Question
    described: frozenset[str] = frozenset()  # the keys that describe the resource, not the request
    shown_as: str = ""  # the name by which the caller may know the resource; "" is its ARN


def documents(sources: Iterable[PolicySource]) -> Shared:
    """The compiled documents as shared parts of a cached value, each with its weight in bytes."""
    return tuple((s.policy, s.policy.weight or weigh(s.policy)) for s in sources)


def _ids(sources: tuple[PolicySource, ...]) -> str:
    return ",".join([source.policy.id for source in sources])
