"""What IAM Roles Anywhere remembers: trust anchors, profiles, revocation lists, subjects."""

from keystead.identity.repository.anywhere.anchors import TrustAnchor
from keystead.identity.repository.anywhere.crls import Crl, path_name
from keystead.identity.repository.anywhere.profiles import (
    AnywhereProfile,
    ProfileRole,
    written,
)
from keystead.identity.repository.anywhere.repository import Anywhere
from keystead.identity.repository.anywhere.subjects import (
    AnywhereSubject,
    SeenCertificate,
    UsedRequest,
)

__all__ = (
    "Anywhere",
    "AnywhereProfile",
    "AnywhereSubject",
    "Crl",
    "ProfileRole",
    "SeenCertificate",
    "TrustAnchor",
    "UsedRequest",
    "path_name",
    "written",
)  # fmt: skip
