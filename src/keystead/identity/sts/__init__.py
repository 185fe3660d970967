"""The STS operations, one family per module. Importing this package registers all of them."""

from keystead.identity.sts import (
    assumable_roles,
    assume_role,
    assume_root,
    authorization_messages,
    declined,
    identity,
    own_sessions,
    saml,
    scoped_sessions,
    session_policies,
    session_tags,
    vouched,
    web_identity,
)

__all__ = (
    "assumable_roles", "assume_role", "assume_root", "authorization_messages", "declined",
    "identity", "own_sessions", "saml", "scoped_sessions", "session_policies", "session_tags",
    "vouched", "web_identity",
)  # fmt: skip
