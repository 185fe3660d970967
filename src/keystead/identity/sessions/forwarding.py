r"""What is the session of a caller whose request a service forwards, and what is its secret?

It is the caller's own session, with all of its facts and restrictions. It ends with more: with the
caller's long-term key, with the key of the service, and after 15 minutes. What it does is bounded
by the registration of the service, which is read at each use (`permissions.forwarding`).

The secret is sent to nobody. Service and server derive it, each from the secret of the service's
access key (HMAC-SHA256, RFC 2104):

    secret = base64( HMAC( secret of the service,
                           "keystead forwarded session 1" "\n" access key id "\n" session token ))

So whoever sees the answer, or the token of a later request, has no session.
"""

import base64
import hmac

import msgspec

from keystead.identity.sessions.session import Forwarded, RowKind, Session, SessionKind, SessionRow

FORWARDED_SECONDS = 900
_PURPOSE = "keystead forwarded session 1"


def forwarded(  # noqa: PLR0917  # the facts of one session
    service: Forwarded,
    service_account: str,
    session: Session | None,
    owner: SessionRow,
    key_id: str,
    now: int,
) -> Session:
    """The session of a caller for a service, from its own session, or from its long-term key.

    `owner` is the row of the user or the root user, `key_id` the key, of a caller with a long-term
    key.
    """
    ends = SessionRow(RowKind.SERVICE_KEY, service_account, service.key_id)
    last = now + FORWARDED_SECONDS
    if session is not None:
        return msgspec.structs.replace(
            session,
            rows=(*session.rows, ends),
            expires=min(session.expires, last),
            forwarded=service,
        )
    key = SessionRow(RowKind.ACCESS_KEY, owner.account, key_id)
    return Session(
        SessionKind.USER, owner.account, (owner, key, ends), now, last, forwarded=service
    )


def secret_of(service_secret: str, access_key_id: str, token: str) -> str:
    """The secret of a forwarded session, from that of the service."""
    text = f"{_PURPOSE}\n{access_key_id}\n{token}"
    digest = hmac.digest(service_secret.encode(), text.encode(), "sha256")
    return base64.b64encode(digest).decode()
