"""Web identities: their tokens, the keys of their providers, and what they prove."""

from keystead.identity.federation.oidc.discovery import Provider
from keystead.identity.federation.oidc.memory import KeyMemory
from keystead.identity.federation.oidc.proof import keys_of, prove
from keystead.identity.federation.oidc.tokens import UnprovenToken, read_token
from keystead.identity.federation.oidc.web_identity import (
    WebIdentity,
    require_alive,
    require_for_us,
)

__all__ = (
    "KeyMemory", "Provider", "UnprovenToken", "WebIdentity", "keys_of",
    "prove", "read_token", "require_alive", "require_for_us",
)  # fmt: skip
