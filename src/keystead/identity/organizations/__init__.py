"""The Organizations operations, one family per module. Importing this package registers them."""

from keystead.identity.organizations import (
    accounts,
    attachments,
    delegation,
    handshakes,
    organization,
    policies,
    tagging,
    units,
)
from keystead.identity.organizations.call import OrganizationsCall

__all__ = (
    "OrganizationsCall", "accounts", "attachments", "delegation", "handshakes", "organization",
    "policies", "tagging", "units",
)  # fmt: skip
