"""Is this text the base64 of something, and the only one?  (threat-model PA-3)

Strict alphabet, full padding, and zero in the bits that the last group leaves unused: a text is
accepted exactly if encoding its bytes gives it back.
"""

from binascii import a2b_base64, b2a_base64


class NotCanonical(ValueError):
    """The text is refused; the caller decides which AWS error that is."""


def decode_blob(text: str) -> bytes:
    """The bytes of canonical base64; raises NotCanonical."""
    try:
        blob = a2b_base64(text)
    except ValueError:
        raise NotCanonical from None
    if encode_blob(blob) != text:
        raise NotCanonical
    return blob


def encode_blob(blob: bytes) -> str:
    """The base64 of some bytes."""
    return b2a_base64(blob, newline=False).decode()
