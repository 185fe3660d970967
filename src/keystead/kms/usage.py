"""Which algorithms can a key of this spec and usage use?  The matrix of specs and usages.

A use that the matrix does not list is refused (kms.md 5.1, threat-model KM-5). A key is made of a
spec and a usage that belong together. Its algorithms follow from both. The row of an operation says
for which usage it is (`rules`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from keystead.arns import partition_of
from keystead.errors import ValidationException
from keystead.kms.states import KeyState, wrong_origin
from keystead.wire.constraints import not_in_set
from keystead.wire.models import kms as api
from keystead.wire.operation import Operation

SYMMETRIC_DEFAULT: Final = "SYMMETRIC_DEFAULT"

_OAEP = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
_RSASSA = (
    "RSASSA_PSS_SHA_256",
    "RSASSA_PSS_SHA_384",
    "RSASSA_PSS_SHA_512",
    "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384",
    "RSASSA_PKCS1_V1_5_SHA_512",
)
_RSA = {"ENCRYPT_DECRYPT": _OAEP, "SIGN_VERIFY": _RSASSA}
_EDWARDS = ("ED25519_SHA_512", "ED25519_PH_SHA_512")
_ML_DSA = {"SIGN_VERIFY": ("ML_DSA_SHAKE_256",)}
_ML_KEM = {"ENCAPSULATE_DECAPSULATE": ("ML_KEM",)}

ALGORITHMS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "SYMMETRIC_DEFAULT": {"ENCRYPT_DECRYPT": ("SYMMETRIC_DEFAULT",)},
    "RSA_2048": _RSA,
    "RSA_3072": _RSA,
    "RSA_4096": _RSA,
    "ECC_NIST_P256": {"SIGN_VERIFY": ("ECDSA_SHA_256",), "KEY_AGREEMENT": ("ECDH",)},
    "ECC_NIST_P384": {"SIGN_VERIFY": ("ECDSA_SHA_384",), "KEY_AGREEMENT": ("ECDH",)},
    "ECC_NIST_P521": {"SIGN_VERIFY": ("ECDSA_SHA_512",), "KEY_AGREEMENT": ("ECDH",)},
    "ECC_SECG_P256K1": {"SIGN_VERIFY": ("ECDSA_SHA_256",)},
    "ECC_NIST_EDWARDS25519": {"SIGN_VERIFY": _EDWARDS},
    "ML_DSA_44": _ML_DSA,
    "ML_DSA_65": _ML_DSA,
    "ML_DSA_87": _ML_DSA,
    "ML_KEM_512": _ML_KEM,
    "ML_KEM_768": _ML_KEM,
    "ML_KEM_1024": _ML_KEM,
    "HMAC_224": {"GENERATE_VERIFY_MAC": ("HMAC_SHA_224",)},
    "HMAC_256": {"GENERATE_VERIFY_MAC": ("HMAC_SHA_256",)},
    "HMAC_384": {"GENERATE_VERIFY_MAC": ("HMAC_SHA_384",)},
    "HMAC_512": {"GENERATE_VERIFY_MAC": ("HMAC_SHA_512",)},
    "SM2": {
        "ENCRYPT_DECRYPT": ("SM2PKE",),
        "SIGN_VERIFY": ("SM2DSA",),
        "KEY_AGREEMENT": ("ECDH",),
    },
}
"""Spec → usage → algorithms."""

ENCAPSULATED_BYTES: Mapping[str, int] = {"ML_KEM_512": 768, "ML_KEM_768": 1088, "ML_KEM_1024": 1568}
"""How long is the ciphertext of an encapsulated secret?  (kms.md 5.2)"""


def require_offered(operation: Operation[Any, Any], member: str, spec: str, region: str) -> None:
    """Refuse SM2 outside of China, and ML-KEM there, as AWS does (kms.md 5.1).

    `member` is where the request of the operation has the spec.
    """
    in_china = partition_of(region).name == "aws-cn"
    if (spec == "SM2" and not in_china) or (spec.startswith("ML_KEM_") and in_china):
        raise not_in_set(operation, member, spec)


def algorithms(spec: str, usage: str) -> tuple[str, ...]:
    """The algorithms of a key of this spec and usage; none when the two do not belong together."""
    return ALGORITHMS.get(spec, {}).get(usage, ())


@dataclass(frozen=True, slots=True)
class Use:
    """The keys that a cryptographic operation works with, and their algorithms."""

    keys: frozenset[tuple[str, str]]  # spec, usage
    fitting: frozenset[tuple[str, str, str]]  # spec, usage, algorithm


def of(usage: str, *, only: str = "") -> Use:
    """The use of all keys with this usage, or `only` of those with one spec."""
    keys = frozenset(
        (spec, usage)
        for spec, usages in ALGORITHMS.items()
        if usage in usages and only in ("", spec)
    )
    return Use(keys, frozenset((*key, algorithm) for key in keys for algorithm in algorithms(*key)))


NONE = Use(frozenset(), frozenset())
"""The use of operations that are not cryptographic: no key is for them."""


class Usable(Protocol):
    """A key, as far as the matrix has to know it."""

    @property
    def arn_text(self) -> str: ...

    @property
    def spec(self) -> str: ...

    @property
    def usage(self) -> str: ...


def require(use: Use, operation: str, key: Usable, algorithm: str) -> None:
    """Refuse unless a key of this spec and usage does this, with this algorithm."""
    if (key.spec, key.usage, algorithm) in use.fitting:
        return
    if (key.spec, key.usage) not in use.keys:
        raise api.InvalidKeyUsageException(
            f"{key.arn_text} key usage is {key.usage} which is not valid for {operation}."
        )
    raise api.InvalidKeyUsageException(
        f"Algorithm {algorithm} is incompatible with key spec {key.spec}."
    )


_DIGESTS = {"SHA_256": 32, "SHA_384": 48, "SHA_512": 64}


def _messages(algorithm: str) -> Mapping[str, int]:
    """The MessageTypes of a signing algorithm, and how long such a message is; 0 = any length."""
    if algorithm == "ED25519_SHA_512":
        return {"RAW": 0}
    if algorithm == "ED25519_PH_SHA_512":
        return {"DIGEST": 64}
    if algorithm == "ML_DSA_SHAKE_256":
        return {"RAW": 0, "EXTERNAL_MU": 64}
    return {"RAW": 0, "DIGEST": _DIGESTS[algorithm[-7:]]}


MESSAGES: Mapping[str, Mapping[str, int]] = {
    algorithm: _messages(algorithm)
    for usages in ALGORITHMS.values()
    for algorithm in usages.get("SIGN_VERIFY", ())
    if algorithm != "SM2DSA"
}
"""Signing algorithm → MessageType → the length that the message must have; 0 = any (kms.md 5.2)."""


def require_message(key: Usable, algorithm: str, message_type: str, message: bytes) -> None:
    """Refuse a type of message that the algorithm does not sign, and a digest of another hash."""
    length = MESSAGES[algorithm].get(message_type)
    if length is None:
        one_type = algorithm if len(MESSAGES[algorithm]) == 1 else ""
        cause = f"algorithm {one_type}" if one_type else f"key spec {key.spec}"
        raise ValidationException(f"Message type {message_type} is incompatible with {cause}.")
    if length and len(message) != length:
        raise ValidationException(f"Digest is invalid length for algorithm {algorithm}.")


_MODULUS = {"RSA_2048": 256, "RSA_3072": 384, "RSA_4096": 512}
_OAEP_HASHES = {"RSAES_OAEP_SHA_1": 20, "RSAES_OAEP_SHA_256": 32}


def ciphertext_length(spec: str) -> int:
    """The bytes of every ciphertext of an RSA key: those of its modulus."""
    return _MODULUS[spec]


def require_length(key: Usable, algorithm: str, plaintext: bytes) -> None:
    """Refuse a plaintext that RSA cannot encrypt with this padding (RFC 8017, 7.1.1)."""
    most = ciphertext_length(key.spec) - 2 * _OAEP_HASHES[algorithm] - 2
    if len(plaintext) > most:
        raise ValidationException(
            f"Algorithm {algorithm} and key spec {key.spec} cannot encrypt data larger than"
            f" {most} bytes."
        )


def require_no_context(algorithm: str, pairs: Mapping[str, str] | None) -> None:
    """Refuse an encryption context unless the algorithm binds one."""
    if pairs and algorithm != SYMMETRIC_DEFAULT:
        raise ValidationException(
            "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs."
        )


def require_public(key: Usable) -> None:
    """Refuse a key that has no public key."""
    if kind(key.spec) != "asymmetric":
        raise api.UnsupportedOperationException(
            f"{key.arn_text} key spec is {key.spec} which is not valid for this operation."
        )


class Rotatable(Usable, Protocol):
    """A key, as far as rotation has to know it."""

    @property
    def state(self) -> KeyState: ...

    @property
    def origin(self) -> str: ...


def require_rotation(key: Rotatable, *, automatic: bool = True) -> None:
    """Refuse unless the material of such a key can be rotated (kms.md 13.1).

    Imported material is rotated on demand only.
    """
    if key.spec != SYMMETRIC_DEFAULT:
        raise api.UnsupportedOperationException  # AWS gives no message here
    if key.origin != "AWS_KMS" and (automatic or key.origin != "EXTERNAL"):
        raise wrong_origin(key)


def require_import(key: Rotatable) -> None:
    """Refuse unless such a key takes imported material (kms.md 13.3)."""
    if key.origin != "EXTERNAL":
        raise wrong_origin(key)


class Member(Protocol):
    """A key, as far as the rules of multi-Region keys have to know it."""

    @property
    def arn_text(self) -> str: ...

    @property
    def multi_region(self) -> str: ...


def require_primary(key: Member) -> None:
    """Refuse unless the key is the primary of a multi-Region set (kms.md 9, 14)."""
    if key.multi_region != "PRIMARY":
        raise api.UnsupportedOperationException(
            f"{key.arn_text} is not a multi-region primary key."
        )


def refuse_replica(key: Member) -> None:
    """Refuse a replica: what all members share is changed at the primary (kms.md 13.1)."""
    if key.multi_region == "REPLICA":
        require_primary(key)


def kind(spec: str) -> str:
    """Symmetric, HMAC or asymmetric. An alias cannot move from one kind to another (kms.md 6.4)."""
    if spec == SYMMETRIC_DEFAULT:
        return "symmetric"
    return "HMAC" if spec.startswith("HMAC_") else "asymmetric"
