"""The content of a session token (threat-model ST-1).

    version (1) | msgpack of [secret, session]

Custody seals it for the access key id that it belongs to, and for this incarnation of the
installation. Nobody can make, change or read a token. So a caller who sends it with a signature by
its secret has the session, and nothing of it is stored.
"""

from datetime import datetime

import msgspec

from keystead.custody.session_tokens import SessionTokens
from keystead.custody.tokens import InvalidToken
from keystead.identity.sessions.session import Session

_VERSION = b"\x01"


class OpenedToken(msgspec.Struct, frozen=True, array_like=True):
    """The content of a token. Its repr shows no secret."""

    secret: str
    session: Session

    def __repr__(self) -> str:
        return f"OpenedToken(secret=…, session={self.session!r})"


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(OpenedToken).decode


def sealed_token(
    tokens: SessionTokens, access_key_id: str, secret: str, session: Session, now: datetime
) -> str:
    """The token that belongs to an access key id."""
    return tokens.seal(_VERSION + _encode(OpenedToken(secret, session)), (access_key_id,), now)


def open_token(
    tokens: SessionTokens, access_key_id: str, token: str, now: datetime
) -> OpenedToken | None:
    """The content of a token; None unless it was sealed for this access key id."""
    try:
        data = tokens.unseal(token, (access_key_id,), now)
        return _decode(data[1:]) if data[:1] == _VERSION else None
    except (InvalidToken, msgspec.MsgspecError):
        return None
