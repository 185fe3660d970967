"""How long may a session live?  In seconds (iam.md 2.6)."""

from keystead.policy.evaluation import PrincipalType

_DEFAULT_OF_USER = 43_200
_MOST_OF_ROOT = 3_600


def of_own_session(asked: int | None, principal: PrincipalType) -> int:
    """For GetSessionToken and GetFederationToken; for root it is cut to an hour."""
    if principal is PrincipalType.ACCOUNT:
        return min(asked or _MOST_OF_ROOT, _MOST_OF_ROOT)
    return asked or _DEFAULT_OF_USER
