"""Which kinds of entity does an account have, and how do they differ?  One row for each.

All of them share the code for names, quotas, conflicts, tags, paging and attached policies
(`identity.repository.entities`, `identity.iam.entities`). So a new kind is a row here, its record
and its table (iam.md 2.1 to 2.5).
"""

from dataclasses import dataclass
from typing import Any, TypeVar

from keystead.arns import iam_arn
from keystead.identity import identifiers, limits
from keystead.wire.models import iam as api
from keystead.wire.operation import Operation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Permissions:
    """How many policies an entity of a kind may have."""

    quota: str  # as AWS's sentence names it
    attached: int  # managed policies
    inline_size: int  # characters of all inline policies together


@dataclass(frozen=True, slots=True)
class Tagging:
    """How a kind has tags."""

    operation: Operation[Any, Any]  # also asked for when an entity is created with tags
    quota: str
    fold: bool  # a new spelling of a key replaces the old one
    prefixes: tuple[str, ...]  # of `…:ResourceTag`


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityKind:
    """One kind of entity."""

    noun: str  # as ARNs and sentences have it
    title: str  # as the names of operations and types have it
    table: str
    id_column: str
    id_prefix: str
    quota: tuple[str, int]  # per account
    missing: str = "The {noun} with name {name} cannot be found."
    exists: str = "{title} with name {name} already exists."
    bounded: bool = False  # may have a permissions boundary
    permissions: Permissions | None = None
    tagging: Tagging | None = None

    @property
    def resource_type(self) -> str:
        """CloudTrail's type."""
        return f"AWS::IAM::{self.title}"

    def arn(self, account: str, path: str, name: str) -> str:
        return iam_arn(account, f"{self.noun}{path}{name}")

    def sentence(self, pattern: str, name: str, arn: str = "") -> str:
        """One of this kind's sentences, about the entity with this name, or with this ARN."""
        return pattern.format(noun=self.noun, title=self.title, name=name, arn=arn)


def required(rules: T | None) -> T:
    """The facts of a kind that has them; raises TypeError for a kind that has none."""
    if rules is None:
        raise TypeError("no entity of this kind has it")
    return rules


USER = EntityKind(
    noun="user",
    title="User",
    table="iam_user",
    id_column="user_id",
    id_prefix=identifiers.USER,
    quota=("UsersPerAccount", limits.USERS_PER_ACCOUNT),
    bounded=True,
    permissions=Permissions("PoliciesPerUser", limits.POLICIES_PER_USER, limits.USER_POLICY_SIZE),
    tagging=Tagging(api.TagUser, "TagsPerUser", fold=True, prefixes=("aws", "iam")),
)
GROUP = EntityKind(
    noun="group",
    title="Group",
    table="iam_group",
    id_column="group_id",
    id_prefix=identifiers.GROUP,
    quota=("GroupsPerAccount", limits.GROUPS_PER_ACCOUNT),
    permissions=Permissions(
        "PoliciesPerGroup", limits.POLICIES_PER_GROUP, limits.GROUP_POLICY_SIZE
    ),
)
ROLE = EntityKind(
    noun="role",
    title="Role",
    table="iam_role",
    id_column="role_id",
    id_prefix=identifiers.ROLE,
    quota=("RolesPerAccount", limits.ROLES_PER_ACCOUNT),
    bounded=True,
    permissions=Permissions("PoliciesPerRole", limits.POLICIES_PER_ROLE, limits.ROLE_POLICY_SIZE),
    tagging=Tagging(api.TagRole, "TagsPerRole", fold=True, prefixes=("aws", "iam")),
)
POLICY = EntityKind(
    noun="policy",
    title="Policy",
    table="iam_policy",
    id_column="policy_id",
    id_prefix=identifiers.POLICY,
    quota=("PoliciesPerAccount", limits.POLICIES_PER_ACCOUNT),
    exists="A policy called {name} already exists. Duplicate names are not allowed.",
    tagging=Tagging(api.TagPolicy, "TagsPerPolicy", fold=False, prefixes=("aws",)),
)
INSTANCE_PROFILE = EntityKind(
    noun="instance-profile",
    title="InstanceProfile",
    table="iam_instance_profile",
    id_column="profile_id",
    id_prefix=identifiers.INSTANCE_PROFILE,
    quota=("InstanceProfilesPerAccount", limits.INSTANCE_PROFILES_PER_ACCOUNT),
    missing="Instance Profile {name} cannot be found.",
    exists="Instance Profile {name} already exists.",
    tagging=Tagging(
        api.TagInstanceProfile, "TagsPerInstanceProfile", fold=False, prefixes=("aws",)
    ),
)
OIDC_PROVIDER = EntityKind(
    noun="oidc-provider",
    title="OIDCProvider",
    table="iam_oidc_provider",
    id_column="provider_id",
    id_prefix=identifiers.OIDC_PROVIDER,
    quota=("OpenIdConnectProvidersPerAccount", limits.OIDC_PROVIDERS_PER_ACCOUNT),
    missing="OpenIDConnect Provider not found for arn {arn}",
    exists="Provider with url https://{name} already exists.",
    tagging=Tagging(
        api.TagOpenIDConnectProvider, "TagsPerOpenIDConnectProvider", fold=False, prefixes=("aws",)
    ),
)
SAML_PROVIDER = EntityKind(
    noun="saml-provider",
    title="SAMLProvider",
    table="iam_saml_provider",
    id_column="provider_id",
    id_prefix=identifiers.SAML_PROVIDER,
    quota=("SAMLProvidersPerAccount", limits.SAML_PROVIDERS_PER_ACCOUNT),
    missing="Manifest not found for arn {arn}",
    exists="Provider with name {name} already exists.",
    tagging=Tagging(api.TagSAMLProvider, "TagsPerSAMLProvider", fold=False, prefixes=("aws",)),
)
MFA_DEVICE = EntityKind(
    noun="mfa",
    title="VirtualMFADevice",
    table="iam_mfa_device",
    id_column="device_id",
    id_prefix=identifiers.MFA_DEVICE,
    quota=("VirtualMFADevicesPerAccount", limits.MFA_DEVICES_PER_ACCOUNT),
    missing="VirtualMFADevice with serial number {arn} doesn't exist.",
    exists="MFADevice entity at the same path and name already exists.",
    tagging=Tagging(api.TagMFADevice, "TagsPerMFADevice", fold=False, prefixes=("aws",)),
)
