"""The IAM operations, one family per module. Importing this package registers all of them."""

from keystead.identity.iam import (
    access_keys,
    account,
    attachments,
    authorization_details,
    boundaries,
    context_keys,
    group_memberships,
    groups,
    inline_policies,
    policies,
    policy_lists,
    policy_tags,
    policy_versions,
    simulation,
    unserved,
    user_tags,
    users,
)

__all__ = (
    "access_keys", "account", "attachments", "authorization_details", "boundaries",
    "context_keys", "group_memberships", "groups", "inline_policies", "policies", "policy_lists",
    "policy_tags", "policy_versions", "simulation", "unserved", "user_tags", "users",
)  # fmt: skip
