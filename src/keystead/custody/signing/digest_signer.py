"""Which key signs the digests of exported records?  An RSA key of 2048 bits, as CloudTrail's.

The consumers of CloudTrail's files verify RSASSA-PKCS1-v1_5 with SHA-256, and nothing else (RFC
8017, 8.2). An RSA key cannot be derived from the root key. So it is made once, and kept in a sealed
column. Signatures of this scheme are deterministic: the same digest gets the same signature.
"""

import hashlib

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from keystead.custody.secrecy import Guarded

BITS = 2048


class DigestSecret(Guarded):
    """A private key that is about to be sealed."""

    __slots__ = ("der",)

    def __init__(self, der: bytes) -> None:
        self.der = der


def make() -> DigestSecret:
    """A new key. This takes some tenths of a second."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    return DigestSecret(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


class DigestSigner(Guarded):
    """Signs digests with one key."""

    __slots__ = ("_key", "public_key")

    def __init__(self, der: bytes) -> None:
        key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("this is not an RSA key")
        self._key = key
        self.public_key: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)

    @property
    def fingerprint(self) -> str:
        """The name of the key in digests and in ListPublicKeys: 32 hexadecimal digits."""
        return hashlib.sha256(self.public_key).hexdigest()[:32]

    def sign(self, message: bytes) -> bytes:
        """The signature: 256 bytes."""
        return self._key.sign(message, padding.PKCS1v15(), SHA256())
