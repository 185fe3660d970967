"""What is known of a session for as long as it lives?  (threat-model ST-1, ST-4)

These facts are fixed when the credentials are issued and travel in the token (`tokens`). What may
change since is not among them: who the user is now, which policies the user has now, whether the
user is still there. That is read at each use, by the rows that are named here.

INVARIANT: nothing secret is in it; the secret of the credentials stands beside it in the token.
"""

from enum import StrEnum

import msgspec


class SessionKind(StrEnum):
    """By which operation a session came to be. The values stand in tokens and never change."""

    USER = "user"  # GetSessionToken: its user, or the root user
    FEDERATION = "federation"  # GetFederationToken


class RowKind(StrEnum):
    """What a session can depend on. The values stand in tokens and never change."""

    ROOT = "root"  # the root user of an account, for as long as the account is open
    USER = "user"


class SessionRow(msgspec.Struct, frozen=True, array_like=True):
    """A row that must exist at each use, by its unique id, so that none inherits a session."""

    kind: RowKind
    account: str
    unique_id: str  # AIDA…; for root the account id


class PassedPolicy(msgspec.Struct, frozen=True, array_like=True):
    """A session policy: an inline one as its text, a managed one by its ARN and unique id.

    A managed policy is read at each use, as it is then. When it is gone it denies everything, also
    if another has its name since.
    """

    document: str = ""
    arn: str = ""
    policy_id: str = ""


class SessionTag(msgspec.Struct, frozen=True, array_like=True):
    """A tag that was passed, or that came with the session before."""

    key: str
    value: str
    transitive: bool = False


class Session(msgspec.Struct, frozen=True, array_like=True):
    """One session. The first of its rows is whose permissions it has.

    `layers` are the levels of session policies: each of them must allow. Later kinds of session
    add kinds of row and, at the end, members with defaults.
    """

    kind: SessionKind
    account: str
    rows: tuple[SessionRow, ...]
    issued: int  # seconds since the epoch
    expires: int  # the first second in which it is over
    name: str = ""  # of the federated user or of the role session
    layers: tuple[tuple[PassedPolicy, ...], ...] = ()
    tags: tuple[SessionTag, ...] = ()
    source_identity: str = ""
    mfa: int | None = None  # when a second factor was shown; None: never
