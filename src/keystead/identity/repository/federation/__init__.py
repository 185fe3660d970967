"""Providers of identities, directories of people, and the assertions that were used."""

from keystead.identity.repository.federation.directories import Assignment, Directories, Directory
from keystead.identity.repository.federation.oidc_providers import (
    OidcProvider,
    OidcProviders,
    listed,
)
from keystead.identity.repository.federation.saml_assertions import (
    TooManyAssertions,
    UsedAssertions,
)
from keystead.identity.repository.federation.saml_providers import (
    SamlKey,
    SamlProvider,
    SamlProviders,
    certificate_list,
)

__all__ = (
    "Assignment",
    "Directories",
    "Directory",
    "OidcProvider",
    "OidcProviders",
    "SamlKey",
    "SamlProvider",
    "SamlProviders",
    "TooManyAssertions",
    "UsedAssertions",
    "certificate_list",
    "listed",
)
