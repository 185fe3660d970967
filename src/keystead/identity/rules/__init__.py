"""Which facts does each operation of this room's services need?  One table for each service."""

from keystead.identity.rules.analyzer import ANALYZER
from keystead.identity.rules.iam import IAM
from keystead.identity.rules.organizations import ORGANIZATIONS, OrganizationsRules
from keystead.identity.rules.sts import STS

__all__ = ("ANALYZER", "IAM", "ORGANIZATIONS", "STS", "OrganizationsRules")
