"""How does a key on a curve sign?  ECDSA with the curve's own hash (FIPS 186-5, kms.md 5).

A signature is the DER of an ECDSA-Sig-Value (RFC 3279).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256K1,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePrivateKey,
    generate_private_key,
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

    cost: ClassVar[int] = 2500

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

    def public_key(self) -> bytes:
        """The public key: DER, SubjectPublicKeyInfo."""
        return spki(self._loaded.key.public_key())


def _generate(spec: str) -> bytes:
    return pkcs8(generate_private_key(CURVES[spec]))


def _open(spec: str, material_id: str, secret: bytes) -> OpenMaterial:
    load = partial(private_key, EllipticCurvePrivateKey)
    return OpenEcMaterial(spec, material_id, Loaded(load, secret))


FAMILY = Family(_generate, _open, _SECONDS)
