"""Which facts of a session stay the same for as long as it lives?  (threat-model ST-1, ST-4)

These facts are fixed when the credentials are issued, and travel in the token (`tokens`). Facts
that may change are not among them: the user, the user's policies, and whether the user still
exists. They are read at each use, by the rows that are named here.

INVARIANT: a session holds no secret. The secret of the credentials stands beside it in the token.
"""

from enum import StrEnum

import msgspec


class SessionKind(StrEnum):
    """The operation that made a session. The values stand in tokens and never change."""

    USER = "user"  # GetSessionToken: its user, or the root user
    FEDERATION = "federation"  # GetFederationToken
    ROLE = "role"  # AssumeRole and its kin
    ROOT_TASK = "root task"  # AssumeRoot
    LOGIN = "login"  # a session for the command line: its user, or the root user
    CONSOLE = "console"  # sign-in of a person: its user, or the root user; it has no token


class RowKind(StrEnum):
    """The rows that a session can depend on. The values stand in tokens and never change."""

    ROOT = "root"  # the root user of an account, for as long as the account is open
    USER = "user"
    ROLE = "role"
    ROOT_FEATURE = "root feature"  # of a member account; its id is that of the enabling
    ROOT_ADMINISTRATOR = "root administrator"  # its id is that of the organization
    MFA_DEVICE = "mfa"  # for as long as the device is enabled as it was
    LOGIN = "login"  # a session for the command line, with the factors of its person
    SIGN_IN = "sign-in"  # of a person: its id is the hash of the cookie
    OIDC_PROVIDER = "oidc provider"  # its id is that of a revision of the provider
    ACCESS_KEY = "access key"  # of a user or root, for as long as it is active
    SERVICE_KEY = "service key"  # an access key of a service, which began the session
    SAML_PROVIDER = "saml provider"  # as that of an OIDC provider
    PROFILE_ASSOCIATION = "profile association"  # of an instance with its profile
    INSTANCE_PROFILE = "instance profile"  # its id is that of a revision of the profile
    DIRECTORY = "directory"  # its id is that of a revision of the directory
    WEB_IDENTITY_PROVIDER = "web identity provider"  # built in, by its name: while it is turned on
    DIRECTORY_ASSIGNMENT = "directory assignment"  # of a person or a group to the role
    TRUST_ANCHOR = "trust anchor"  # its id is that of a revision of the trust anchor
    ANYWHERE_PROFILE = "roles anywhere profile"  # its id is that of the role in a revision of it
    CERTIFICATE = "certificate"  # and those above it, while no list revokes one of them


class SessionRow(msgspec.Struct, frozen=True, array_like=True):
    """A row that must exist at each use, by its unique id, so that none inherits a session."""

    kind: RowKind
    account: str
    unique_id: str  # AIDA…, AROA…; for root the account id; the enabling of a device


class PassedPolicy(msgspec.Struct, frozen=True, array_like=True):
    """A session policy: an inline one as its text, a managed one by its ARN and unique id.

    A managed policy is read at each use, as it is then. A deleted one denies everything, even if
    another policy has its name now.
    """

    document: str = ""
    arn: str = ""
    policy_id: str = ""


class SessionTag(msgspec.Struct, frozen=True, array_like=True):
    """A tag that was passed, or that came with the session before."""

    key: str
    value: str
    transitive: bool = False


class Federation(msgspec.Struct, frozen=True, array_like=True):
    """Who vouched for the person behind a session, and what policies may ask about it later."""

    provider: str  # the ARN
    keys: tuple[tuple[str, str | tuple[str, ...]], ...] = ()  # condition keys, lower-case


class Forwarded(msgspec.Struct, frozen=True, array_like=True):
    """For which service is the session of a caller whose request it forwarded?  (decision 0052)"""

    service: str  # its name
    service_id: str
    key_id: str  # the access key with which it forwarded: only its secret makes the session's
    long_term: bool  # did the caller sign with a long-term key, and so without facts of a session?


class Delivery(msgspec.Struct, frozen=True, array_like=True):
    """The instance to which a session was delivered, as policies may ask about it (iam.md 6.2).

    A later session that this one begins does not have it: that was not delivered to an instance.
    """

    instance: str  # the ARN
    private_ip: str = ""  # "" = not known
    vpc_id: str = ""  # "" = in none


class Session(msgspec.Struct, frozen=True, array_like=True):
    """One session. It has the permissions of the first of its rows.

    `layers` are the levels of session policies: each of them must allow. `scope_down` are the
    policies by which GetScopedCredentials narrowed it: each must allow, whatever else allows. Later
    kinds of session add kinds of row and, at the end, members with defaults.
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
    scope_down: tuple[PassedPolicy, ...] = ()
    federation: Federation | None = None  # of AssumeRoleWithSAML and AssumeRoleWithWebIdentity
    forwarded: Forwarded | None = None  # of ForwardAccess
    delivery: Delivery | None = None  # to an instance
    chained: bool = False  # begun by a session of a role
    extendable: bool = False  # was its end only a wish?  A login by a broker may be longer then
    begun_by: str = ""  # of AssumeRole: account and unique id of its caller, the first of a chain

    @property
    def tag_map(self) -> dict[str, str]:
        return {tag.key: tag.value for tag in self.tags}


_PASSED_ON = frozenset(
    {
        RowKind.ANYWHERE_PROFILE,
        RowKind.CERTIFICATE,
        RowKind.DIRECTORY,
        RowKind.DIRECTORY_ASSIGNMENT,
        RowKind.INSTANCE_PROFILE,
        RowKind.OIDC_PROVIDER,
        RowKind.WEB_IDENTITY_PROVIDER,
        RowKind.PROFILE_ASSOCIATION,
        RowKind.SAML_PROVIDER,
        RowKind.SERVICE_KEY,
        RowKind.TRUST_ANCHOR,
    }
)


def passed_on(session: Session | None) -> tuple[SessionRow, ...]:
    """What a session passes on to those that it begins: where it came from, beside its role.

    That is a provider, a service, or an instance with its profile. Otherwise the bearer could go
    from role to role, and stay when that is gone.
    """
    rows = () if session is None else session.rows
    return tuple(row for row in rows if row.kind in _PASSED_ON)
