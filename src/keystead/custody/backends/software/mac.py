"""How does an HMAC key make a MAC?  RFC 2104, with the hash of its spec (kms.md 5.2)."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from keystead.custody.backends.shape import OpenMaterial
from keystead.custody.backends.software.family import Family
from keystead.custody.randomness import urandom

_HASHES: Mapping[str, str] = {
    "HMAC_SHA_224": "sha224",
    "HMAC_SHA_256": "sha256",
    "HMAC_SHA_384": "sha384",
    "HMAC_SHA_512": "sha512",
}

BYTES: Mapping[str, int] = {"HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64}
"""The length of a key: that of its hash's output."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class OpenMacMaterial(OpenMaterial):
    """An HMAC key, opened."""

    cost: ClassVar[int] = 400

    material_id: str
    _secret: bytes = field(repr=False)

    def mac(self, algorithm: str, message: bytes) -> bytes:
        """The MAC of a message."""
        return hmac.digest(self._secret, message, _HASHES[algorithm])

    def verify_mac(self, algorithm: str, message: bytes, mac: bytes) -> bool:
        """Is this the MAC, in its full length?"""
        return hmac.compare_digest(self.mac(algorithm, message), mac)


def _generate(spec: str) -> bytes:
    return urandom(BYTES[spec])


def _open(spec: str, material_id: str, secret: bytes) -> OpenMaterial:  # noqa: ARG001  # its length
    return OpenMacMaterial(material_id, secret)


FAMILY = Family(_generate, _open)
