"""The operations about users, groups and access keys."""

from keystead.identity.iam.identities import (
    access_keys,
    group_memberships,
    groups,
    unserved,
    users,
)

__all__ = ("access_keys", "group_memberships", "groups", "unserved", "users")
