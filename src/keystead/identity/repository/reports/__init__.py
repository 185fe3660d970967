"""What was used, and when: the reports about it."""

from keystead.identity.repository.reports.accesses import (
    A_SERVICE,
    KEPT,
    Access,
    Accesses,
    AccessJob,
    OrganizationReport,
    Whose,
)
from keystead.identity.repository.reports.credential_reports import (
    MOST_BEGUN,
    BegunReport,
    CredentialReport,
    CredentialReports,
)

__all__ = (
    "A_SERVICE",
    "KEPT",
    "MOST_BEGUN",
    "Access",
    "AccessJob",
    "Accesses",
    "BegunReport",
    "CredentialReport",
    "CredentialReports",
    "OrganizationReport",
    "Whose",
)
