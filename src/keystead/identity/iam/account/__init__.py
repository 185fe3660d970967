"""The operations about the account as a whole."""

from keystead.identity.iam.account import (
    account,
    authorization_details,
    credential_report,
    password_policy,
    properties,
    root_access,
)
from keystead.identity.iam.account.credential_report import continue_report

__all__ = (
    "account",
    "authorization_details",
    "continue_report",
    "credential_report",
    "password_policy",
    "properties",
    "root_access",
)  # fmt: skip
