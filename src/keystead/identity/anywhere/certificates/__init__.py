"""X.509: which authorities are believed, what they revoked, and what a certificate proves."""

from keystead.identity.anywhere.certificates.bundles import BadBundle, read_bundle
from keystead.identity.anywhere.certificates.proof import (
    ALGORITHMS,
    Bearer,
    Presented,
    Unproven,
    prove,
)
from keystead.identity.anywhere.certificates.revocations import BadCrl, read_crl, require_later

__all__ = (
    "ALGORITHMS",
    "BadBundle",
    "BadCrl",
    "Bearer",
    "Presented",
    "Unproven",
    "prove",
    "read_bundle",
    "read_crl",
    "require_later",
)  # fmt: skip
