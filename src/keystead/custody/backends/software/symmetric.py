"""How does a symmetric key encrypt?  AES-256-GCM under a key of its own for every call.

    key, commitment = SP 800-108(material, "keystead/1/encrypt", salt)        (kms.md 18)
    ciphertext, tag = AES-256-GCM(key, nonce, plaintext, AAD = salt || commitment || aad)

Salt (128 bits) and nonce (96 bits) are random. So a restarted, restored or cloned server repeats
no pair, and no number of calls wears a key out. The commitment is compared first: a ciphertext
opens under the material that made it and under no other (threat-model KM-1).
"""

import hmac
from dataclasses import dataclass, field
from typing import ClassVar, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keystead.custody.backends.shape import BadCiphertext, OpenMaterial, Sealed
from keystead.custody.backends.software.family import Family
from keystead.custody.kdf import KEY_BYTES, LENGTH, CounterKdf, labelled
from keystead.custody.randomness import urandom

_SALT, _COMMITMENT, _NONCE, _TAG = 16, 32, 12, 16
_START = labelled("keystead/1/encrypt")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class OpenSymmetricMaterial(OpenMaterial):
    """A symmetric key, opened."""

    cost: ClassVar[int] = 1800

    material_id: str
    _kdf: CounterKdf = field(repr=False)

    @classmethod
    def of(cls, material_id: str, secret: bytes) -> Self:
        """The opened form of this secret."""
        return cls(material_id, CounterKdf(secret, _START))

    def encrypt(self, plaintext: bytes, aad: bytes) -> Sealed:
        """Encrypt, and bind `aad`."""
        random = urandom(_SALT + _NONCE)  # one system call
        salt, nonce = random[:_SALT], random[_SALT:]
        key, commitment = self._kdf.derive(salt + LENGTH)
        ciphertext = AESGCM(key).encrypt(nonce, plaintext, salt + commitment + aad)
        return Sealed(self.material_id, salt, commitment, nonce, ciphertext)

    def decrypt(self, sealed: Sealed, aad: bytes) -> bytes:
        """The plaintext; raises BadCiphertext."""
        salt, nonce = sealed.salt, sealed.nonce
        if len(salt) != _SALT or len(nonce) != _NONCE or len(sealed.ciphertext) < _TAG:
            raise BadCiphertext
        key, commitment = self._kdf.derive(salt + LENGTH)
        if not hmac.compare_digest(commitment, sealed.commitment):
            raise BadCiphertext
        try:
            return AESGCM(key).decrypt(nonce, sealed.ciphertext, salt + commitment + aad)
        except InvalidTag:
            raise BadCiphertext from None


def _generate(spec: str) -> bytes:  # noqa: ARG001  # the only one
    return urandom(KEY_BYTES)


def _open(spec: str, material_id: str, secret: bytes) -> OpenMaterial:  # noqa: ARG001  # as above
    return OpenSymmetricMaterial.of(material_id, secret)


FAMILY = Family(_generate, _open)
