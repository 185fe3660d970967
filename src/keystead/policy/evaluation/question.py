"""What is a question?  Who asks what of what, and which policies have a say.

INVARIANT: a RequestContext is built from verified facts only (threat-model PE-3). Names of
condition keys are lower-case here; an absent key is absent, never empty.
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
"""What a compiled decision depends on; see `ApplicablePolicies.combination`."""


class PolicySource(msgspec.Struct, frozen=True):
    """One policy at the place where it is attached: what a reason can name."""

    policy: Policy
    id: str  # the policy's ARN, or for an inline policy its name; a grant's id; "default"
    attached_to: str = ""  # ARN of the user, group, role, key, OU or account


class RequestContext(msgspec.Struct, frozen=True, gc=False):
    """What a request says: everything that the statements of a policy may ask about."""

    principal: Principal
    action: str  # "kms:Encrypt", AWS's own spelling
    resource: str  # ARN, or "*" for an action without a resource
    resource_account: str  # who owns the resource; the caller's account for "*"
    keys: Keys  # lower-case name -> value


class PrincipalPolicies(msgspec.Struct, frozen=True):
    """What bounds and empowers the caller, from the caller's own account.

    `ids` is derived: it is the same for two callers exactly when the same documents apply.
    """

    identity_based: tuple[PolicySource, ...] = ()  # inline, managed and group policies
    boundary: PolicySource | None = None
    session: tuple[PolicySource, ...] | None = None  # None = no session policy was passed
    service_control: tuple[tuple[PolicySource, ...], ...] = ()  # per level, root -> account
    ids: str = ""

    @property
    def every(self) -> Iterator[PolicySource]:
        """All of them."""
        one = () if self.boundary is None else (self.boundary,)
        return chain(self.identity_based, one, self.session or (), *self.service_control)

    def __post_init__(self) -> None:
        boundary = () if self.boundary is None else (self.boundary,)
        session = "none" if self.session is None else _ids(self.session)
        levels = ";".join(_ids(level) for level in self.service_control)
        ids = f"{_ids(self.identity_based)}|{_ids(boundary)}|{session}"
        force_setattr(self, "ids", f"{ids}|{len(self.service_control)}|{levels}")


class ApplicablePolicies(msgspec.Struct, frozen=True):
    """Every policy that has a say in one decision, by kind.

    A kind that does not apply is empty or None and restricts nothing, except that a resource with
    `resource_policy_required` (a KMS key, a role to be assumed) must allow or delegate, and that
    a federated user without a session policy has no identity-based permissions (iam.md 5.2).
    No resource control policies are passed for an AWS managed key (iam.md 5.6).
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
        """All of them but the grants."""
        one = () if self.endpoint is None else (self.endpoint,)
        return chain(self.principal.every, self.resource_based, one, *self.resource_control)

    def combination(self, action: str) -> Combination:
        """What a compiled decision on this action depends on: the documents, how they are asked.

        Grants are not among them, because there may be one for each key.
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

    Everything that a decision depends on. What follows from it is worked out when it is needed.
    """

    context: RequestContext
    policies: ApplicablePolicies

    @property
    def action(self) -> str:
        """The action in lower case, as statements are compared with it."""
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
        """The same request, asked under other policies."""
        return Question(self.context, policies)

    def with_keys(self, keys: Keys) -> "Question":
        """The same question of a request with other condition keys."""
        return Question(replace(self.context, keys=keys), self.policies)


class RefusedQuestion(msgspec.Struct, frozen=True):
    """A question that was refused, with what to mind when it is told to others."""

    question: Question
    described: frozenset[str] = frozenset()  # the keys that describe the resource, not the request
    shown_as: str = ""  # how the caller may hear of the resource, when not by its ARN


def documents(sources: Iterable[PolicySource]) -> Shared:
    """The compiled documents, as parts of a value that is kept, each with what it costs."""
    return tuple((one.policy, one.policy.weight or weigh(one.policy)) for one in sources)


def _ids(sources: tuple[PolicySource, ...]) -> str:
    return ",".join([source.policy.id for source in sources])
