"""What does the recovery key look like?  A text to print, lock away and type in on a bad day.

    version (1) | key (32) | checksum (2)   as base32: 14 groups of 4 characters

The checksum is the start of SHA-256 over version and key: it tells a typing error from the wrong
key. Case, spaces and dashes do not matter. The digits 0, 1 and 8, which base32 does not have, are
read as O, I and B. Lines that begin with "#" are comments.
"""

import base64
import binascii
import hashlib

from keystead.custody.files import SealError

_VERSION = b"\x01"
_CHECKSUM_BYTES = 2
_CHARACTERS = 56
_TYPED = str.maketrans("018", "OIB", " \t-")


def recovery_text(key: bytes) -> str:
    """The recovery key as a person reads it: `AHXK-…`."""
    body = _VERSION + key
    text = base64.b32encode(body + _checksum(body)).decode("ascii")
    return "-".join(text[i : i + 4] for i in range(0, len(text), 4))


def recovery_sheet(key: bytes, installation: str) -> bytes:
    """The whole of `recovery-key.txt`."""
    lines = (
        f"# The recovery key of the Keystead installation {installation}.",
        "# Together with seal.json it opens everything that this installation keeps. Put this",
        "# text and a copy of seal.json in a safe place away from this machine, then delete",
        "# this file. Nobody can make another copy of it later.",
        "",
        recovery_text(key),
        "",
    )
    return "\n".join(lines).encode()


def recovery_key(text: str) -> bytes:
    """The key in a text that a person typed, or in a whole `recovery-key.txt`."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    typed = "".join(lines).upper().translate(_TYPED)
    if len(typed) != _CHARACTERS:
        raise SealError(
            f"the recovery key has {len(typed)} characters where {_CHARACTERS} are expected",
            "type all 14 groups of 4 characters",
        )
    try:
        decoded = base64.b32decode(typed)
    except (binascii.Error, ValueError):
        raise SealError(
            "the recovery key contains a character that is not a letter or 2 to 7",
            "compare it with the printed sheet",
        ) from None
    body, checksum = decoded[:-_CHECKSUM_BYTES], decoded[-_CHECKSUM_BYTES:]
    if body[:1] != _VERSION or checksum != _checksum(body):
        raise SealError(
            "the recovery key has a mistake in it: its checksum is wrong",
            "compare it with the printed sheet, group by group",
        )
    return body[1:]


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_CHECKSUM_BYTES]
