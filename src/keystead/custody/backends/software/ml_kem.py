"""How does an ML-KEM key make a secret that two parties share?  FIPS 203 (kms.md 5.2).

Every ciphertext of the right length gives 32 bytes. If it was not made for this key, they are
pseudo-random, and nobody is told (implicit rejection). A secret has the seed, not the expanded key
(RFC 9935). The smallest parameter set is another library's (`ml_kem_512`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, TypeAlias

from cryptography.hazmat.primitives.asymmetric.mlkem import (
    MLKEM768PrivateKey,
    MLKEM1024PrivateKey,
)

from keystead.custody.backends.shape import Loaded, OpenMaterial, Verb
from keystead.custody.backends.software.family import Family, pkcs8, private_key, spki

_Key: TypeAlias = MLKEM768PrivateKey | MLKEM1024PrivateKey

_KINDS: Mapping[str, type[_Key]] = {
    "ML_KEM_768": MLKEM768PrivateKey,
    "ML_KEM_1024": MLKEM1024PrivateKey,
}
_CIPHERTEXT_BYTES: Mapping[str, int] = {"ML_KEM_768": 1088, "ML_KEM_1024": 1568}
_SECONDS: Mapping[str, float] = {"ML_KEM_768": 3e-4, "ML_KEM_1024": 4e-4}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class OpenMlKemMaterial(OpenMaterial):
    """An ML-KEM key, opened."""

    cost: ClassVar[int] = 15_000  # the expanded key

    spec: str
    material_id: str
    _loaded: Loaded[_Key] = field(repr=False)

    def seconds(self, verb: Verb) -> float:  # noqa: ARG002  # all take about as long
        """Most of it is loading a key, which is to expand its seed."""
        return _SECONDS[self.spec]

    def encapsulate(self) -> tuple[bytes, bytes]:
        """A new shared secret, and its ciphertext."""
        return self._loaded.key.public_key().encapsulate()

    def decapsulate(self, ciphertext: bytes) -> bytes | None:
        """The shared secret, or None if the length is wrong."""
        key = self._loaded.key
        try:
            return key.decapsulate(ciphertext)
        except ValueError:
            return None

    def public_key(self) -> bytes:
        """The public key: DER, SubjectPublicKeyInfo."""
        return spki(self._loaded.key.public_key())


def _generate(spec: str) -> bytes:
    return pkcs8(_KINDS[spec].generate())


def _open(spec: str, material_id: str, secret: bytes) -> OpenMaterial:
    load = partial(private_key, _KINDS[spec])
    return OpenMlKemMaterial(spec, material_id, Loaded(load, secret))


FAMILY = Family(_generate, _open, _SECONDS)
