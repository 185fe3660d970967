"""Sessions: their facts, their tokens, and how their credentials are issued."""

from keystead.identity.sessions.issuing import IssuedSession, issue
from keystead.identity.sessions.session import (
    Federation,
    PassedPolicy,
    RowKind,
    Session,
    SessionKind,
    SessionRow,
    SessionTag,
    passed_on,
)
from keystead.identity.sessions.tokens import OpenedToken, open_token

__all__ = (
    "Federation", "IssuedSession", "OpenedToken", "PassedPolicy", "RowKind", "Session",
    "SessionKind", "SessionRow", "SessionTag", "issue", "open_token",
    "passed_on",
)  # fmt: skip
