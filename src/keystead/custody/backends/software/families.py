"""Which family makes and opens material of a spec?"""

from collections.abc import Mapping

from keystead.custody.backends.shape import KeyPair, OpenMaterial, Secret
from keystead.custody.backends.software import (
    ec,
    edwards,
    mac,
    ml_dsa,
    ml_kem,
    ml_kem_512,
    rsa,
    symmetric,
)
from keystead.custody.backends.software.family import Family

FAMILIES: Mapping[str, Family] = {
    "SYMMETRIC_DEFAULT": symmetric.FAMILY,
    "HMAC_224": mac.FAMILY,
    "HMAC_256": mac.FAMILY,
    "HMAC_384": mac.FAMILY,
    "HMAC_512": mac.FAMILY,
    "RSA_2048": rsa.FAMILY,
    "RSA_3072": rsa.FAMILY,
    "RSA_4096": rsa.FAMILY,
    "ECC_NIST_P256": ec.FAMILY,
    "ECC_NIST_P384": ec.FAMILY,
    "ECC_NIST_P521": ec.FAMILY,
    "ECC_SECG_P256K1": ec.FAMILY,
    "ECC_NIST_EDWARDS25519": edwards.FAMILY,
    "ML_DSA_44": ml_dsa.FAMILY,
    "ML_DSA_65": ml_dsa.FAMILY,
    "ML_DSA_87": ml_dsa.FAMILY,
    **({"ML_KEM_512": ml_kem_512.FAMILY} if ml_kem_512.IS_SERVED else {}),
    "ML_KEM_768": ml_kem.FAMILY,
    "ML_KEM_1024": ml_kem.FAMILY,
}


def seconds_to_generate(spec: str) -> float:
    """How long it takes to make a secret of this spec, approximately."""
    return FAMILIES[spec].seconds.get(spec, 0.0)


def generate(spec: str) -> Secret:
    """A new secret for material of this spec."""
    return Secret(FAMILIES[spec].generate(spec))


def has(spec: str) -> bool:
    """Can material of this spec be had in this installation?"""
    return spec in FAMILIES


def key_pair(spec: str) -> KeyPair:
    """A new key pair of this spec, for use elsewhere."""
    private = FAMILIES[spec].generate(spec)
    return KeyPair(private, FAMILIES[spec].open(spec, "", private).public_key())


def open_material(spec: str, material_id: str, secret: bytes) -> OpenMaterial:
    """The material of this spec with this secret."""
    return FAMILIES[spec].open(spec, material_id, secret)
