"""The tables of this room, by entity: the only SQL of `identity`.

Every table is a SealedTable, and the account is part of every key and of every look-up (IA-10).
Authentication and decisions find rows by key. Only listings walk an index.
"""

from typing import Any

from keystead.caches import KIB, MIB, BoundedCache, Room
from keystead.custody.rows import RowSeals
from keystead.identity.repository.accounts import Accounts
from keystead.identity.repository.anywhere import Anywhere
from keystead.identity.repository.entities import E, Entities
from keystead.identity.repository.federation import (
    Directories,
    OidcProviders,
    SamlProviders,
    UsedAssertions,
)
from keystead.identity.repository.organizations import (
    Delegations,
    Handshakes,
    OrganizationPolicies,
    Organizations,
    ResourcePolicies,
    RootFeatures,
)
from keystead.identity.repository.people import (
    AccessKeys,
    Group,
    LoginProfiles,
    Memberships,
    MfaDevices,
    Passkeys,
    PasswordPolicies,
    Users,
)
from keystead.identity.repository.permissions import (
    Attachments,
    InlinePolicies,
    Policies,
    RoleDeletions,
    Roles,
)
from keystead.identity.repository.programs import (
    DocumentKeys,
    ForwardedRequests,
    InstanceProfiles,
    Instances,
    Services,
)
from keystead.identity.repository.reports import Accesses, CredentialReports
from keystead.identity.repository.signin import Arrivals, Logins, SignInProviders, SignIns
from keystead.policy.language import DocumentKind, Policy
from keystead.store.protocol import Transaction
from keystead.work import Preparations

_Document = tuple[str, DocumentKind, str, tuple[tuple[str, str], ...] | None]
"""An account, a kind, a text, and whom it means."""

COMPILED = Room(of_owner=6 * MIB, in_all=64 * MIB)
ACCEPTED = Room(of_owner=256 * KIB, in_all=8 * MIB)


class IdentityRepository:
    """The tables of the room of identities."""

    __slots__ = (
        "_entities", "accepted", "access_keys", "accesses", "accounts", "anywhere",
        "arrivals", "attachments", "compiled",
        "credential_reports", "delegations", "directories", "document_keys", "forwarded",
        "groups", "handshakes", "identities", "inline_policies", "instance_profiles", "instances",
        "login_profiles", "logins", "memberships",
        "mfa_devices", "oidc_providers", "organization_policies", "organizations",
        "passkeys", "password_policies", "policies", "preparations", "resource_policies",
        "role_deletions", "roles", "root_features", "saml_providers", "services",
        "sign_in_providers", "sign_ins",
        "used_assertions", "users", "web_identity_providers",
    )  # fmt: skip

    def __init__(
        self,
        seals: RowSeals,
        preparations: Preparations | None = None,
        web_identity_providers: frozenset[str] = frozenset(),
    ) -> None:
        self.preparations = preparations or Preparations()
        self.web_identity_providers = web_identity_providers
        """Those without a record, which the operator turned on."""
        self.accounts = Accounts(seals)
        self.users = Users(seals)
        self.groups = Entities(seals, Group)
        self.memberships = Memberships(seals, self.users, self.groups)
        self.roles = Roles(seals)
        self.role_deletions = RoleDeletions(seals)
        self.instance_profiles = InstanceProfiles(seals)
        self.instances = Instances(seals)
        self.directories = Directories(seals)
        self.document_keys = DocumentKeys(seals)
        self.anywhere = Anywhere(seals)
        self.oidc_providers = OidcProviders(seals)
        self.saml_providers = SamlProviders(seals)
        self.used_assertions = UsedAssertions(seals)
        self.mfa_devices = MfaDevices(seals)
        self.passkeys = Passkeys(seals)
        self.policies = Policies(seals)
        self.identities: tuple[Entities[Any], ...] = (self.users, self.groups, self.roles)
        """Those who carry policies."""
        every: tuple[Entities[Any], ...] = (
            *self.identities, self.policies, self.instance_profiles, self.oidc_providers,
            self.saml_providers, self.mfa_devices,
        )  # fmt: skip
        self._entities = {entities.record: entities for entities in every}
        self.inline_policies = InlinePolicies(seals)
        self.attachments = Attachments(seals)
        self.access_keys = AccessKeys(seals)
        self.services = Services(seals)
        self.forwarded = ForwardedRequests(seals)
        self.password_policies = PasswordPolicies(seals)
        self.credential_reports = CredentialReports(seals)
        self.accesses = Accesses(seals)
        self.sign_ins = SignIns(seals)
        self.sign_in_providers = SignInProviders(seals)
        self.arrivals = Arrivals(seals)
        self.logins = Logins(seals)
        self.login_profiles = LoginProfiles(seals)
        self.organizations = Organizations(seals)
        self.delegations = Delegations(seals)
        self.root_features = RootFeatures(seals)
        self.resource_policies = ResourcePolicies(seals)
        self.handshakes = Handshakes(seals)
        self.organization_policies = OrganizationPolicies(seals)
        self.compiled: BoundedCache[_Document, Policy] = BoundedCache(COMPILED)
        """The documents of each account as they were last read, compiled."""
        self.accepted: BoundedCache[tuple[str, bytes], bool] = BoundedCache(ACCEPTED)
        """The hashes of documents that each account sent and that were accepted."""

    def of(self, record: type[E]) -> Entities[E]:
        """The entities of this kind."""
        return self._entities[record]

    def update(self, transaction: Transaction, entity: E) -> E:
        """Replace an entity, of whichever kind it is."""
        return self.of(type(entity)).update(transaction, entity)
