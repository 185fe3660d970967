"""Which caller signed this request?  Signatures, credentials, callers."""

from keystead.identity.authentication import callers
from keystead.identity.authentication.authenticate import Authenticated, Authenticator
from keystead.identity.authentication.callers import Caller
from keystead.identity.authentication.last_used import MOST_ACCESSES, LastUsed
from keystead.identity.authentication.presented import claimed_key_id
from keystead.identity.authentication.taken import require_source, require_taken

__all__ = (
    "MOST_ACCESSES", "Authenticated", "Authenticator", "Caller", "LastUsed", "callers",
    "claimed_key_id", "require_source", "require_taken",
)  # fmt: skip
