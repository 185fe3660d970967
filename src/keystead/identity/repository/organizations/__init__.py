"""Organizations: their accounts and units, their policies, and who acts for them."""

from keystead.identity.repository.organizations.delegations import (
    Delegate,
    Delegations,
    ServiceAccess,
)
from keystead.identity.repository.organizations.handshakes import (
    AnyHandshake,
    FeatureHandshake,
    Handshake,
    Handshakes,
    HandshakeState,
)
from keystead.identity.repository.organizations.organization_policies import (
    DEFAULTS,
    DOCUMENT_KINDS,
    RCP,
    SCP,
    OrganizationPolicies,
    OrganizationPolicy,
    OrganizationPolicyType,
)
from keystead.identity.repository.organizations.organizations import (
    NO_TYPES,
    UNIT_DEPTH,
    Creation,
    JoinedMethod,
    Member,
    Organization,
    Organizations,
    Unit,
)
from keystead.identity.repository.organizations.resource_policies import (
    ResourcePolicies,
    ResourcePolicy,
)
from keystead.identity.repository.organizations.root_features import (
    RootFeature,
    RootFeatureName,
    RootFeatures,
)

__all__ = (
    "DEFAULTS",
    "DOCUMENT_KINDS",
    "NO_TYPES",
    "RCP",
    "SCP",
    "UNIT_DEPTH",
    "AnyHandshake",
    "Creation",
    "Delegate",
    "Delegations",
    "FeatureHandshake",
    "Handshake",
    "HandshakeState",
    "Handshakes",
    "JoinedMethod",
    "Member",
    "Organization",
    "OrganizationPolicies",
    "OrganizationPolicy",
    "OrganizationPolicyType",
    "Organizations",
    "ResourcePolicies",
    "ResourcePolicy",
    "RootFeature",
    "RootFeatureName",
    "RootFeatures",
    "ServiceAccess",
    "Unit",
)
