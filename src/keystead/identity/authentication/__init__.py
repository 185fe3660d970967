"""Which caller signed this request?  Signatures, credentials, callers."""

from keystead.identity.authentication import callers, factors
from keystead.identity.authentication.authenticate import Authenticated, Authenticator, nobody
from keystead.identity.authentication.callers import Caller, Owner
from keystead.identity.authentication.credentials import owner_of
from keystead.identity.authentication.last_used import MOST_ACCESSES, LastUsed
from keystead.identity.authentication.presented import claimed_key_id
from keystead.identity.authentication.session_facts import (
    age_keys,
    delivery_keys,
    session_context,
)
from keystead.identity.authentication.taken import require_source, require_taken

__all__ = (
    "MOST_ACCESSES", "Authenticated", "Authenticator", "Caller", "LastUsed", "Owner", "age_keys",
    "callers", "claimed_key_id", "delivery_keys", "factors", "nobody", "owner_of",
    "require_source", "require_taken", "session_context",
)  # fmt: skip
