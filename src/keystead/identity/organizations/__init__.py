"""The Organizations operations, one family per module. Importing this package registers them."""

from keystead.identity.organizations import (
    accounts,
    attachments,
    declined,
    delegation,
    features,
    handshakes,
    organization,
    policies,
    resource_policy,
    tagging,
    units,
)
from keystead.identity.organizations.call import OrganizationsCall

__all__ = (
    "OrganizationsCall", "accounts", "attachments", "declined", "delegation", "features",
    "handshakes", "organization", "policies", "resource_policy", "tagging", "units",
)  # fmt: skip
