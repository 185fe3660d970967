"""Which resource does an ARN mean in a question?  The resource of a request with this action.

A key has its policy and its condition keys. An alias means the key behind it, with the
`kms:RequestAlias` of a request that names the key so. For actions that change an alias it means the
alias itself. Users, roles, managed policies, instances and endpoints of networks have their tags. A
role that is to be assumed has its trust policy, too, and so has the root user of a member account.
What a part of an organization is asked about is let to members by the organization. Any other
resource has neither a policy nor condition keys, and need not exist.
"""

from typing import Protocol, TypeVar

from keystead.arns import Arn, NotAnArn
from keystead.call import Resource, Target
from keystead.failures import Failure
from keystead.kms.keys import Key
from keystead.kms.rules import ACTIONS_BY_ALIAS
from keystead.policy.evaluation import ALIAS_CHANGES
from keystead.policy.reasons import owner_of
from keystead.policy.text import ascii_lower

_CREATES_ALIAS = "kms:createalias"
_ASSUMES_ROOT = "sts:assumeroot"
_KEY, _ALIAS, _ROLE = "key/", "alias/", "role/"


R = TypeVar("R", bound=Resource)


class Known(Protocol):
    """The keys and identities of a live installation, or of a folder."""

    @property
    def hint(self) -> str:
        """The hint for a question about a key or alias that does not exist."""

    def key(self, account: str, region: str, key_id: str) -> Key | None:
        """The key with this id."""

    def key_by_alias(self, account: str, region: str, name: str) -> Key | None:
        """The key that an alias names, as a request sees it that names the alias."""

    def identity(self, arn: Arn) -> Resource | None:
        """The user, role or managed policy with exactly this ARN."""

    def assumable(self, arn: Arn) -> Resource | None:
        """The role with exactly this ARN, with its trust policy."""

    def root_user(self, account: str) -> Resource:
        """The root user of an account, for AssumeRoot: with the accounts that it trusts."""

    def network_part(self, arn: Arn) -> Resource | None:
        """The instance or the endpoint of a network with exactly this ARN."""

    def organization_part(self, arn: Arn, action: str) -> Resource:
        """A part of an organization, with what lets member accounts do this to it."""


def named(known: Known, text: str, action: str, account: str) -> Resource:
    """The resource that `text` means in a question about an action.

    `account` is that of the principal; it owns resources that name no account. Raises Failure.
    """
    if text == "*":
        return Target("*", account)
    try:
        arn = Arn.parse(text)
    except NotAnArn:
        hint = "give a whole ARN as the resource, or `*`"
        raise Failure(f"`{text}` is not an ARN", hint, status=2) from None
    if arn.service == "kms" and arn.resource.startswith(_KEY):
        key = known.key(arn.account, arn.region, arn.resource.removeprefix(_KEY))
        return _existing(key, "key", text, known.hint)
    name = ascii_lower(action)
    if arn.service == "kms" and arn.resource.startswith(_ALIAS) and name.startswith("kms:"):
        return _of_alias(known, arn, name, action)
    if arn.service == "iam" and arn.resource.startswith(_ROLE) and name.startswith("sts:"):
        return _existing(
            known.assumable(arn), "role", text, "give the ARN that `aws iam get-role` shows"
        )
    if arn.service == "iam" and arn.resource == "root" and name == _ASSUMES_ROOT:
        return known.root_user(arn.account)
    if arn.service == "organizations" and name.startswith("organizations:"):
        return known.organization_part(arn, action)
    found = known.identity(arn) if arn.service == "iam" else None
    if arn.service == "ec2":
        found = known.network_part(arn)
    return found or Target(text, owner_of(text) or account)


def _of_alias(known: Known, arn: Arn, name: str, action: str) -> Resource:
    """The alias itself for the actions that change it, else the key behind it."""
    text = str(arn)
    if name == _CREATES_ALIAS:
        return Target(text, arn.account)
    behind = known.key_by_alias(arn.account, arn.region, arn.resource)
    key = _existing(behind, "alias", text, known.hint)
    if name in ALIAS_CHANGES:
        return Target(text, arn.account)
    if name not in ACTIONS_BY_ALIAS:
        raise Failure(
            f"a request for {action} cannot name a key by its alias",
            f"give the key's own ARN, `{key.arn_text}`",
            status=2,
        )
    return key


def _existing(found: R | None, what: str, text: str, hint: str) -> R:
    if found is None:
        raise Failure(f"there is no {what} `{text}`", hint, status=2)
    return found
