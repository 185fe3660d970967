"""Web identities: their tokens, the keys of their providers, and what they prove."""

from keystead.identity.federation.oidc.built_in import NotBuiltIn, built_in, read_built_in
from keystead.identity.federation.oidc.codes import (
    LONGEST_CODE,
    Client,
    Flow,
    Redeemed,
    authorization_url,
    code_form,
    redeemed,
)
from keystead.identity.federation.oidc.discovery import Answer, Places, Provider
from keystead.identity.federation.oidc.memory import KeyMemory
from keystead.identity.federation.oidc.proof import keys_of, prove, said_by
from keystead.identity.federation.oidc.tokens import UnprovenToken, read_token
from keystead.identity.federation.oidc.web_identity import (
    WebIdentity,
    require_alive,
    require_for_us,
)

__all__ = (
    "LONGEST_CODE", "Answer", "Client", "Flow", "KeyMemory", "NotBuiltIn", "Places", "Provider",
    "Redeemed", "UnprovenToken", "WebIdentity", "authorization_url", "built_in", "code_form",
    "keys_of", "prove", "read_built_in", "read_token", "redeemed", "require_alive",
    "require_for_us", "said_by",
)  # fmt: skip
