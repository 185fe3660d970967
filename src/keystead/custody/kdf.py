"""How does one key become many?  HKDF for purposes, SP 800-108 for every record and every call.

    HKDF-SHA-256 (RFC 5869):       key = Expand(Extract("", root), label)
    counter mode (SP 800-108 4.1): K(i) = HMAC-SHA256(key, [i]_32 || fixed input)
                                   fixed input = label || 0x00 || context || [L]_32

L is always 512 bits: 256 for an AES key and 256 for the commitment to it. Both blocks start from
kept HMAC contexts, which have absorbed key, counter and label already. This costs a fourth of what
a general implementation costs. The tests compare the results with the cryptography library's.
"""

import hashlib

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keystead.custody.secrecy import Guarded

_BLOCK = 64
_INNER = bytes(b ^ 0x36 for b in range(256))
_OUTER = bytes(b ^ 0x5C for b in range(256))

KEY_BYTES = 32
"""The length of every symmetric key here."""

LENGTH = (512).to_bytes(4)
"""[L]_32, the last part of every fixed input."""


def hkdf(key: bytes, label: str, length: int = KEY_BYTES) -> bytes:
    """The key that `key` gives for this label. (RFC 5869; no salt: the keys are uniform)"""
    return HKDF(SHA256(), length, salt=None, info=label.encode()).derive(key)


def hmac_contexts(key: bytes) -> "tuple[hashlib._Hash, hashlib._Hash]":
    """The inner and the outer hash of HMAC-SHA256, with the key absorbed. (FIPS 198-1)

    HMAC(key, m) = outer.copy() over the digest of (inner.copy() over m).
    """
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    block = key.ljust(_BLOCK, b"\0")
    return hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))


def labelled(label: str) -> bytes:
    """The start of a fixed input: label || 0x00."""
    return label.encode() + b"\0"


class CounterKdf(Guarded):
    """SP 800-108 in counter mode for one key and one start of the fixed input: two blocks."""

    __slots__ = ("_first", "_outer", "_second")

    def __init__(self, key: bytes, start: bytes) -> None:
        self._first, self._outer = hmac_contexts(key)
        self._second = self._first.copy()
        self._first.update(b"\0\0\0\1" + start)
        self._second.update(b"\0\0\0\2" + start)

    def derive(self, end: bytes) -> tuple[bytes, bytes]:
        """K(1) and K(2) for the fixed input start || end: a key, and the commitment to it."""
        first = self._first.copy()
        first.update(end)
        key = self._outer.copy()
        key.update(first.digest())
        second = self._second.copy()
        second.update(end)
        commitment = self._outer.copy()
        commitment.update(second.digest())
        return key.digest(), commitment.digest()
