"""How is a proof from elsewhere refused?  In one sentence for each error of AWS's (OI-6).

A stranger who sends a proof learns nothing of our providers and roles from its refusal. Which step
failed stands in `why`: in the record, and in `keystead explain` by the request id.
"""

from datetime import datetime

from keystead.errors import AwsError
from keystead.wire.models import sts as api

_TOKEN = "web identity token"  # noqa: S105  # what it is called


def invalid(why: str, proof: str = _TOKEN) -> AwsError:
    """The proof is not what it claims to be, or not for us."""
    return api.InvalidIdentityTokenException(
        f"The {proof} that was passed could not be validated. Get a new identity token"
        " from the identity provider and then retry the request.",
        why=why,
    )


def unusable(sentence: str, why: str) -> AwsError:
    """The provider signed something that no session can have, for which AWS has a sentence."""
    return api.InvalidIdentityTokenException(sentence, why=f"{why}: {sentence}")


def expired(now: datetime, end: float) -> AwsError:
    """The token says itself that it is over."""
    second = int(now.timestamp())
    return api.ExpiredTokenException(
        f"Token expired: current date/time {second} must be before the expiration date/time"
        f" {int(end)}"
    )


def expired_assertion(why: str) -> AwsError:
    """The provider signed it, and it came too late."""
    return api.ExpiredTokenException("Token must be redeemed within 5 minutes of issuance", why=why)


def rejected(why: str, proof: str = _TOKEN) -> AwsError:
    """The provider signed something that no session can have."""
    return api.IDPRejectedClaimException(
        f"The claims of the {proof} cannot be used for a session.", why=why
    )


def unreachable(why: str) -> AwsError:
    """There are no keys of the provider to verify the token with; SDKs try again."""
    return api.IDPCommunicationErrorException(
        "Couldn't retrieve verification key from your identity provider, please reference"
        " AssumeRoleWithWebIdentity documentation for requirements",
        why=why,
    )
