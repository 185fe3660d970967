"""The operations about users, groups, roles, and what belongs to them."""

from keystead.identity.iam.identities import (
    access_keys,
    group_memberships,
    groups,
    instance_profiles,
    login_profiles,
    mfa_devices,
    roles,
    service_linked_roles,
    users,
)

__all__ = (
    "access_keys", "group_memberships", "groups", "instance_profiles", "login_profiles",
    "mfa_devices", "roles", "service_linked_roles", "users",
)  # fmt: skip
