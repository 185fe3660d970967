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
    settings_of_directory,
)
from keystead.identity.federation.oidc import (
    LONGEST_CODE,
    Answer,
    Client,
    Flow,
    KeyMemory,
    NotBuiltIn,
    Places,
    Provider,
    Redeemed,
    UnprovenToken,
    WebIdentity,
    authorization_url,
    built_in,
    code_form,
    keys_of,
    prove,
    read_built_in,
    read_token,
    redeemed,
    require_alive,
    require_for_us,
    said_by,
)
from keystead.identity.federation.outside import Internet, Network, Outside
from keystead.identity.federation.refusals import invalid, rejected
from keystead.identity.federation.saml import (
    REDEEMED,
    SAML_ASSERTION,
    Assertion,
    Confirmation,
    Hints,
    IdentityProvider,
    Metadata,
    NotAPrivateKey,
    NotARecipient,
    NotMetadata,
    SamlIdentity,
    ServiceProvider,
    SignOn,
    authn_request,
    form_fields,
    hints_of,
    judge_assertion,
    our_metadata,
    prove_assertion,
    prove_for_each,
    prove_nothing,
    read_metadata,
    read_private_key,
    redirect_url,
)
from keystead.identity.federation.stored import identity_provider, web_provider
from keystead.identity.federation.vouched import NAMED, FromProof, Vouched

__all__ = (
    "DIRECTORY_KINDS", "DIRECTORY_STEPS", "LONGEST_CODE", "NAMED", "REDEEMED", "SAML_ASSERTION",
    "Answer", "Assertion", "BadDirectory", "Client", "Confirmation", "DirectoryProof",
    "DirectoryQuestion", "DirectorySettings", "Flow", "FromProof", "Hints", "IdentityProvider",
    "Internet", "KeyMemory", "Metadata", "Network", "NotAPlace", "NotAPrivateKey", "NotARecipient",
    "NotBuiltIn", "NotMetadata", "Outside", "Own", "Places", "Provider", "Reachable", "Redeemed",
    "SamlIdentity", "ServiceProvider", "SignOn", "UnprovenToken", "Vouched", "WebIdentity",
    "ask_directory", "authn_request", "authorization_url", "built_in",
    "code_form", "form_fields", "hints_of", "identity_provider", "invalid", "judge_assertion",
    "keys_of", "our_metadata", "prove", "prove_assertion", "prove_for_each", "prove_nothing",
    "read_built_in", "read_metadata", "read_private_key", "read_token", "redeemed", "redirect_url",
    "rejected", "require_alive", "require_for_us", "said_by", "settings_of_directory",
    "web_provider",
)  # fmt: skip
