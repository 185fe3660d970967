"""Is this text canonical base64?  (threat-model PA-3)

The alphabet is strict, the padding is complete, and the unused bits of the last group are zero. A
text is accepted exactly if encoding its bytes gives the same text again.
"""

from binascii import a2b_base64, b2a_base64


class NotCanonical(ValueError):
    """The text is refused. The caller chooses the AWS error."""


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
