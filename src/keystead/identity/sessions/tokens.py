"""The content of a session token (threat-model ST-1).

    version (1) | msgpack of [secret, deflated msgpack of the session, padding]

The session is deflated as its policies and tags are measured when they are passed. No token is
longer than LONGEST, so each fits into a header and into a presigned URL. The padding is only there
when a caller asks for a token of a least size.

Custody seals it for the access key id that it belongs to, and for this incarnation of the
installation. Nobody can make, change or read a token. So a caller who sends it with a signature by
its secret has the session, and nothing of it is stored.
"""

import zlib
from datetime import datetime

import msgspec

from keystead.custody.tokens import InvalidToken, SessionTokens
from keystead.identity.sessions.session import Session

_VERSION = b"\x02"

LONGEST = 4_096
"""Characters of a token, and the greatest size that a caller may ask for (iam.md 1.10)."""


class OpenedToken(msgspec.Struct, frozen=True):
    """The content of a token. Its repr shows no secret."""

    secret: str
    session: Session
    size: int  # bytes of the session before it was deflated

    def __repr__(self) -> str:
        return f"OpenedToken(secret=…, session={self.session!r})"


class TooLong(Exception):
    """The facts of a session do not fit into a token."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class _Content(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What is sealed. Its repr shows no secret."""

    secret: str
    session: bytes  # deflated
    padding: bytes = b""

    def __repr__(self) -> str:
        return "_Content(…)"


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Content).decode
_decode_session = msgspec.msgpack.Decoder(Session).decode


def sealed_token(  # noqa: PLR0917  # as `open_token` has them
    tokens: SessionTokens,
    access_key_id: str,
    secret: str,
    session: Session,
    now: datetime,
    least: int = 0,
) -> str:
    """The token that belongs to an access key id, with at least so many characters.

    Raises TooLong if the session alone takes more than LONGEST.
    """
    content = _Content(secret, zlib.compress(_encode(session), 9))
    token = _sealed(tokens, access_key_id, content, now)
    if len(token) > LONGEST:
        raise TooLong(len(token))
    while (short := least - len(token)) > 0:
        # Four characters hold three bytes; three more tell how long the padding is.
        more = bytes(max(1, -(-3 * short // 4) - 3))
        content = msgspec.structs.replace(content, padding=content.padding + more)
        token = _sealed(tokens, access_key_id, content, now)
    return token


def _sealed(tokens: SessionTokens, access_key_id: str, content: _Content, now: datetime) -> str:
    return tokens.seal(_VERSION + _encode(content), (access_key_id,), now)


def open_token(
    tokens: SessionTokens, access_key_id: str, token: str, now: datetime
) -> OpenedToken | None:
    """The content of a token; None unless it was sealed for this access key id."""
    try:
        data = tokens.unseal(token, (access_key_id,), now)
        if data[:1] != _VERSION:
            return None
        held = _decode(data[1:])
        content = zlib.decompress(held.session)  # only ours gets here
        return OpenedToken(held.secret, _decode_session(content), len(content))
    except (InvalidToken, msgspec.MsgspecError):
        return None
