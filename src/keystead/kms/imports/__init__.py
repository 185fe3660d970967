"""Which key material may callers bring, how, and what becomes of their key?  (kms.md 13.3)"""

from keystead.kms.imports.expiration import Expiration, read_expiration
from keystead.kms.imports.materials import (
    Imported,
    accepted,
    is_whole,
    named,
    require_parameters,
)
from keystead.kms.imports.wrapping import require_wrapping

__all__ = (
    "Expiration", "Imported", "accepted", "is_whole", "named", "read_expiration",
    "require_parameters", "require_wrapping",
)  # fmt: skip
