"""How are the credentials of a session issued?

INVARIANT: a secret leaves this room once, in the answer to the call that asked for it.
"""

from dataclasses import dataclass, field
from datetime import datetime

from keystead.call import Resource
from keystead.custody import randomness
from keystead.custody.tokens import SessionTokens
from keystead.identity import identifiers
from keystead.identity.sessions.session import Session
from keystead.identity.sessions.tokens import LONGEST, TooLong, sealed_token
from keystead.policy.evaluation import Permit
from keystead.wire.models import sts as api


@dataclass(frozen=True, slots=True)
class IssuedSession:
    """New temporary credentials, as their owner gets them."""

    access_key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    expires: int  # seconds since the epoch

    @property
    def utilization(self) -> int:
        """How much of the greatest size the token takes, in percent, rounded up."""
        return -(-100 * len(self.token) // LONGEST)


def issue(
    tokens: SessionTokens,
    permit: Permit[Resource],
    session: Session,
    now: datetime,
    least: int | None = None,
) -> IssuedSession:
    """Credentials for a session in the account of the resource that the permit is about.

    The token has at least so many characters (MinimumSessionTokenSize). If the session's policies
    and tags do not fit into one, PackedPolicyTooLarge is raised.

    Nothing is stored, so an access key id may be given twice. That is likely only after a million
    sessions of one account. It does no harm: each token opens for its own secret alone.
    """
    if permit.resource.owner != session.account:
        raise RuntimeError(f"a permit of account {permit.resource.owner} for another's session")
    access_key_id = identifiers.access_key_id(identifiers.TEMPORARY_KEY, session.account)
    secret = randomness.secret_access_key()
    try:
        token = sealed_token(tokens, access_key_id, secret, session, now, least or 0)
    except TooLong as error:
        raise api.PackedPolicyTooLargeException(
            f"The session token size of {error.size} bytes exceeds the maximum allowed size of"
            f" {LONGEST} bytes."
        ) from error
    return IssuedSession(access_key_id, secret, token, session.expires)
