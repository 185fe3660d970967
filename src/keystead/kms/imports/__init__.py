"""Which key material may callers bring, how, and what becomes of their key?  (kms.md 13.3)"""

from keystead.kms.imports.expiration import Expiration, read_expiration
from keystead.kms.imports.materials import (
    Imported,
    accepted,
    is_ready,
    is_whole,
    named,
    of_set,
    require_parameters,
    rotation_state,
)
from keystead.kms.imports.wrapping import require_wrapping

__all__ = (
    "Expiration", "Imported", "accepted", "is_ready", "is_whole", "named", "of_set",
    "read_expiration", "require_parameters", "require_wrapping", "rotation_state",
)  # fmt: skip
