"""IAM Roles Anywhere: sessions of roles for bearers of certificates.

Importing this package registers its operations.
"""

from keystead.identity.anywhere import (
    anchors,
    crls,
    mappings,
    notifications,
    profiles,
    subjects,
    tags,
)
from keystead.identity.anywhere.call import AnywhereCall

__all__ = (
    "AnywhereCall",
    "anchors",
    "crls",
    "mappings",
    "notifications",
    "profiles",
    "subjects",
    "tags",
)  # fmt: skip
