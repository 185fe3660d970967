"""Is this the secret of a key of this spec?  Material that a caller brings (kms.md 13.3).

A symmetric or HMAC key is its bytes, of exactly the spec's length. A private key is PKCS#8 in DER.
It is read by the library, and must be of the spec's algorithm and size.

The library's own check of an RSA key proves that its factors are prime. It takes up to a second and
holds the interpreter's lock for all of it, so no other call would be answered. We check instead
that the numbers belong together, and that random messages which the key signs are verified by its
public half. A message m returns from that only if m^(k(p-1)) = 1 mod p: Fermat's test of p, for a
random base, and of q too. A caller who builds a modulus that passes has only weakened an own key.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256K1,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePrivateKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from keystead.custody.backends.shape import Secret
from keystead.custody.backends.software.family import pkcs8, spki
from keystead.custody.randomness import urandom

_ROUNDS = 3
_LEAST_EXPONENT, _MOST_EXPONENT = 65537, 1 << 32
_RSA_ID = bytes.fromhex("06092a864886f70d010101")  # in DER (RFC 8017)
_EC_ID = bytes.fromhex("06072a8648ce3d0201")  # RFC 5480
_EDWARDS_ID = bytes.fromhex("06032b6570")  # RFC 8410
_ID_PLACES = (7, 8, 9)  # after the header of the PrivateKeyInfo, its version, and a header
_SEQUENCE = 0x30
_PSS = PSS(MGF1(SHA256()), SHA256.digest_size)


class GivenSecret(Secret):
    """The secret of a key, which a caller brought."""

    __slots__ = ("key_spec", "public_key", "told_by")

    def __init__(
        self, key_spec: str, secret: bytes, told_by: bytes, public_key: bytes = b""
    ) -> None:
        super().__init__(secret)
        self.key_spec = key_spec
        self.public_key = public_key
        """The public half of a private key: DER, SubjectPublicKeyInfo. Other secrets have none."""
        self.told_by = told_by
        """The same for the same secret, in whatever form it came."""


def given(key_spec: str, material: bytes) -> GivenSecret | None:
    """The secret of a key of this spec; None for bytes that are no such secret.

    Raises KeyError for a spec whose material cannot be given.
    """
    return _READERS[key_spec](key_spec, material)


def _of_length(length: int, key_spec: str, material: bytes) -> GivenSecret | None:
    return GivenSecret(key_spec, material, material) if len(material) == length else None


def _private_key(
    algorithm: bytes, fits: Callable[[PrivateKeyTypes], bool], key_spec: str, material: bytes
) -> GivenSecret | None:
    if not _says(algorithm, material):
        return None
    try:
        key = load_der_private_key(material, None, unsafe_skip_rsa_key_validation=True)
        if not fits(key):
            return None
        secret, public = pkcs8(key), spki(key.public_key())
    # TypeError: it is encrypted. InternalError: a key of RFC 8410 that has not its curve's length.
    except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):
        return None
    return GivenSecret(key_spec, secret, public, public)


def _says(algorithm: bytes, material: bytes) -> bool:
    """Is it a PrivateKeyInfo whose algorithm has this id?

    The library computes with the numbers of others, and holds the interpreter's lock: with a long
    key of DSA for a second. So it sees none of them.
    """
    place = material.find(algorithm, 0, _ID_PLACES[-1] + len(algorithm))
    return place in _ID_PLACES and material[place - 2] == _SEQUENCE


def _is_rsa(bits: int, key: PrivateKeyTypes) -> bool:
    """Is it an RSA key of this size, whose parts belong together?  Raises ValueError too."""
    if not isinstance(key, RSAPrivateKey) or key.key_size != bits:
        return False
    numbers = key.private_numbers()
    public, p, q, d = numbers.public_numbers, numbers.p, numbers.q, numbers.d
    n, e = public.n, public.e
    if not _LEAST_EXPONENT <= e < _MOST_EXPONENT or not all(x & 1 for x in (e, p, q)):
        return False
    if p * q != n or p == q or not p.bit_length() == q.bit_length() == bits // 2:
        return False
    if d >= n or d * e % math.lcm(p - 1, q - 1) != 1:
        return False
    parts = (numbers.dmp1, numbers.dmq1, numbers.iqmp * q % p)
    return parts == (d % (p - 1), d % (q - 1), 1) and _signs(key)


def _signs(key: RSAPrivateKey) -> bool:
    """Does its public half verify what it signs?"""
    public = key.public_key()
    try:
        for _ in range(_ROUNDS):
            message = urandom(32)
            public.verify(key.sign(message, _PSS, SHA256()), message, _PSS, SHA256())
    except InvalidSignature:
        return False
    return True


def _is_on_curve(curve: type[EllipticCurve], key: PrivateKeyTypes) -> bool:
    return isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, curve)


def _is_edwards(key: PrivateKeyTypes) -> bool:
    return isinstance(key, Ed25519PrivateKey)


_BYTES = {"SYMMETRIC_DEFAULT": 32, "HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64}
_RSA = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
_CURVES: Mapping[str, type[EllipticCurve]] = {
    "ECC_NIST_P256": SECP256R1,
    "ECC_NIST_P384": SECP384R1,
    "ECC_NIST_P521": SECP521R1,
    "ECC_SECG_P256K1": SECP256K1,
}
_READERS: Mapping[str, Callable[[str, bytes], GivenSecret | None]] = {
    **{spec: partial(_of_length, length) for spec, length in _BYTES.items()},
    **{spec: partial(_private_key, _RSA_ID, partial(_is_rsa, bits)) for spec, bits in _RSA.items()},
    **{
        spec: partial(_private_key, _EC_ID, partial(_is_on_curve, curve))
        for spec, curve in _CURVES.items()
    },
    "ECC_NIST_EDWARDS25519": partial(_private_key, _EDWARDS_ID, _is_edwards),
}

GIVEN_SPECS = frozenset(_READERS)
"""The specs of keys whose material can be given."""
