"""The operations about providers of identities: what an account says of them."""

from keystead.identity.iam.providers import oidc_providers, saml_providers

__all__ = ("oidc_providers", "saml_providers")
