"""Who vouches for the audit record?  An Ed25519 key of its own (RFC 8032), from the root key."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keystead.custody.secrecy import Guarded


class AuditSigner(Guarded):
    """Signs the checkpoints of the audit tree."""

    __slots__ = ("_key", "public_key_pem")

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key_pem: bytes = self._key.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, message: bytes) -> bytes:
        """The signature: 64 bytes."""
        return self._key.sign(message)
