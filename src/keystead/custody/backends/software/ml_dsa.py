"""How does an ML-DSA key sign?  FIPS 204: pure ML-DSA, with an empty context (kms.md 5.2).

    RAW          the message
    EXTERNAL_MU  mu, 64 bytes: the hash of the message with the public key (FIPS 204 section 6.2)

Signatures are hedged: two of one message differ. A secret has the seed, not the expanded key
(RFC 9881).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA44PrivateKey,
    MLDSA65PrivateKey,
    MLDSA87PrivateKey,
)

from keystead.custody.backends.shape import Loaded, OpenMaterial, Verb
from keystead.custody.backends.software.family import Family, pkcs8, private_key, spki

_Key: TypeAlias = MLDSA44PrivateKey | MLDSA65PrivateKey | MLDSA87PrivateKey

_KINDS: Mapping[str, type[_Key]] = {
    "ML_DSA_44": MLDSA44PrivateKey,
    "ML_DSA_65": MLDSA65PrivateKey,
    "ML_DSA_87": MLDSA87PrivateKey,
}
_GENERATE: Mapping[str, float] = {"ML_DSA_44": 3e-4, "ML_DSA_65": 4e-4, "ML_DSA_87": 6e-4}
_SIGN: Mapping[str, float] = {"ML_DSA_44": 0.5e-3, "ML_DSA_65": 0.8e-3, "ML_DSA_87": 1.0e-3}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class OpenMlDsaMaterial(OpenMaterial):
    """An ML-DSA key, opened."""

    cost: ClassVar[int] = 20_000  # the expanded key

    spec: str
    material_id: str
    _loaded: Loaded[_Key] = field(repr=False)

    def seconds(self, verb: Verb) -> float:
        """All verbs are slow. To load a key is to expand its seed."""
        return _SIGN[self.spec] if verb is Verb.SIGN else _GENERATE[self.spec]

    def sign(self, algorithm: str, message: bytes, message_type: str) -> bytes:  # noqa: ARG002  # one
        """The signature."""
        key = self._loaded.key
        return key.sign_mu(message) if message_type == "EXTERNAL_MU" else key.sign(message)

    def verify(
        self,
        algorithm: str,  # noqa: ARG002  # there is one
        message: bytes,
        message_type: str,
        signature: bytes,
    ) -> bool:
        """Is this the signature?"""
        key = self._loaded.key.public_key()
        check = key.verify_mu if message_type == "EXTERNAL_MU" else key.verify
        try:
            check(signature, message)
        except InvalidSignature:
            return False
        return True

    def public_key(self) -> bytes:
        """The public key: DER, SubjectPublicKeyInfo."""
        return spki(self._loaded.key.public_key())


def _generate(spec: str) -> bytes:
    return pkcs8(_KINDS[spec].generate())


def _open(spec: str, material_id: str, secret: bytes) -> OpenMaterial:
    load = partial(private_key, _KINDS[spec])
    return OpenMlDsaMaterial(spec, material_id, Loaded(load, secret))


FAMILY = Family(_generate, _open, _GENERATE)
