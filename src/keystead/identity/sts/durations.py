"""How long may a session live?  In seconds (iam.md 2.6, ST-5)."""

from keystead.errors import ValidationException
from keystead.identity.repository import Role
from keystead.policy.evaluation import PrincipalType
from keystead.wire.models import sts as api

_DEFAULT_OF_USER = 43_200
_MOST_OF_ROOT = 3_600
_DEFAULT_OF_ROLE = 3_600
_MOST_IN_A_CHAIN = 3_600
_MOST_OF_A_ROOT_TASK = 900


def of_own_session(asked: int | None, principal: PrincipalType) -> int:
    """For GetSessionToken and GetFederationToken; for root it is cut to an hour."""
    if principal is PrincipalType.ACCOUNT:
        return min(asked or _MOST_OF_ROOT, _MOST_OF_ROOT)
    return asked or _DEFAULT_OF_USER


def of_role_session(asked: int | None, longest: int, *, chained: bool) -> int:
    """For AssumeRole: at most what the role allows, and an hour for a role that assumes a role."""
    seconds = asked or _DEFAULT_OF_ROLE
    if chained and seconds > _MOST_IN_A_CHAIN:
        raise ValidationException(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by"
            " role chaining."
        )
    if seconds > longest:
        raise ValidationException(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    return seconds


def longest_of_role(role: Role, *, chained: bool) -> int:
    """For a person who switches to a role, and asks for no time."""
    return min(role.longest_session, _MOST_IN_A_CHAIN) if chained else role.longest_session


def of_root_task(asked: int | None) -> int:
    """For AssumeRoot, where the model allows no more; 0 gives a session that is over at once."""
    return _MOST_OF_A_ROOT_TASK if asked is None else min(asked, _MOST_OF_A_ROOT_TASK)


def of_scoped_session(asked: int | None, left: int) -> int:
    """For GetScopedCredentials: at most the seconds that the calling session has left."""
    if asked is not None and asked > left:
        raise api.InsufficientSessionLifetimeException(
            f"The requested DurationSeconds exceeds the remaining lifetime of the calling session:"
            f" {left} seconds."
        )
    return left if asked is None else asked
