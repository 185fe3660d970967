"""Which mistakes has a policy document, and where?  AWS's ValidatePolicy."""

from keystead.policy.findings.examine import findings, is_trust_policy
from keystead.policy.findings.json_tree import Location, Position, Step
from keystead.policy.findings.names import action_problem, key_problem
from keystead.policy.findings.report import PolicyFinding

__all__ = (
    "Location", "PolicyFinding", "Position", "Step", "action_problem", "findings",
    "is_trust_policy", "key_problem",
)  # fmt: skip
