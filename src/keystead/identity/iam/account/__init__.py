"""The operations about the account as a whole."""

from keystead.identity.iam.account import (
    account,
    authorization_details,
    password_policy,
    root_access,
)

__all__ = ("account", "authorization_details", "password_policy", "root_access")
