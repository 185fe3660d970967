"""How does a key on a curve sign, and agree?  ECDSA with the curve's own hash, ECDH (kms.md 5.2).

A signature is the DER of an ECDSA-Sig-Value (RFC 3279; FIPS 186-5). What two keys agree on is the
x coordinate of their common point (SP 800-56A section 5.7.1.2, with the cofactor 1).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    ECDSA,
    SECP256K1,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from keystead.custody.backends.shape import Loaded, OpenMaterial, Verb
from keystead.custody.backends.software.family import Family, pkcs8, private_key, spki
from keystead.custody.backends.software.hashes import digest

CURVES: Mapping[str, EllipticCurve] = {
    "ECC_NIST_P256": SECP256R1(),
    "ECC_NIST_P384": SECP384R1(),
    "ECC_NIST_P521": SECP521R1(),
    "ECC_SECG_P256K1": SECP256K1(),
}

_ID = bytes.fromhex("06072a8648ce3d0201")  # the DER of id-ecPublicKey (RFC 5480)
_ID_PLACES = (4, 5)  # where it is in a SubjectPublicKeyInfo: after the headers of two sequences
_POINTS = (PublicFormat.UncompressedPoint, PublicFormat.CompressedPoint)

# Only P-256 is quick. What the others take includes loading the key, which is half of it.
_SECONDS: Mapping[str, float] = {
    "ECC_NIST_P256": 1e-4,
    "ECC_NIST_P384": 8e-4,
    "ECC_NIST_P521": 9e-4,
    "ECC_SECG_P256K1": 9e-4,
}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class OpenEcMaterial(OpenMaterial):
    """A key on a curve in Weierstrass form, opened."""

    cost: ClassVar[int] = 3100

    spec: str
    material_id: str
    _loaded: Loaded[EllipticCurvePrivateKey] = field(repr=False)

    def seconds(self, verb: Verb) -> float:  # noqa: ARG002  # all take about as long
        """Verbs on larger curves are slow."""
        return _SECONDS[self.spec]

    def sign(self, algorithm: str, message: bytes, message_type: str) -> bytes:
        """The signature."""
        hashed, prehashed = digest(algorithm, message, message_type)
        return self._loaded.key.sign(hashed, ECDSA(prehashed))

    def verify(self, algorithm: str, message: bytes, message_type: str, signature: bytes) -> bool:
        """Is this the signature?"""
        hashed, prehashed = digest(algorithm, message, message_type)
        try:
            self._loaded.key.public_key().verify(signature, hashed, ECDSA(prehashed))
        except InvalidSignature:
            return False
        return True

    def agree(self, public_key: bytes) -> bytes | None:
        """The secret shared with the holder of a public key, or None if it is of another curve."""
        peer = _on_curve(self.spec, public_key)
        return None if peer is None else self._loaded.key.exchange(ECDH(), peer)

    def public_key(self) -> bytes:
        """The public key: DER, SubjectPublicKeyInfo."""
        return spki(self._loaded.key.public_key())


def agrees_with(spec: str, public_key: bytes) -> bool:
    """Is this a public key on the curve of this spec?"""
    return _on_curve(spec, public_key) is not None


def _on_curve(spec: str, public_key: bytes) -> EllipticCurvePublicKey | None:
    """The public key; None if it is none, is not on its curve, or is on another.

    The library examines the numbers of other algorithms, which takes it seconds for a long prime of
    Diffie-Hellman, and nobody else is served. So it only sees what says that it is on a curve. It
    reads points in their hybrid form, too, which RFC 5480 (2.2) forbids.
    """
    if public_key.find(_ID, 0, _ID_PLACES[-1] + len(_ID)) not in _ID_PLACES:
        return None
    try:
        key = load_der_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name != CURVES[spec].name:
        return None
    point = tuple(key.public_bytes(Encoding.X962, form) for form in _POINTS)
    return key if public_key.endswith(point) else None


def _generate(spec: str) -> bytes:
    return pkcs8(generate_private_key(CURVES[spec]))


def _open(spec: str, material_id: str, secret: bytes) -> OpenMaterial:
    load = partial(private_key, EllipticCurvePrivateKey)
    return OpenEcMaterial(spec, material_id, Loaded(load, secret))


FAMILY = Family(_generate, _open, _SECONDS)
