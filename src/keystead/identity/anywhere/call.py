"""One call of IAM Roles Anywhere in progress: what those operations may touch."""

from keystead.custody.tokens import SessionTokens, Tokens
from keystead.identity.call import AssumingCall

PASSED_TO = "rolesanywhere.amazonaws.com"
"""The service that gives roles to the bearers of certificates."""


class AnywhereCall(AssumingCall, kw_only=True):
    """One call about trust anchors and profiles, or for a session."""

    tokens: Tokens
    session_tokens: SessionTokens
    accept_unsupported_condition_keys: bool = False  # the installation's choice (PE-2)
