"""One call of IAM Roles Anywhere in progress: what those operations may touch."""

from keystead.arns import service_in
from keystead.custody.tokens import SessionTokens, Tokens
from keystead.identity.call import AssumingCall
from keystead.policy.evaluation import Principal, PrincipalType

PASSED_TO = "rolesanywhere.amazonaws.com"
"""The service that gives roles to the bearers of certificates."""


def service_principal(region: str = "") -> Principal:
    """Roles Anywhere, which acts for the bearers; in a Region it has a second name."""
    names = (PASSED_TO, service_in(PASSED_TO, region)) if region else (PASSED_TO,)
    return Principal(PrincipalType.SERVICE, PASSED_TO, "", PASSED_TO, service_names=names)


class AnywhereCall(AssumingCall, kw_only=True):
    """One call about trust anchors and profiles, or for a session."""

    tokens: Tokens
    session_tokens: SessionTokens
    accept_unsupported_condition_keys: bool = False  # the installation's choice (PE-2)
