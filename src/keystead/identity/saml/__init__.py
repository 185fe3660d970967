"""What identity providers tell of themselves in SAML, and the keys that they encrypt for."""

from keystead.identity.saml.metadata import Metadata, NotMetadata, read_metadata
from keystead.identity.saml.private_keys import NotAPrivateKey, read_private_key

__all__ = (
    "Metadata", "NotAPrivateKey", "NotMetadata", "read_metadata", "read_private_key",
)  # fmt: skip
