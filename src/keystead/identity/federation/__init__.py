"""Whose proof from elsewhere do we believe?  OpenID Connect, SAML, directories."""

from keystead.identity.federation.addresses import NotAPlace, Own, Reachable
from keystead.identity.federation.directory import (
    DIRECTORY_KINDS,
    DIRECTORY_STEPS,
    BadDirectory,
    DirectoryProof,
    DirectoryQuestion,
    DirectorySettings,
    ask_directory,
    ask_no_directory,
    settings_of_directory,
)
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
from keystead.identity.federation.saml import (
    REDEEMED,
    SAML_ASSERTION,
    IdentityProvider,
    Metadata,
    NotAPrivateKey,
    NotARecipient,
    NotMetadata,
    SamlIdentity,
    ServiceProvider,
    judge_assertion,
    prove_assertion,
    prove_nothing,
    read_metadata,
    read_private_key,
)
from keystead.identity.federation.vouched import Vouched

__all__ = (
    "DIRECTORY_KINDS", "DIRECTORY_STEPS", "REDEEMED", "SAML_ASSERTION", "BadDirectory",
    "DirectoryProof", "DirectoryQuestion", "DirectorySettings", "IdentityProvider", "Internet",
    "KeyMemory", "Metadata", "Network", "NotAPlace", "NotAPrivateKey", "NotARecipient",
    "NotMetadata", "Outside", "Own", "Provider", "Reachable", "SamlIdentity", "ServiceProvider",
    "UnprovenToken", "Vouched", "WebIdentity", "ask_directory", "ask_no_directory", "invalid",
    "judge_assertion", "keys_of", "prove", "prove_assertion", "prove_nothing", "read_metadata",
    "read_private_key", "read_token", "rejected", "require_alive", "require_for_us",
    "settings_of_directory",
)  # fmt: skip
