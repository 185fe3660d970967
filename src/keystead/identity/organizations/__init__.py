"""The Organizations operations, one family per module. Importing this package registers them."""

from keystead.identity.organizations import (
    accounts,
    attachments,
    organization,
    policies,
    units,
)
from keystead.identity.organizations.call import OrganizationsCall

__all__ = ("OrganizationsCall", "accounts", "attachments", "organization", "policies", "units")
