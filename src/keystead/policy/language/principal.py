"""Who can ask?  A caller, and every name that a policy may use for it (iam.md 2.4, 11.3).

Other rooms import these names from `evaluation`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

ContextValue = str | tuple[str, ...]
"""The value of a condition key: a text, or a tuple for a multi-valued key (iam.md 4.7)."""

Keys = Mapping[str, ContextValue]
"""The condition keys of one request: lower-case name -> value. An absent key has no entry."""


class PrincipalType(StrEnum):
    """The kinds of caller; the values are those of `aws:PrincipalType` where AWS has one."""

    ACCOUNT = "Account"  # the account root user
    USER = "User"
    ASSUMED_ROLE = "AssumedRole"
    FEDERATED_USER = "FederatedUser"
    SERVICE = "Service"
    FEDERATED = "Federated"  # bears a provider's assertion (AssumeRoleWithSAML, …)
    ANONYMOUS = "Anonymous"


OUTSIDERS: Final = frozenset(
    {PrincipalType.SERVICE, PrincipalType.FEDERATED, PrincipalType.ANONYMOUS}
)
"""Callers without an account: neither same account nor cross account."""

UNBOUND: Final = OUTSIDERS | {PrincipalType.ACCOUNT}
"""Callers without identity-based policies and boundary. Root may have session policies."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller, and every name that a policy may use for it (iam.md 2.4).

    A GetSessionToken session has the same names as its user (or root). Only the condition keys of
    its session tell the two apart.
    """

    type: PrincipalType
    arn: str  # as GetCallerIdentity prints it: the session ARN for sessions
    account: str  # twelve digits; "" for services, anonymous callers and bearers of assertions
    user_id: str  # `aws:userid`: AIDA…, AROA…:session, the account id for root
    unique_id: str = ""  # AIDA… or AROA… without a session; "" for root, services, anonymous
    name: str = ""  # `aws:username` of a user; the subject that an assertion is about
    principal_arn: str = ""  # `aws:PrincipalArn`: the role's ARN with its path, for role sessions

    issuer_arn: str = ""
    """Of a federated user: the user who federated. Of a role session: the role. Of the bearer of an
    assertion: the provider."""

    issuer_id: str = ""  # the unique id of that user or role
    begun_by: str = ""  # of a role session: account and unique id of the first one in its chain
    service_names: tuple[str, ...] = ()  # a service's names, regional forms included
    service_linked: bool = False  # a session of a service-linked role: SCPs, RCPs do not bind it
    organization: str = ""  # of its account; "" when that is in none
    organization_path: str = ""  # down to its account: `o-…/r-…/ou-…/`
    tags: Mapping[str, str] = field(default_factory=dict)  # a session tag replaces a principal tag
