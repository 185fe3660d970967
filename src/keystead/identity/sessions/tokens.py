"""The content of a session token (threat-model ST-1).

    version (1) | msgpack of [secret, deflated msgpack of the session]

The session is deflated as its policies and tags are measured when they are passed. So a session
that may be passed has a token that fits into a header and into a presigned URL.

Custody seals it for the access key id that it belongs to, and for this incarnation of the
installation. Nobody can make, change or read a token. So a caller who sends it with a signature by
its secret has the session, and nothing of it is stored.
"""

import zlib
from datetime import datetime

import msgspec

from keystead.custody.session_tokens import SessionTokens
from keystead.custody.tokens import InvalidToken
from keystead.identity.sessions.session import Session

_VERSION = b"\x02"


class OpenedToken(msgspec.Struct, frozen=True):
    """The content of a token. Its repr shows no secret."""

    secret: str
    session: Session
    size: int  # bytes of the session before it was deflated

    def __repr__(self) -> str:
        return f"OpenedToken(secret=…, session={self.session!r})"


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[str, bytes]).decode
_decode_session = msgspec.msgpack.Decoder(Session).decode


def sealed_token(
    tokens: SessionTokens, access_key_id: str, secret: str, session: Session, now: datetime
) -> str:
    """The token that belongs to an access key id."""
    content = _encode((secret, zlib.compress(_encode(session), 9)))
    return tokens.seal(_VERSION + content, (access_key_id,), now)


def open_token(
    tokens: SessionTokens, access_key_id: str, token: str, now: datetime
) -> OpenedToken | None:
    """The content of a token; None unless it was sealed for this access key id."""
    try:
        data = tokens.unseal(token, (access_key_id,), now)
        if data[:1] != _VERSION:
            return None
        secret, deflated = _decode(data[1:])
        content = zlib.decompress(deflated)  # only ours gets here
        return OpenedToken(secret, _decode_session(content), len(content))
    except (InvalidToken, msgspec.MsgspecError):
        return None
