"""Tokens that only we can have made: opaque ones, and those of sessions."""

from keystead.custody.tokens.session_tokens import SessionTokens
from keystead.custody.tokens.tokens import InvalidToken, Tokens, encoded

__all__ = ("InvalidToken", "SessionTokens", "Tokens", "encoded")
