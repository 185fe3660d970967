"""What does an account say of a provider, as far as proofs depend on it?  Its rows, as they are."""

from keystead.identity.federation.oidc import Provider
from keystead.identity.federation.saml import IdentityProvider
from keystead.identity.repository import IdentityRepository, OidcProvider, SamlProvider
from keystead.store.protocol import Reader


def identity_provider(
    repository: IdentityRepository, reader: Reader, stored: SamlProvider
) -> IdentityProvider:
    """A provider of SAML."""
    providers = repository.saml_providers
    keys = providers.keys(reader, stored)
    return IdentityProvider(
        account=stored.account,
        provider_id=stored.provider_id,
        arn=stored.arn,
        revision=providers.revision(reader, stored),
        name=stored.name,
        issuer=stored.issuer,
        valid_until=stored.valid_until,
        certificates=tuple(stored.signing_certificates),
        private_keys=tuple(map(providers.private_key, keys)),
        must_encrypt=stored.encryption_mode == "Required",
    )


def web_provider(repository: IdentityRepository, reader: Reader, stored: OidcProvider) -> Provider:
    """A provider of OpenID Connect."""
    return Provider(
        stored.account, stored.arn, repository.oidc_providers.revision(reader, stored), stored.name,
        frozenset(stored.clients), tuple(stored.certificates),
    )  # fmt: skip
