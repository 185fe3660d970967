"""How is the audit record proved to be ours?  By two keys, derived from the root key.

An Ed25519 key signs checkpoints (RFC 8032), so everybody can verify them. Between two checkpoints
a MAC tells us which lines are ours.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keystead.custody.kdf import hmac_contexts
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


class AuditTags(Guarded):
    """Makes the MACs of lines: HMAC-SHA256, the first 16 bytes. (FIPS 198-1, contexts kept)"""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        self._inner, self._outer = hmac_contexts(key)

    def __call__(self, message: bytes) -> bytes:
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()[:16]
