"""How does an Ed25519 key sign?  RFC 8032: the message itself, or by Ed25519ph a hash of it.

The MessageType follows from the algorithm (kms.md 5.2).
"""

# ruff: noqa: ARG002  # the type of the message follows from the algorithm

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keystead.custody.backends.shape import Loaded, OpenMaterial
from keystead.custody.backends.software import edwards_prehash
from keystead.custody.backends.software.family import Family, pkcs8, private_key, spki

_PREHASH = "ED25519_PH_SHA_512"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class OpenEdwardsMaterial(OpenMaterial):
    """An Ed25519 key, opened."""

    cost: ClassVar[int] = 1500

    material_id: str
    _loaded: Loaded[Ed25519PrivateKey] = field(repr=False)

    def sign(self, algorithm: str, message: bytes, message_type: str) -> bytes:  # one
        """The signature."""
        key = self._loaded.key
        if algorithm == _PREHASH:
            public = key.public_key().public_bytes_raw()
            return edwards_prehash.sign(key.private_bytes_raw(), public, message)
        return key.sign(message)

    def verify(
        self,
        algorithm: str,
        message: bytes,
        message_type: str,
        signature: bytes,  # one
    ) -> bool:
        """Is this the signature?"""
        public = self._loaded.key.public_key()
        if algorithm == _PREHASH:
            return edwards_prehash.verify(public.public_bytes_raw(), message, signature)
        try:
            public.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def public_key(self) -> bytes:
        """The public key: DER, SubjectPublicKeyInfo."""
        return spki(self._loaded.key.public_key())


def _generate(spec: str) -> bytes:  # noqa: ARG001  # the only one
    return pkcs8(Ed25519PrivateKey.generate())


def _open(spec: str, material_id: str, secret: bytes) -> OpenMaterial:  # noqa: ARG001  # as above
    return OpenEdwardsMaterial(material_id, Loaded(partial(private_key, Ed25519PrivateKey), secret))


FAMILY = Family(_generate, _open)
