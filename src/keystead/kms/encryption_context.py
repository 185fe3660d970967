"""The encryption context: the bytes that are bound to a ciphertext, and the condition keys.

    canonical form: number of pairs (4) | for each pair: length (4) | name | length (4) | value

Pairs are in the order of their names' UTF-8 bytes. Lengths are in bytes, and big-endian. Nothing is
normalised. So the same pairs always give the same form, and no other pairs do. No context and an
empty one are the same (kms.md 17).
"""

from collections.abc import Mapping

import msgspec

from keystead.errors import ValidationException
from keystead.kms.usage import SYMMETRIC_DEFAULT
from keystead.policy.evaluation import ContextValue
from keystead.policy.text import ascii_lower

MOST_BYTES = 8192
MOST_PAIRS = 100  # a policy may compare each of its patterns with each name (threat-model PE-5)

_ALGORITHM = "kms:encryptionalgorithm"
_NO_PAIRS = b"\0\0\0\0"
_SIZES = tuple(size.to_bytes(4) for size in range(256))  # `to_bytes` costs as much as all else


class EncryptionContext(msgspec.Struct, frozen=True, gc=False):
    """The pairs of one request, checked."""

    canonical: bytes
    condition_keys: Mapping[str, ContextValue]
    symmetric_keys: Mapping[str, ContextValue]  # the same, with the algorithm of symmetric keys

    def keys(self, algorithm: str) -> Mapping[str, ContextValue]:
        """The condition keys about the encryption in a request."""
        if algorithm == SYMMETRIC_DEFAULT:
            return self.symmetric_keys
        return {_ALGORITHM: algorithm, **self.condition_keys}


def _with_keys(canonical: bytes, keys: Mapping[str, ContextValue]) -> EncryptionContext:
    return EncryptionContext(canonical, keys, {_ALGORITHM: SYMMETRIC_DEFAULT, **keys})


EMPTY = _with_keys(_NO_PAIRS, {})


def _canonical(pairs: Mapping[str, str]) -> bytes:
    parts = [len(pairs).to_bytes(4)]
    for pair in sorted(pairs.items()):  # by code points, which is the order of UTF-8 too
        for text in pair:
            encoded = text.encode()
            size = len(encoded)
            parts.append(_SIZES[size] if size < len(_SIZES) else size.to_bytes(4))
            parts.append(encoded)
    return b"".join(parts)


def checked(pairs: Mapping[str, str]) -> EncryptionContext:
    """The context with these pairs; ValidationException when it is too long or ambiguous.

    A call uses `Heard`, which keeps the contexts that the same account sends again.
    """
    if len(pairs) > MOST_PAIRS:
        raise ValidationException(f"EncryptionContext must not have more than {MOST_PAIRS} pairs")
    canonical = _canonical(pairs)
    if len(canonical) > MOST_BYTES:
        raise ValidationException(f"EncryptionContext must not be longer than {MOST_BYTES} bytes")
    keys: dict[str, ContextValue] = {
        f"kms:encryptioncontext:{ascii_lower(name)}": value for name, value in pairs.items()
    }
    if len(keys) != len(pairs):
        _require_unambiguous(pairs)
    keys["kms:encryptioncontextkeys"] = tuple(pairs)
    return _with_keys(canonical, keys)


def _require_unambiguous(pairs: Mapping[str, str]) -> None:
    """Refuse names that differ only in case and have different values.

    Condition keys do not tell upper from lower case. If two pairs differ only in case, a policy
    would see only one of them.
    """
    values: dict[str, str] = {}
    for name, value in pairs.items():
        if values.setdefault(ascii_lower(name), value) != value:
            raise ValidationException(
                f"EncryptionContext has two values for '{name}' in different case"
            )
