"""Which policies speak for an identity, and which stand above its account?"""

from keystead.identity.permissions import (
    attached,
    ceilings,
    delegation,
    forwarding,
    managed_policy,
    passed,
    root_access,
    shared_issuers,
    sources,
    trust,
    validity,
)
from keystead.identity.permissions.ceilings import StoredGuardrails

__all__ = (
    "StoredGuardrails", "attached", "ceilings", "delegation", "forwarding", "managed_policy",
    "passed", "root_access", "shared_issuers", "sources", "trust", "validity",
)  # fmt: skip
