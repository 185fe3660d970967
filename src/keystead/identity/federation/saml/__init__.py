"""SAML: the metadata of providers, their keys, and what their assertions prove."""

from keystead.identity.federation.saml.assertions import Assertion, Confirmation
from keystead.identity.federation.saml.attributes import SamlIdentity, judge_assertion
from keystead.identity.federation.saml.hints import Hints, hints_of
from keystead.identity.federation.saml.judging import REDEEMED, NotARecipient, ServiceProvider
from keystead.identity.federation.saml.metadata import (
    Metadata,
    NotMetadata,
    SignOn,
    read_metadata,
)
from keystead.identity.federation.saml.private_keys import NotAPrivateKey, read_private_key
from keystead.identity.federation.saml.proof import (
    SAML_ASSERTION,
    IdentityProvider,
    prove_assertion,
    prove_for_each,
    prove_nothing,
)
from keystead.identity.federation.saml.requests import (
    authn_request,
    form_fields,
    our_metadata,
    redirect_url,
)

__all__ = (
    "REDEEMED", "SAML_ASSERTION", "Assertion", "Confirmation", "Hints", "IdentityProvider",
    "Metadata", "NotAPrivateKey", "NotARecipient", "NotMetadata", "SamlIdentity", "ServiceProvider",
    "SignOn", "authn_request", "form_fields", "hints_of", "judge_assertion", "our_metadata",
    "prove_assertion", "prove_for_each", "prove_nothing", "read_metadata", "read_private_key",
    "redirect_url",
)  # fmt: skip
