"""The operations about users, groups, roles, instance profiles and access keys."""

from keystead.identity.iam.identities import (
    access_keys,
    group_memberships,
    groups,
    instance_profiles,
    oidc_providers,
    roles,
    service_linked_roles,
    unserved,
    users,
)

__all__ = (
    "access_keys", "group_memberships", "groups", "instance_profiles", "oidc_providers",
    "roles", "service_linked_roles", "unserved", "users",
)  # fmt: skip
