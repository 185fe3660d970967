"""IAM Roles Anywhere: sessions of roles for bearers of certificates.

Importing this package registers its operations.
"""

from keystead.identity.anywhere import (
    anchors,
    crls,
    mappings,
    notifications,
    profiles,
    sessions,
    subjects,
    tags,
)
from keystead.identity.anywhere.call import PASSED_TO, AnywhereCall, service_principal

__all__ = (
    "PASSED_TO",
    "AnywhereCall",
    "anchors",
    "crls",
    "mappings",
    "notifications",
    "profiles",
    "service_principal",
    "sessions",
    "subjects",
    "tags",
)  # fmt: skip
