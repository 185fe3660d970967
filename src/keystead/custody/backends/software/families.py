"""Which family makes and opens material of a spec?"""

from collections.abc import Mapping

from keystead.custody.backends.shape import OpenMaterial, Secret
from keystead.custody.backends.software import ec, edwards, mac, rsa, symmetric
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
}


def seconds_to_generate(spec: str) -> float:
    """How long it takes to make a secret of this spec, approximately."""
    return FAMILIES[spec].seconds.get(spec, 0.0)


def generate(spec: str) -> Secret:
    """A new secret for material of this spec."""
    return Secret(FAMILIES[spec].generate(spec))


def open_material(spec: str, material_id: str, secret: bytes) -> OpenMaterial:
    """The material of this spec with this secret."""
    return FAMILIES[spec].open(spec, material_id, secret)
