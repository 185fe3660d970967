"""How does an answer carry the credentials of a session?"""

from keystead.identity import times
from keystead.identity.sessions import IssuedSession
from keystead.wire.models import sts as api


def of_size(issued: IssuedSession) -> dict[str, int]:
    """How long the token is, as the members of an answer."""
    return {
        "session_token_size": len(issued.token),
        "session_token_utilization": issued.utilization,
    }


def credentials(issued: IssuedSession) -> api.Credentials:
    """The credentials as answers carry them."""
    return api.Credentials(
        access_key_id=issued.access_key_id,
        secret_access_key=issued.secret,
        session_token=issued.token,
        expiration=times.shown(issued.expires),
    )
