"""SAML: the metadata of providers, their keys, and what their assertions prove."""

from keystead.identity.federation.saml.attributes import SamlIdentity, judge_assertion
from keystead.identity.federation.saml.judging import REDEEMED, NotARecipient, ServiceProvider
from keystead.identity.federation.saml.metadata import Metadata, NotMetadata, read_metadata
from keystead.identity.federation.saml.private_keys import NotAPrivateKey, read_private_key
from keystead.identity.federation.saml.proof import (
    SAML_ASSERTION,
    IdentityProvider,
    prove_assertion,
    prove_nothing,
)

__all__ = (
    "REDEEMED", "SAML_ASSERTION", "IdentityProvider", "Metadata", "NotAPrivateKey",
    "NotARecipient", "NotMetadata", "SamlIdentity", "ServiceProvider", "judge_assertion",
    "prove_assertion", "prove_nothing", "read_metadata", "read_private_key",
)  # fmt: skip
