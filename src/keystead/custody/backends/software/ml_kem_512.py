"""How does a key of ML-KEM-512 make a secret that two parties share?  As the others (`ml_kem`).

The library of all other primitives does not have this parameter set. The one that has it is
optional (the extra `pq512`), and does not give seeds. So a secret is a PrivateKeyInfo with the
expanded key (RFC 9935 section 6), which is the same for OpenSSL and others (decision 0034):

    expanded key (1632)  768 bytes | encapsulation key (800) | its hash (32) | z (32)    (FIPS 203)
"""

from dataclasses import dataclass, field
from typing import ClassVar

from keystead.custody.backends.shape import OpenMaterial, Verb
from keystead.custody.backends.software.family import Family

try:
    from pqcrypto.kem import ml_kem_512 as library
except ImportError:
    library = None

_SECONDS = 2e-4
_CIPHERTEXT_BYTES = 768
_ENCAPSULATION_KEY = slice(768, 768 + 800)

# What stands in DER before a key, which has always the same length. (id-alg-ml-kem-512)
_PRIVATE_KEY_INFO = bytes.fromhex("30820678020100300b06096086480165030404010482066404820660")
_PUBLIC_KEY_INFO = bytes.fromhex("30820332300b06096086480165030404010382032100")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class OpenMlKem512Material(OpenMaterial):
    """A key of ML-KEM-512, opened."""

    cost: ClassVar[int] = 2000

    material_id: str
    _expanded: bytes = field(repr=False)

    def seconds(self, verb: Verb) -> float:  # noqa: ARG002  # all take about as long
        """As long as with a key of ML-KEM-768."""
        return _SECONDS

    def encapsulate(self) -> tuple[bytes, bytes]:
        """A new shared secret, and its ciphertext."""
        ciphertext, shared = library.encaps(self._expanded[_ENCAPSULATION_KEY])
        return shared, ciphertext

    def decapsulate(self, ciphertext: bytes) -> bytes | None:
        """The shared secret, or None if the length is wrong."""
        try:
            shared: bytes = library.decaps(self._expanded, ciphertext)
        except ValueError:
            return None
        return shared

    def public_key(self) -> bytes:
        """The public key: DER, SubjectPublicKeyInfo."""
        return _PUBLIC_KEY_INFO + self._expanded[_ENCAPSULATION_KEY]


def _generate(spec: str) -> bytes:  # noqa: ARG001  # the only one
    _, expanded = library.keygen()
    return _PRIVATE_KEY_INFO + bytes(expanded)


def _open(spec: str, material_id: str, secret: bytes) -> OpenMaterial:  # noqa: ARG001  # as above
    return OpenMlKem512Material(material_id, secret.removeprefix(_PRIVATE_KEY_INFO))


FAMILY = Family(_generate, _open, {"ML_KEM_512": _SECONDS})
IS_SERVED = library is not None
