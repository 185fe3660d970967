"""The IAM operations, one family per module. Importing this package registers all of them."""

from keystead.identity.iam import (
    account,
    advisor,
    declined,
    entities,
    identities,
    policies,
    providers,
    simulation,
)
from keystead.identity.iam.account import continue_report

__all__ = (
    "account",
    "advisor",
    "continue_report",
    "declined",
    "entities",
    "identities",
    "policies",
    "providers",
    "simulation",
)
