"""Which principals may assume a role?  Its trust policy says it.

A trust policy is compiled when it is written, and refused if it is not understood (PE-2). The users
and roles that it names are kept by their unique ids (threat-model ST-8).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import msgspec

from keystead.call import Principals as KnownPrincipals
from keystead.identity import resources
from keystead.identity.names import root_arn
from keystead.identity.permissions import attached, validity
from keystead.identity.repository import IdentityRepository, Role
from keystead.policy.evaluation import ContextValue, PolicySource
from keystead.policy.language import WEB_PROVIDERS, DocumentKind, Principals, known_names

_TAG_SESSION = "sts:tagsession"
POLICY_ID = "AssumeRolePolicyDocument"


@dataclass(frozen=True, slots=True)
class Assumable:
    """A role as the resource of AssumeRole, with its trust policy. A `call.Resource`."""

    role: Role
    resource_policies: tuple[PolicySource, ...]
    condition_keys: Mapping[str, ContextValue]
    resource_type: ClassVar[str] = Role.kind.resource_type
    resource_policy_required: ClassVar[bool] = True
    grants: ClassVar[tuple[PolicySource, ...]] = ()

    @property
    def arn_text(self) -> str:
        return self.role.arn

    @property
    def owner(self) -> str:
        return self.role.account


def assumable(repository: IdentityRepository, role: Role) -> Assumable:
    """The role as the resource of a request to assume it."""
    return Assumable(role, (policy_of(repository, role),), resources.tag_keys(role))


def policy_of(repository: IdentityRepository, role: Role) -> PolicySource:
    """The trust policy of a role. A policy that no longer compiles denies everything."""
    meant = tuple(sorted(role.meant.items()))
    stated = attached.Stated(role.trust_policy, DocumentKind.TRUST, POLICY_ID, role.arn, meant)
    [source] = attached.sources(repository, role.account, [stated])
    return source


def is_open(repository: IdentityRepository, role: Role) -> bool:
    """Could somebody outside of the account assume this role, as far as its trust policy says?

    Services and the account's own providers of identities are not outside; everybody, another
    account, its principals and providers, and the web providers that anybody may use are.
    """
    named = {unique_id: name for name, unique_id in role.meant.items()}
    for statement in policy_of(repository, role).policy.statements:
        principals = statement.principals
        if not statement.allow or principals is None:
            continue
        if not isinstance(principals, Principals) or principals.everybody:
            return True
        written = (
            named.get(name) or named.get(name.partition(":")[0], name) for name in principals.names
        )
        if any(_is_outside(name, role.account) for name in written):
            return True
    return False


def _is_outside(name: str, account: str) -> bool:
    """Is this name of a trust policy not of this account?"""
    if name.startswith("arn:"):
        return name.split(":")[4] != account
    if "." in name:
        return name in WEB_PROVIDERS
    return name != account


def of_account(
    repository: IdentityRepository, account: str, action: str, sid: str, attached_to: str
) -> PolicySource:
    """A resource policy of ours: it leaves one action to the policies of one account.

    It stands for what an account may do with a thing of another account, by a rule that is no
    document of anybody's.
    """
    principal = root_arn(account)
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": action,
        "Resource": "*",
    }
    text = msgspec.json.encode({"Version": "2012-10-17", "Statement": [statement]}).decode()
    stated = attached.Stated(text, DocumentKind.RESOURCE, sid, attached_to, ((principal, account),))
    [source] = attached.sources(repository, account, [stated])
    return source


def may_be_tagged(repository: IdentityRepository, role: Role) -> bool:
    """Could a session of this role have tags of its own?  Only if the trust policy says so."""
    statements = policy_of(repository, role).policy.statements
    return any(one.allow and one.actions.matches(_TAG_SESSION) for one in statements)


def read(
    repository: IdentityRepository,
    text: str,
    principals: KnownPrincipals,
    *,
    accept_unsupported_condition_keys: bool,
) -> dict[str, str]:
    """The unique ids of the principals in a new trust policy, by name; raises MalformedPolicy."""
    names = validity.principals(repository, text, DocumentKind.TRUST)
    meant = known_names(names, principals.unique_id)
    validity.require_valid(
        repository,
        text,
        DocumentKind.TRUST,
        meant,
        accept_unsupported_condition_keys=accept_unsupported_condition_keys,
    )
    return meant
