"""The access advisor: who used which service when, and which policies allow it."""

from keystead.identity.iam.advisor import granting_policies, last_accessed, organization_reports

__all__ = ("granting_policies", "last_accessed", "organization_reports")
