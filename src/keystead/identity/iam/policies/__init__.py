"""The operations about managed policies."""

from keystead.identity.iam.policies import policies, policy_lists, policy_versions
from keystead.identity.iam.policies.policy_usage import PolicyUsage, policy_usage

__all__ = ("PolicyUsage", "policies", "policy_lists", "policy_usage", "policy_versions")
