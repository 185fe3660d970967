"""How is a secret sealed?  The record that every secret at rest is kept in (threat-model RK-3).

    version (1) | generation (4) | salt (16) | commitment (32) | nonce (12) | ciphertext | tag (16)

    key, commitment = SP 800-108(sealing key, purpose, salt || SHA-256(place))
    ciphertext, tag = AES-256-GCM(key, nonce, secret, AAD = everything before it || place)

The place says where the record belongs: table, column, primary key, … It is written in msgpack,
which writes each value with its type and length. So no two places have the same encoding.

A record opens only under its own key, for its own purpose, in its own place. The salt gives each
record a key of its own, so nonces never meet. The commitment is compared first, so no record opens
under two keys. The MAC of the row (`rows`) covers the record, and binds the row version.
"""

import hashlib
import hmac
import struct
from collections.abc import Sequence

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keystead.custody.kdf import LENGTH, CounterKdf, labelled
from keystead.custody.randomness import urandom
from keystead.custody.rows.rows import RowIntegrityError
from keystead.custody.secrecy import Guarded
from keystead.store.protocol import Value

_VERSION = 1
_HEADER = struct.Struct(">BI16s32s12s")
_TAG = 16

OVERHEAD = _HEADER.size + _TAG
"""How much longer a record is than its secret."""

_pack = msgspec.msgpack.Encoder().encode


class BadRecord(Exception):
    """Not a record that this key sealed for this place. One error for every reason."""


def generation_of(record: bytes) -> int:
    """The generation that a record says it was sealed in; not yet verified. Raises BadRecord."""
    if len(record) < OVERHEAD:
        raise BadRecord
    return int(_HEADER.unpack_from(record)[1])


def place(*parts: Value | Sequence[Value]) -> bytes:
    """The encoding of a place. Two encodings are equal only when their parts are."""
    return _pack(parts)


class RecordSealer(Guarded):
    """Seals and opens records under one key for one purpose."""

    __slots__ = ("_generation", "_kdf")

    def __init__(self, key: bytes, purpose: str, generation: int = 1) -> None:
        self._kdf = CounterKdf(key, labelled(f"keystead/1/record/{purpose}"))
        self._generation = generation

    def seal(self, secret: bytes, where: bytes) -> bytes:
        """The record of `secret` that belongs at `where`."""
        salt, nonce = urandom(16), urandom(12)
        key, commitment = self._derive(salt, where)
        header = _HEADER.pack(_VERSION, self._generation, salt, commitment, nonce)
        return header + AESGCM(key).encrypt(nonce, secret, header + where)

    def unseal(self, record: bytes, where: bytes) -> bytes:
        """The secret. Raises BadRecord unless this record was sealed for `where`."""
        if len(record) < OVERHEAD:
            raise BadRecord
        version, generation, salt, stated, nonce = _HEADER.unpack_from(record)
        if version != _VERSION or generation != self._generation:
            raise BadRecord
        key, commitment = self._derive(salt, where)
        if not hmac.compare_digest(commitment, stated):
            raise BadRecord
        try:
            bound = record[: _HEADER.size] + where
            return AESGCM(key).decrypt(nonce, record[_HEADER.size :], bound)
        except InvalidTag:
            raise BadRecord from None

    def _derive(self, salt: bytes, where: bytes) -> tuple[bytes, bytes]:
        return self._kdf.derive(salt + hashlib.sha256(where).digest() + LENGTH)


class ColumnSeals(Guarded):
    """Secret columns, each sealed for its table, column and primary key (`rows.Sealer`)."""

    __slots__ = ("_sealer",)

    def __init__(self, sealer: RecordSealer) -> None:
        self._sealer = sealer

    def seal(self, table: str, key: Sequence[Value], column: str, secret: bytes) -> bytes:
        """The sealed form, bound to where it is stored."""
        return self._sealer.seal(secret, place(table, column, key))

    def unseal(self, table: str, key: Sequence[Value], column: str, sealed: bytes) -> bytes:
        """The secret; raises RowIntegrityError when it was not sealed for this place."""
        try:
            return self._sealer.unseal(sealed, place(table, column, key))
        except BadRecord:
            raise RowIntegrityError(table, key) from None
