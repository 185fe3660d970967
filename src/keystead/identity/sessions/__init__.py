"""Sessions: their facts, their tokens, and how their credentials are issued."""

from keystead.identity.sessions.forwarding import FORWARDED_SECONDS, forwarded, secret_of
from keystead.identity.sessions.issuing import IssuedSession, issue
from keystead.identity.sessions.session import (
    Delivery,
    Federation,
    Forwarded,
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
    "FORWARDED_SECONDS",
    "Delivery",
    "Federation",
    "Forwarded",
    "IssuedSession",
    "OpenedToken",
    "PassedPolicy",
    "RowKind",
    "Session",
    "SessionKind",
    "SessionRow",
    "SessionTag",
    "forwarded",
    "issue",
    "open_token",
    "passed_on",
    "secret_of",
)  # fmt: skip
