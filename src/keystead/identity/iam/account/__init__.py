"""The operations about the account as a whole."""

from keystead.identity.iam.account import (
    account,
    authorization_details,
    password_policy,
    properties,
    root_access,
)

__all__ = (
    "account", "authorization_details", "password_policy", "properties", "root_access",
)  # fmt: skip
