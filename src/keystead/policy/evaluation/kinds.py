"""Which kinds of policy have a say in a decision?  One table of them, in the order of the steps.

Evaluation, explanation, changes and disclosure read its columns. A new kind of policy is a row
here, and a member of `ApplicablePolicies` or `PrincipalPolicies`. It also is a step, and the same
step in `enforcement.specialise`.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum, auto

import msgspec

from keystead.policy.language import DocumentKind


class PolicyKind(StrEnum):
    """The kinds of policy. The values are AWS's words in its refusals (iam.md 7.1)."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    TRUST = "role trust policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    SCOPE_DOWN = "scope-down policy"
    SERVICE_CONTROL = "service control policy"
    RESOURCE_CONTROL = "resource control policy"
    ENDPOINT = "VPC endpoint policy"


class Whose(Enum):
    """The owner of the policies of a kind. Only the owner may see them (EX-1)."""

    CALLER = auto()  # the caller's account
    OWNER = auto()  # the owner of the resource
    ORGANIZATION = auto()  # the account in the policy's ARN
    NETWORK = auto()  # the owner of the VPC endpoint


class Form(Enum):
    """How many policies of a kind a question may have."""

    ONE = auto()  # one policy, or None
    SET = auto()  # any number
    LEVELS = auto()  # any number at each level, which must all allow


class KindFacts(msgspec.Struct, frozen=True):
    """The facts about one kind of policy."""

    document: DocumentKind  # the kind of its documents; a key policy counts as a resource's
    part: str  # the member of a question's policies that holds them
    form: Form
    whose: Whose
    of_principal: bool = False  # is that member one of `PrincipalPolicies`?
    binds_all: bool = False  # also root, and a caller whom the resource's policy names directly


KINDS: Mapping[PolicyKind, KindFacts] = {
    PolicyKind.RESOURCE_CONTROL: KindFacts(
        DocumentKind.RCP, "resource_control", Form.LEVELS, Whose.ORGANIZATION
    ),
    PolicyKind.SERVICE_CONTROL: KindFacts(
        DocumentKind.SCP, "service_control", Form.LEVELS, Whose.ORGANIZATION, of_principal=True
    ),
    PolicyKind.ENDPOINT: KindFacts(DocumentKind.ENDPOINT, "endpoint", Form.ONE, Whose.NETWORK),
    PolicyKind.RESOURCE: KindFacts(DocumentKind.RESOURCE, "resource_based", Form.SET, Whose.OWNER),
    PolicyKind.TRUST: KindFacts(DocumentKind.TRUST, "resource_based", Form.SET, Whose.OWNER),
    PolicyKind.IDENTITY: KindFacts(
        DocumentKind.IDENTITY, "identity_based", Form.SET, Whose.CALLER, of_principal=True
    ),
    PolicyKind.BOUNDARY: KindFacts(
        DocumentKind.BOUNDARY, "boundary", Form.ONE, Whose.CALLER, of_principal=True
    ),
    PolicyKind.SESSION: KindFacts(
        DocumentKind.SESSION, "session", Form.LEVELS, Whose.CALLER, of_principal=True
    ),
    PolicyKind.SCOPE_DOWN: KindFacts(
        DocumentKind.SESSION,
        "scope_down",
        Form.LEVELS,
        Whose.CALLER,
        of_principal=True,
        binds_all=True,
    ),
}
"""The kinds, in the order of the steps (`evaluate`)."""


IN_REFUSALS = tuple(sorted(KINDS, key=lambda kind: kind is not PolicyKind.SERVICE_CONTROL))
"""In the order in which a refusal names an explicit deny (iam.md 7.1): SCPs come first."""


def kinds_of(whose: Whose) -> frozenset[PolicyKind]:
    """The kinds whose policies belong to this owner."""
    return frozenset(kind for kind, facts in KINDS.items() if facts.whose is whose)


OF_CALLER, OF_OWNER = kinds_of(Whose.CALLER), kinds_of(Whose.OWNER)
OF_ORGANIZATION = kinds_of(Whose.ORGANIZATION)
