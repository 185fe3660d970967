"""The checks of a document: one module for each subject."""

from keystead.policy.findings.checks import (
    actions,
    conditions,
    guardrails,
    permissions,
    principals,
    redundancy,
    resources,
    structure,
    trust,
)

__all__ = (
    "actions", "conditions", "guardrails", "permissions", "principals", "redundancy", "resources",
    "structure", "trust",
)  # fmt: skip
