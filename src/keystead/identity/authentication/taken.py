"""How are credentials refused that an operation does not take?  (iam.md 2.7)

The row of the operation says which credentials it takes (`rules`).
"""

from keystead.identity.authentication.authenticate import Authenticated
from keystead.identity.authentication.token_errors import InvalidClientTokenId
from keystead.policy.evaluation import AccessDenied
from keystead.rules import LONG_TERM, CredentialKind, Rules
from keystead.wire.models import sts

_OF_ROOT = frozenset(
    {
        CredentialKind.LOGIN_ROOT,
        CredentialKind.ROOT_KEY,
        CredentialKind.ROOT_SESSION,
        CredentialKind.ROOT_TASK,
    }
)


def require_source(caller: Authenticated) -> None:
    """Refuse a service that names a source which its registration does not cover."""
    if caller.misnamed:
        name = caller.principal.arn
        raise AccessDenied(None, f"{name} may not name this source: {caller.misnamed}")


def require_taken(kind: CredentialKind, rules: Rules) -> None:
    """Refuse credentials that the operation does not take, before any policy is asked."""
    if kind in rules.credentials:
        return
    service, name = rules.operation.service.name, rules.operation.name
    if service == "iam":
        raise InvalidClientTokenId
    if name == "GetScopedCredentials" and kind in LONG_TERM:
        raise sts.InvalidSubjectCredentialsException(
            "GetScopedCredentials is called with the credentials of a session."
        )
    if name == "AssumeRole" and kind in LONG_TERM | {
        CredentialKind.ROOT_SESSION,
        CredentialKind.LOGIN_ROOT,
    }:
        raise AccessDenied(None, "Roles may not be assumed by root accounts.")
    if name == "AssumeRoot" and kind in _OF_ROOT:
        raise AccessDenied(None, "AssumeRoot may not be called by root accounts.")
    if kind is CredentialKind.SERVICE:
        raise AccessDenied(None, f"Cannot call {name} with the credentials of a service")
    raise AccessDenied(None, f"Cannot call {name} with session credentials")
