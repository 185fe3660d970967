"""Under which name is a text counted that somebody typed?  A keyed hash (threat-model CO-6).

People type passwords into fields for names. So what was typed is not stored, and nobody can find it
by trying, with a copy of the rows alone.
"""

import hmac

import msgspec

from keystead.custody.secrecy import Guarded


class TypedNames(Guarded):
    """Hashes typed names, with a key of this installation."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, *texts: str) -> str:
        """The name under which these texts are counted."""
        return hmac.digest(self._key, msgspec.msgpack.encode(texts), "sha256").hex()
