"""Which material may be wrapped how?  (kms.md 13.3)

OAEP carries a secret that is shorter than the wrapping key. RSA with AES carries any private key.
"""

from collections.abc import Mapping

from keystead.custody.wrapping import WRAPPING_ALGORITHMS, WRAPPING_KEYS
from keystead.kms import usage
from keystead.wire.models import kms as api

_OAEP = frozenset({"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"})
_RSA_AES = frozenset({"RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"})

_WRAPPED_BY: Mapping[str, frozenset[str]] = {
    "symmetric": _OAEP,
    "HMAC": _OAEP,
    "RSA": _RSA_AES,
    "ECC": _OAEP | _RSA_AES,
}
_TOO_LONG = ("ECC_NIST_P521", "RSA_2048")
"""OAEP with this wrapping key cannot carry a private key of this spec."""


def require_wrapping(key_spec: str, algorithm: str, wrapping_spec: str) -> None:
    """Refuse unless material of a key of this spec may be wrapped so."""
    if algorithm not in WRAPPING_ALGORITHMS or wrapping_spec not in WRAPPING_KEYS:
        raise api.UnsupportedOperationException(
            f"The wrapping algorithm {algorithm} with the wrapping key spec {wrapping_spec} is not"
            " supported."
        )
    if algorithm not in _WRAPPED_BY[_kind(key_spec)]:
        raise api.UnsupportedOperationException(
            f"The wrapping algorithm {algorithm} is not supported for key material of the key spec"
            f" {key_spec}."
        )
    if algorithm in _OAEP and (key_spec, wrapping_spec) == _TOO_LONG:
        raise api.UnsupportedOperationException(
            f"The wrapping algorithm {algorithm} with the wrapping key spec {wrapping_spec} cannot"
            f" wrap key material of the key spec {key_spec}."
        )


def _kind(key_spec: str) -> str:
    kind = usage.kind(key_spec)
    return key_spec.partition("_")[0] if kind == "asymmetric" else kind
