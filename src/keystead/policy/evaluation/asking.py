"""How is a question built?  By one function, for every caller, resource and purpose.

Enforcement, `explain`, `who-can`, `simulate`, folders of policies, IAM's simulations and
`keystead decide` find a caller, a resource and facts in different places. One function then decides
for all of them which facts a condition sees, and which policies have a say.

`recalled` builds the question of a written refusal again. `about_a_name` gives the part of a
question that a stranger may know.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec
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


class OverAccount(msgspec.Struct, frozen=True):
    """What stands over the resources of one account."""

    resource_control: Levels = ()  # the RCPs
    keys: Keys = NO_KEYS  # `aws:resourceorgid`, `aws:resourceorgpaths`
    is_open: bool = True
    """Is the account open?  The policies of a closed account's resources speak for nobody."""


NOTHING_OVER: Final = OverAccount()

_OWN = frozenset(member.name for member in fields(PrincipalPolicies))
_OF_NETWORK = tuple(facts.part for facts in KINDS.values() if facts.whose is Whose.NETWORK)


class ResourceSide(Protocol):
    """The facts about a resource that a question needs."""

    @property
    def arn_text(self) -> str:
        """The ARN as policies see it, or "*"."""

    @property
    def owner(self) -> str:
        """The account that owns it; "" if no owner is known."""

    @property
    def resource_policies(self) -> tuple[PolicySource, ...]:
        """Its own policies: a key policy or a trust policy."""

    @property
    def resource_policy_required(self) -> bool:
        """Must its own policy allow or delegate?  (KMS keys, roles to be assumed)"""

    @property
    def grants(self) -> tuple[PolicySource, ...]:
        """The grants on it, as policies."""

    @property
    def condition_keys(self) -> Mapping[str, ContextValue]:
        """The condition keys that describe it, in lower case: `kms:keyspec`, …"""


def ask(
    principal: Principal,
    policies: PrincipalPolicies,
    action: str,
    resource: ResourceSide,
    keys: Keys,
    *,
    given: Keys = NO_KEYS,
    over: OverAccount = NOTHING_OVER,
    endpoint: PolicySource | None = None,
    across_accounts: bool | None = None,
) -> Question:
    """The question of one real or supposed request.

    `keys` are the keys of the principal and of every request. The keys of the resource replace
    them, first those of its owner. `given` replaces all others. It has the keys of the operation
    itself, or the keys that a person gives for a supposed request. `over` stands over the
    resource's account. `across_accounts`: does the action work across accounts?  The row of an
    operation tells it. With None it is looked up here.
    """
    owner = resource.owner
    if owner:
        facts = {
            **keys,
            "aws:resourceaccount": owner,
            **over.keys,
            **resource.condition_keys,
            **given,
        }
    else:
        facts = {**keys, **resource.condition_keys, **given}
    if across_accounts is None:
        across_accounts = works_across_accounts(ascii_lower(action))
    return Question(
        RequestContext(principal, action, resource.arn_text, owner, facts),
        ApplicablePolicies(
            policies,
            resource.resource_policies if over.is_open else (),
            resource.resource_policy_required,
            resource.grants if over.is_open else (),
            over.resource_control,
            endpoint,
            across_accounts,
        ),
    )


def recalled(context: RequestContext, members: Mapping[str, Any]) -> Question:
    """The question of a written refusal. `members` are the members of its policies, by name."""
    own = {name: value for name, value in members.items() if name in _OWN}
    others = {name: value for name, value in members.items() if name not in _OWN}
    return Question(context, ApplicablePolicies(PrincipalPolicies(**own), **others))


def about_a_name(question: Question, name: str, keys: Keys) -> Question:
    """The same question about a mere name, without the facts and policies of the resource.

    The policies of the caller stay, and so does the policy of the caller's network.
    """
    policies = question.policies
    kept = {part: getattr(policies, part) for part in _OF_NETWORK}
    return Question(
        replace(question.context, resource=name, keys=keys),
        ApplicablePolicies(policies.principal, **kept),
    )
