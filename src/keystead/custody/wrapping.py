"""How does key material come in from outside?  Wrapped by a key of ours, with its token.

An import token is a record (`records`) that holds the private half of a wrapping key, sealed for
one key of one account and bound to the incarnation of the installation. So nothing is stored
between the two calls of an import, and nothing has to be cleaned away (docs/decisions/0036).

    data of the record:  valid to, microseconds (8) | wrapping algorithm (1) | private key, DER

The wrapped material is unwrapped here, in the slow lane, and does not leave custody (KM-12).
"""

import hmac
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from keystead.custody.backends import GivenSecret, given
from keystead.custody.kdf import KEY_BYTES
from keystead.custody.rows import BadRecord, RecordSealer, place
from keystead.custody.secrecy import Guarded
from keystead.custody.tokens import InvalidToken
from keystead.store.protocol import Value

_HEAD = struct.Struct(">QB")
_EXPONENT = 65537


class _Wrapping(Enum):
    """The wrapping algorithms: the hash of OAEP, and whether it carries an AES key."""

    RSAES_OAEP_SHA_1 = 1, SHA1, False
    RSAES_OAEP_SHA_256 = 2, SHA256, False
    RSA_AES_KEY_WRAP_SHA_1 = 3, SHA1, True
    RSA_AES_KEY_WRAP_SHA_256 = 4, SHA256, True

    def __init__(self, number: int, hashed: type[HashAlgorithm], carries_aes: bool) -> None:
        self.number = number
        self.hashed = hashed
        self.carries_aes = carries_aes


_BY_NUMBER: Mapping[int, _Wrapping] = {each.number: each for each in _Wrapping}

WRAPPING_ALGORITHMS = frozenset(_Wrapping.__members__)
"""The wrapping algorithms that we unwrap, in AWS's words."""

WRAPPING_KEYS: Mapping[str, tuple[int, float]] = {
    "RSA_2048": (2048, 0.08),
    "RSA_3072": (3072, 0.23),
    "RSA_4096": (4096, 0.57),
}
"""The specs of wrapping keys: the bits of each, and the seconds that it takes to make one."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class WrappingKey(Guarded):
    """A new key pair, whose public half wraps the material of one key."""

    public_key: bytes  # DER, SubjectPublicKeyInfo
    private: bytes = field(repr=False)  # DER, PKCS#8


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ImportParameters(Guarded):
    """An opened import token."""

    algorithm: str
    valid_to_us: int
    private: bytes = field(repr=False)


class NotUnwrapped(Enum):
    """Why there is no material in what was sent."""

    CIPHERTEXT = "it was not wrapped by this key with this algorithm"
    MATERIAL = "what was wrapped is no secret of a key of this spec"


def make_wrapping_key(wrapping_spec: str) -> WrappingKey:
    """A new wrapping key. It takes long: work for the slow lane."""
    key = generate_private_key(_EXPONENT, WRAPPING_KEYS[wrapping_spec][0])
    return WrappingKey(
        key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    )


class ImportTokens(Guarded):
    """Seals and opens import tokens."""

    __slots__ = ("_incarnation", "_sealer")

    def __init__(self, key: bytes, incarnation: str) -> None:
        self._sealer = RecordSealer(key, "import token")
        self._incarnation = incarnation

    def seal(
        self, wrapping: WrappingKey, algorithm: str, valid_to_us: int, bound_to: Sequence[Value]
    ) -> bytes:
        """The token that brings this wrapping key back, for the key that `bound_to` names."""
        head = _HEAD.pack(valid_to_us, _Wrapping[algorithm].number)
        return self._sealer.seal(head + wrapping.private, place(self._incarnation, bound_to))

    def unseal(self, token: bytes, bound_to: Sequence[Value]) -> ImportParameters:
        """The content of a token; raises InvalidToken unless `seal` made it for the same key."""
        try:
            data = self._sealer.unseal(token, place(self._incarnation, bound_to))
        except BadRecord:
            raise InvalidToken from None
        valid_to_us, number = _HEAD.unpack_from(data)
        return ImportParameters(_BY_NUMBER[number].name, valid_to_us, data[_HEAD.size :])


class ImportedIds(Guarded):
    """The ids of imported material: keyed fingerprints of the secrets (KM-6).

    The same secret of the same key has the same id. Nobody who has not our root key learns
    anything about a secret from its id.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, account: str, key_id: str, secret: GivenSecret) -> str:
        """The id of this secret in this key: 64 hexadecimal digits."""
        known = place(account, key_id, secret.key_spec, secret.told_by)
        return hmac.new(self._key, known, "sha256").hexdigest()


def unwrap(
    parameters: ImportParameters, wrapped: bytes, key_spec: str
) -> GivenSecret | NotUnwrapped:
    """The secret that was wrapped for a key of this spec. Work for the slow lane."""
    material = _unwrapped(parameters, wrapped)
    if material is None:
        return NotUnwrapped.CIPHERTEXT
    return given(key_spec, material) or NotUnwrapped.MATERIAL


def _unwrapped(parameters: ImportParameters, wrapped: bytes) -> bytes | None:
    """The bytes that were wrapped. (RFC 8017 7.1; with AES: RFC 5649, the RSA part first)"""
    wrapping = _Wrapping[parameters.algorithm]
    # We made and sealed this key ourselves, so its numbers are not proved again.
    key = load_der_private_key(parameters.private, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("a wrapping key is an RSA key")
    end = key.key_size // 8 if wrapping.carries_aes else len(wrapped)
    padding = OAEP(MGF1(wrapping.hashed()), wrapping.hashed(), None)
    try:
        opened = key.decrypt(wrapped[:end], padding)
        if not wrapping.carries_aes:
            return opened
        return aes_key_unwrap_with_padding(opened, wrapped[end:]) if _is_aes_256(opened) else None
    except (ValueError, InvalidUnwrap):
        return None


def _is_aes_256(key: bytes) -> bool:
    return len(key) == KEY_BYTES
