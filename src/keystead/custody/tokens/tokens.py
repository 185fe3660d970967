"""How is an opaque token made, and who may hand it back?  (threat-model ST-1, IA-11)

A token is a record (`records`) in URL-safe text without padding. It is bound to its purpose and to
values that the issuer names (principal, operation, parameters). It is bound to the incarnation of
the installation too, so a restored backup accepts none of the tokens given out before.
"""

import base64
import binascii
from collections.abc import Sequence

from keystead.custody.rows import BadRecord, RecordSealer, place
from keystead.custody.secrecy import Guarded
from keystead.store.protocol import Value

MAXIMUM_LENGTH = 64 * 1024
"""Longer texts are refused unread."""


class InvalidToken(Exception):
    """The text is not a token that we gave for this use. One error for every reason."""


class Tokens(Guarded):
    """Seals and opens tokens."""

    __slots__ = ("_incarnation", "_sealer")

    def __init__(self, key: bytes, incarnation: str) -> None:
        self._sealer = RecordSealer(key, "token")
        self._incarnation = incarnation

    def seal(self, purpose: str, data: bytes, bound_to: Sequence[Value] = ()) -> str:
        """The token that holds `data`, bound to `purpose` and to the values of `bound_to`."""
        return encoded(self._sealer.seal(data, self._place(purpose, bound_to)))

    def unseal(self, purpose: str, text: str, bound_to: Sequence[Value] = ()) -> bytes:
        """The data; raises InvalidToken unless `seal` gave this text for the same arguments."""
        try:
            return self._sealer.unseal(decoded(text), self._place(purpose, bound_to))
        except BadRecord:
            raise InvalidToken from None

    def _place(self, purpose: str, bound_to: Sequence[Value]) -> bytes:
        return place(self._incarnation, purpose, bound_to)


def encoded(record: bytes) -> str:
    """A record as the text of a token."""
    return base64.urlsafe_b64encode(record).decode("ascii").rstrip("=")


def decoded(text: str) -> bytes:
    """The record of a text in the one form that `encoded` writes (PA-3); raises InvalidToken."""
    if len(text) > MAXIMUM_LENGTH or not text.isascii() or "=" in text:
        raise InvalidToken
    padded = text.encode("ascii") + b"=" * (-len(text) % 4)
    try:
        record = base64.b64decode(padded, altchars=b"-_", validate=True)
    except binascii.Error:
        raise InvalidToken from None
    if base64.urlsafe_b64encode(record) != padded:
        raise InvalidToken
    return record
