"""How does an RSA key encrypt and sign?  OAEP, PSS, PKCS#1 v1.5 signatures (RFC 8017, kms.md 5).

OAEP has an empty label, and MGF1 with its own hash. A PSS salt is as long as the hash. All of it is
the library's, whose private operations are blinded (threat-model KM-11).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import (
    MGF1,
    OAEP,
    PSS,
    AsymmetricPadding,
    PKCS1v15,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from keystead.custody.backends.shape import Loaded, OpenMaterial, Verb
from keystead.custody.backends.software.family import Family, pkcs8, private_key, spki
from keystead.custody.backends.software.hashes import digest, hash_of

_EXPONENT = 65537
_BITS: Mapping[str, int] = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
_PRIVATE: Mapping[str, float] = {"RSA_2048": 0.3e-3, "RSA_3072": 0.9e-3, "RSA_4096": 1.7e-3}
_GENERATE: Mapping[str, float] = {"RSA_2048": 0.1, "RSA_3072": 0.3, "RSA_4096": 0.8}


def _oaep(used: HashAlgorithm) -> OAEP:
    return OAEP(MGF1(used), used, None)


_OAEP: Mapping[str, OAEP] = {
    "RSAES_OAEP_SHA_1": _oaep(SHA1()),  # noqa: S303  # the algorithm is AWS's; OAEP relies on no collision
    "RSAES_OAEP_SHA_256": _oaep(SHA256()),
}


def _padding(algorithm: str) -> AsymmetricPadding:
    """The padding of a signing algorithm."""
    if algorithm.startswith("RSASSA_PSS_"):
        used = hash_of(algorithm)
        return PSS(MGF1(used), used.digest_size)
    return PKCS1v15()


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class OpenRsaMaterial(OpenMaterial):
    """An RSA key, opened."""

    cost: ClassVar[int] = 15000  # of RSA_4096

    spec: str
    material_id: str
    _loaded: Loaded[RSAPrivateKey] = field(repr=False)

    def seconds(self, verb: Verb) -> float:
        """The private operations are slow."""
        return _PRIVATE[self.spec] if verb in (Verb.SIGN, Verb.DECRYPT) else 0.0

    def encrypt_asymmetric(self, algorithm: str, plaintext: bytes) -> bytes:
        """Encrypt for the holder of the private key."""
        return self._loaded.key.public_key().encrypt(plaintext, _OAEP[algorithm])

    def decrypt_asymmetric(self, algorithm: str, ciphertext: bytes) -> bytes | None:
        """The plaintext, or None if the public key did not make this ciphertext."""
        try:
            return self._loaded.key.decrypt(ciphertext, _OAEP[algorithm])
        except ValueError:  # one error for every reason
            return None

    def sign(self, algorithm: str, message: bytes, message_type: str) -> bytes:
        """The signature."""
        hashed, prehashed = digest(algorithm, message, message_type)
        return self._loaded.key.sign(hashed, _padding(algorithm), prehashed)

    def verify(self, algorithm: str, message: bytes, message_type: str, signature: bytes) -> bool:
        """Is this the signature?"""
        hashed, prehashed = digest(algorithm, message, message_type)
        try:
            self._loaded.key.public_key().verify(signature, hashed, _padding(algorithm), prehashed)
        except InvalidSignature:
            return False
        return True

    def public_key(self) -> bytes:
        """The public key: DER, SubjectPublicKeyInfo."""
        return spki(self._loaded.key.public_key())


def _generate(spec: str) -> bytes:
    return pkcs8(generate_private_key(_EXPONENT, _BITS[spec]))


def _open(spec: str, material_id: str, secret: bytes) -> OpenMaterial:
    return OpenRsaMaterial(spec, material_id, Loaded(partial(private_key, RSAPrivateKey), secret))


FAMILY = Family(_generate, _open, _GENERATE)
