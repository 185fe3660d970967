"""How is a question built?  By one function, for every caller, resource and purpose.

Enforcement, `explain`, `who-can`, `simulate`, folders of policies, IAM's simulations and
`keystead decide` differ in where they find a caller, a resource and facts. What becomes of these
is the same for all of them: which facts a condition sees, and which policies have a say. A
refusal that was written down is the same question again, and what a stranger may know of one is a
part of it (`recalled`, `about_a_name`).
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from msgspec.structs import fields, replace

from keystead.policy.evaluation.kinds import KINDS, Whose
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    Keys,
    PolicySource,
    Principal,
    PrincipalPolicies,
    Question,
    RequestContext,
)
from keystead.policy.evaluation.service_rules import works_across_accounts
from keystead.policy.language import ContextValue
from keystead.policy.text import ascii_lower

NO_KEYS: Final[Mapping[str, ContextValue]] = {}

Levels = tuple[tuple[PolicySource, ...], ...]
"""Sets of policies, one for each level; each level must allow."""

_OWN = frozenset(member.name for member in fields(PrincipalPolicies))
_OF_NETWORK = tuple(facts.part for facts in KINDS.values() if facts.whose is Whose.NETWORK)


class ResourceSide(Protocol):
    """What a question needs of a resource."""

    @property
    def arn_text(self) -> str:
        """The ARN as policies see it, or "*"."""

    @property
    def owner(self) -> str:
        """The account that owns it; "" when nobody is known to."""

    @property
    def resource_policies(self) -> tuple[PolicySource, ...]:
        """Its own policies: the key policy, the trust policy."""

    @property
    def resource_policy_required(self) -> bool:
        """Must its own policy allow or delegate?  (KMS keys, roles to be assumed)"""

    @property
    def grants(self) -> tuple[PolicySource, ...]:
        """Grants on it, as statements."""

    @property
    def condition_keys(self) -> Mapping[str, ContextValue]:
        """Condition keys that describe it, lower-case: `kms:keyspec`, `aws:resourcetag/team`."""


def ask(
    principal: Principal,
    policies: PrincipalPolicies,
    action: str,
    resource: ResourceSide,
    keys: Keys,
    *,
    given: Keys = NO_KEYS,
    resource_control: Levels = (),
    endpoint: PolicySource | None = None,
    across_accounts: bool | None = None,
) -> Question:
    """The question of one request, real or supposed.

    `keys` are those of the principal and of every request. Those of the resource come over them,
    its owner first. `given` comes over all: the keys of the operation itself, or what a person
    who supposes a request says of it. The RCPs are those over the resource's account. Whether the
    action works across accounts is told by its row, or looked up here.
    """
    owner = resource.owner
    if owner:
        facts = {**keys, "aws:resourceaccount": owner, **resource.condition_keys, **given}
    else:
        facts = {**keys, **resource.condition_keys, **given}
    if across_accounts is None:
        across_accounts = works_across_accounts(ascii_lower(action))
    return Question(
        RequestContext(principal, action, resource.arn_text, owner, facts),
        ApplicablePolicies(
            policies,
            resource.resource_policies,
            resource.resource_policy_required,
            resource.grants,
            resource_control,
            endpoint,
            across_accounts,
        ),
    )


def recalled(context: RequestContext, members: Mapping[str, Any]) -> Question:
    """The question that was asked: `members` of its policies by name, those of the caller too."""
    own = {name: value for name, value in members.items() if name in _OWN}
    others = {name: value for name, value in members.items() if name not in _OWN}
    return Question(context, ApplicablePolicies(PrincipalPolicies(**own), **others))


def about_a_name(question: Question, name: str, keys: Keys) -> Question:
    """The same question about a mere name: without all that is known of the resource.

    What binds the caller stays, with the policy of the network that it came by.
    """
    policies = question.policies
    kept = {part: getattr(policies, part) for part in _OF_NETWORK}
    return Question(
        replace(question.context, resource=name, keys=keys),
        ApplicablePolicies(policies.principal, **kept),
    )
