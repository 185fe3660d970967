"""The STS operations, one family per module. Importing this package registers all of them."""

from keystead.identity.sts import authorization_messages, identity, own_sessions

__all__ = ("authorization_messages", "identity", "own_sessions")
