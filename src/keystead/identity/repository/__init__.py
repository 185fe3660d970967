"""Everything this room remembers, by entity."""

from keystead.identity.repository.access_keys import AccessKey, AccessKeys, AccessKeyUse
from keystead.identity.repository.accesses import (
    A_SERVICE,
    KEPT,
    Access,
    AccessJob,
    OrganizationReport,
    Whose,
)
from keystead.identity.repository.accounts import Account, AccountState
from keystead.identity.repository.arrivals import Arrival, Arrivals, Awaited
from keystead.identity.repository.attachments import Attachment, InlinePolicy
from keystead.identity.repository.credential_reports import (
    MOST_BEGUN,
    BegunReport,
    CredentialReport,
)
from keystead.identity.repository.delegations import Delegate, ServiceAccess
from keystead.identity.repository.directories import Assignment, Directory
from keystead.identity.repository.entities import E, Entities, Entity, new
from keystead.identity.repository.forwarded import ForwardedRequest
from keystead.identity.repository.groups import Group, Membership
from keystead.identity.repository.handshakes import (
    AnyHandshake,
    FeatureHandshake,
    Handshake,
    HandshakeState,
)
from keystead.identity.repository.instance_profiles import InstanceProfile
from keystead.identity.repository.instances import (
    Agent,
    EnrolmentToken,
    Instance,
    ProfileAssociation,
)
from keystead.identity.repository.login_profiles import (
    LoginProfile,
    LoginProfiles,
    LoginUse,
    PasswordAttempts,
)
from keystead.identity.repository.logins import Client, Login, LoginCode, Logins, TooManyProofs
from keystead.identity.repository.mfa_devices import MfaDevice
from keystead.identity.repository.oidc_providers import OidcProvider, listed
from keystead.identity.repository.organization_policies import (
    DEFAULTS,
    DOCUMENT_KINDS,
    RCP,
    SCP,
    OrganizationPolicy,
    OrganizationPolicyType,
)
from keystead.identity.repository.organizations import (
    NO_TYPES,
    UNIT_DEPTH,
    Creation,
    JoinedMethod,
    Member,
    Organization,
    Organizations,
    Unit,
)
from keystead.identity.repository.passkeys import Challenge, Passkey, Passkeys, Purpose
from keystead.identity.repository.password_policies import PasswordPolicy
from keystead.identity.repository.policies import ManagedPolicy, PolicyVersion
from keystead.identity.repository.repository import IdentityRepository
from keystead.identity.repository.resource_policies import ResourcePolicy
from keystead.identity.repository.roles import Role, RoleUse
from keystead.identity.repository.root_features import RootFeature, RootFeatureName
from keystead.identity.repository.saml_assertions import TooManyAssertions
from keystead.identity.repository.saml_providers import SamlKey, SamlProvider, certificate_list
from keystead.identity.repository.services import EVERY, ServiceRecord
from keystead.identity.repository.sign_in_providers import SignInProvider, SignInProviders
from keystead.identity.repository.sign_ins import (
    NO_FACTS,
    SignIn,
    SignInAttempts,
    SignInFacts,
    SignIns,
    Stage,
    UsedRole,
)
from keystead.identity.repository.tags import packed, unpacked
from keystead.identity.repository.users import User

__all__ = (
    "A_SERVICE",
    "DEFAULTS",
    "DOCUMENT_KINDS",
    "EVERY",
    "KEPT",
    "MOST_BEGUN",
    "NO_FACTS",
    "NO_TYPES",
    "RCP",
    "SCP",
    "UNIT_DEPTH",
    "Access",
    "AccessJob",
    "AccessKey",
    "AccessKeyUse",
    "AccessKeys",
    "Account",
    "AccountState",
    "Agent",
    "AnyHandshake",
    "Arrival",
    "Arrivals",
    "Assignment",
    "Attachment",
    "Awaited",
    "BegunReport",
    "Challenge",
    "Client",
    "Creation",
    "CredentialReport",
    "Delegate",
    "Directory",
    "E",
    "EnrolmentToken",
    "Entities",
    "Entity",
    "FeatureHandshake",
    "ForwardedRequest",
    "Group",
    "Handshake",
    "HandshakeState",
    "IdentityRepository",
    "InlinePolicy",
    "Instance",
    "InstanceProfile",
    "JoinedMethod",
    "Login",
    "LoginCode",
    "LoginProfile",
    "LoginProfiles",
    "LoginUse",
    "Logins",
    "ManagedPolicy",
    "Member",
    "Membership",
    "MfaDevice",
    "OidcProvider",
    "Organization",
    "OrganizationPolicy",
    "OrganizationPolicyType",
    "OrganizationReport",
    "Organizations",
    "Passkey",
    "Passkeys",
    "PasswordAttempts",
    "PasswordPolicy",
    "PolicyVersion",
    "ProfileAssociation",
    "Purpose",
    "ResourcePolicy",
    "Role",
    "RoleUse",
    "RootFeature",
    "RootFeatureName",
    "SamlKey",
    "SamlProvider",
    "ServiceAccess",
    "ServiceRecord",
    "SignIn",
    "SignInAttempts",
    "SignInFacts",
    "SignInProvider",
    "SignInProviders",
    "SignIns",
    "Stage",
    "TooManyAssertions",
    "TooManyProofs",
    "Unit",
    "UsedRole",
    "User",
    "Whose",
    "certificate_list",
    "listed",
    "new",
    "packed",
    "unpacked",
)  # fmt: skip
