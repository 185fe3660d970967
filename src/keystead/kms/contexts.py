"""The encryption context: what is bound to a ciphertext, and what policies see of it.

    canonical form: number of pairs (4) | for each pair: length (4) | name | length (4) | value

Pairs are in the order of their names' UTF-8 bytes, lengths are big-endian bytes, nothing is
normalised: the same pairs always give the same form and no others do. No context and an empty one
are the same (kms.md 17).
"""

from collections.abc import Mapping
from typing import NamedTuple

from keystead.errors import ValidationException
from keystead.policy.context import ContextValue
from keystead.policy.patterns import ascii_lower

MOST_BYTES = 8192

_NO_PAIRS = b"\0\0\0\0"


class EncryptionContext(NamedTuple):
    """The pairs of one request, checked."""

    canonical: bytes
    condition_keys: Mapping[str, ContextValue]


EMPTY = EncryptionContext(_NO_PAIRS, {})


def _canonical(pairs: Mapping[str, str]) -> bytes:
    parts = [len(pairs).to_bytes(4)]
    for key, text in sorted(pairs.items()):  # by code points, which is the order of UTF-8 too
        name, value = key.encode(), text.encode()
        parts += (len(name).to_bytes(4), name, len(value).to_bytes(4), value)
    return b"".join(parts)


def encryption_context(pairs: Mapping[str, str] | None) -> EncryptionContext:
    """The context of a request; raises ValidationException when it is too long or ambiguous."""
    if not pairs:
        return EMPTY
    canonical = _canonical(pairs)
    if len(canonical) > MOST_BYTES:
        raise ValidationException(f"EncryptionContext must not be longer than {MOST_BYTES} bytes")
    keys: dict[str, ContextValue] = {"kms:encryptioncontextkeys": tuple(pairs)}
    for name, value in pairs.items():
        # Condition keys do not tell upper from lower case. Of two pairs that a policy cannot tell
        # apart one would hide the other from it, so such a context is refused.
        if keys.setdefault(f"kms:encryptioncontext:{ascii_lower(name)}", value) != value:
            raise ValidationException(
                f"EncryptionContext has two values for '{name}' in different case"
            )
    return EncryptionContext(canonical, keys)
