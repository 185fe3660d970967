"""Which private keys decrypt assertions?  RSA keys in PEM, of 2,048 to 4,096 bits.

An identity provider encrypts assertions with RSA-OAEP for the certificate of such a key. The limit
above holds before the key is checked, because a check takes time with the third power of its bits.
"""

import re

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_BITS = range(2048, 4096 + 1)
_PEM = re.compile(
    r"\A\s*-----BEGIN ((?:RSA )?PRIVATE KEY)-----[A-Za-z0-9+/=\s]+-----END \1-----\s*\Z", re.ASCII
)


class NotAPrivateKey(ValueError):
    """The text is not a private key that can be used. It never repeats the text."""


def read_private_key(pem: str) -> bytes:
    """The key as PKCS#8 in DER; raises NotAPrivateKey."""
    if _PEM.match(pem) is None:
        raise NotAPrivateKey("it is not one unencrypted private key in PEM")
    raw = pem.encode()
    try:
        unchecked = serialization.load_pem_private_key(
            raw, None, unsafe_skip_rsa_key_validation=True
        )
        if not isinstance(unchecked, rsa.RSAPrivateKey) or unchecked.key_size not in _BITS:
            raise NotAPrivateKey("it is not an RSA key of 2,048 to 4,096 bits")
        key = serialization.load_pem_private_key(raw, None)
    # InternalError: a key of RFC 8410 that has not its curve's length
    except (ValueError, TypeError, UnsupportedAlgorithm, InternalError) as error:
        if isinstance(error, NotAPrivateKey):
            raise
        raise NotAPrivateKey("it cannot be read") from None
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
