"""Is this the audit key's signature?  The only cryptography that verifying the log needs.

Nothing here is secret: any machine with the public key can verify.
"""

from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key


class NotAPublicKey(ValueError):
    """The text is not an Ed25519 public key in PEM."""


def signature_verifier(public_key_pem: bytes) -> Callable[[bytes, bytes], bool]:
    """A function of a signature and of data: did this key sign the data?

    Raises NotAPublicKey.
    """
    try:
        key = load_pem_public_key(public_key_pem)
    except ValueError:
        raise NotAPublicKey("this is not a public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise NotAPublicKey("this is not an Ed25519 key")
    public_key = key

    def is_signature(signature: bytes, data: bytes) -> bool:
        try:
            public_key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    return is_signature
