"""Whose proof from elsewhere do we believe?  Web identities of OpenID Connect providers."""

from keystead.identity.federation.addresses import NotAPlace, Own, Reachable
from keystead.identity.federation.oidc import (
    KeyMemory,
    Provider,
    UnprovenToken,
    WebIdentity,
    keys_of,
    prove,
    read_token,
    require_alive,
    require_for_us,
)
from keystead.identity.federation.outside import Internet, Network, Outside
from keystead.identity.federation.refusals import invalid, rejected

__all__ = (
    "Internet", "KeyMemory", "Network", "NotAPlace", "Outside", "Own", "Provider", "Reachable",
    "UnprovenToken", "WebIdentity", "invalid", "keys_of", "prove", "read_token", "rejected",
    "require_alive", "require_for_us",
)  # fmt: skip
