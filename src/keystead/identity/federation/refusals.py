"""How is a proof from elsewhere refused?  In one sentence for each error of AWS's (OI-6).

A stranger who sends a proof learns nothing of our providers and roles from its refusal. Which step
failed stands in `why`: in the record, and in `keystead explain` by the request id.
"""

from datetime import datetime

from keystead.errors import AwsError
from keystead.wire.models import sts as api


def invalid(why: str) -> AwsError:
    """The token is not what it claims to be, or not for us."""
    return api.InvalidIdentityTokenException(
        "The web identity token that was passed could not be validated. Get a new identity token"
        " from the identity provider and then retry the request.",
        why=why,
    )


def expired(now: datetime, end: float) -> AwsError:
    """The token says itself that it is over."""
    second = int(now.timestamp())
    return api.ExpiredTokenException(
        f"Token expired: current date/time {second} must be before the expiration date/time"
        f" {int(end)}"
    )


def rejected(why: str) -> AwsError:
    """The provider signed something that no session can have."""
    return api.IDPRejectedClaimException(
        "The claims of the web identity token cannot be used for a session.", why=why
    )


def unreachable(why: str) -> AwsError:
    """There are no keys of the provider to verify the token with; SDKs try again."""
    return api.IDPCommunicationErrorException(
        "Couldn't retrieve verification key from your identity provider, please reference"
        " AssumeRoleWithWebIdentity documentation for requirements",
        why=why,
    )
