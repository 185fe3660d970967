"""What is wrong with a document, and where?  AWS's ValidatePolicy."""

from keystead.policy.findings.examine import findings, is_trust_policy
from keystead.policy.findings.json_tree import Location, Position, Step
from keystead.policy.findings.report import PolicyFinding

__all__ = ("Location", "PolicyFinding", "Position", "Step", "findings", "is_trust_policy")
