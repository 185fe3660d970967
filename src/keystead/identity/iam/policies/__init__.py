"""The operations about policies, attachments and boundaries."""

from keystead.identity.iam.policies import (
    attachments,
    boundaries,
    documents,
    inline_policies,
    policies,
    policy_lists,
    policy_tags,
    policy_versions,
)
from keystead.identity.iam.policies.policy_usage import PolicyUsage, policy_usage

__all__ = (
    "PolicyUsage", "attachments", "boundaries", "documents", "inline_policies", "policies",
    "policy_lists", "policy_tags", "policy_usage", "policy_versions",
)  # fmt: skip
