"""The words of the random scenarios: callers, targets, context keys, operators and values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

A, B = "111122223333", "444455556666"

Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Caller:
    arn: str
    weight: int
    names: tuple[Name, ...]  # how a policy may name the caller, as principal type and value
    role: str | None = None
    personal: bool = True  # has identity policies
    federated: bool = False

    @property
    def session(self) -> bool:
        return self.role is not None or self.federated


def _account(number: str) -> tuple[Name, ...]:
    return (("AWS", f"arn:aws:iam::{number}:root"), ("AWS", number))


def _user(number: str, path: str, weight: int) -> Caller:
    arn = f"arn:aws:iam::{number}:user/{path}"
    return Caller(arn, weight, (("AWS", arn), ("AWS", arn), *_account(number)))


def _session(number: str, path: str, session: str, weight: int) -> Caller:
    role = f"arn:aws:iam::{number}:role/{path}"
    arn = f"arn:aws:sts::{number}:assumed-role/{path.rsplit('/', 1)[-1]}/{session}"
    return Caller(arn, weight, (("AWS", role), ("AWS", arn), *_account(number)), role=role)


def _federated(number: str, name: str, weight: int) -> Caller:
    arn = f"arn:aws:sts::{number}:federated-user/{name}"
    return Caller(arn, weight, (("AWS", arn), *_account(number)), federated=True)


CALLERS = (
    _user(A, "alice", 22),
    _user(A, "team/bob", 8),
    _user(B, "erin", 9),
    _session(A, "app/Reader", "job-1", 20),
    _session(A, "Reader", "job-2", 6),
    _session(B, "Auditor", "visit", 9),
    _session(A, "aws-service-role/ops.amazonaws.com/AWSServiceRoleForOps", "s", 2),
    _federated(A, "guest", 6),
    _federated(B, "guest", 2),
    Caller(f"arn:aws:iam::{A}:root", 5, _account(A), personal=False),
    Caller(f"arn:aws:iam::{B}:root", 2, _account(B), personal=False),
    Caller("ec2.amazonaws.com", 4, (("Service", "ec2.amazonaws.com"),), personal=False),
    Caller("sns.amazonaws.com", 2, (("Service", "sns.amazonaws.com"),), personal=False),
    Caller("anonymous", 3, (("AWS", "*"),), personal=False),
)

OTHER_PRINCIPALS: tuple[Name, ...] = (
    ("AWS", f"arn:aws:iam::{A}:user/alice"),
    ("AWS", f"arn:aws:iam::{A}:role/app/Reader"),
    ("AWS", f"arn:aws:iam::{B}:root"),
    ("AWS", "777788889999"),
    ("Service", "ec2.amazonaws.com"),
)


@dataclass(frozen=True, slots=True)
class Target:
    action: str
    resource: str
    account: str
    weight: int
    patterns: tuple[str, ...] = ()
    variable: str | None = None  # a pattern with a policy variable
    kind: str = "resource"

    @property
    def own_policy(self) -> bool:
        return self.kind != "resource"


def _key(action: str, account: str, key_id: str, weight: int) -> Target:
    arn = f"arn:aws:kms:eu-central-1:{account}:key/{key_id}"
    return Target(
        action=action,
        resource=arn,
        account=account,
        weight=weight,
        patterns=(
            f"arn:aws:kms:*:{account}:key/*",
            "arn:aws:kms:eu-*:*:*",
            f"arn:*:kms:eu-central-?:{account}:key/{key_id[:2]}*",
            f"arn:aws:kms:*:{B if account == A else A}:key/*",
            f"arn:aws:kms:*:{account}:alias/app",
        ),
        kind="key",
    )


S3_PATTERNS = ("arn:aws:s3:::home/*", "arn:aws:s3:::h?me/alice/*", "arn:aws:s3:::home")
S3_VARIABLES = (
    "arn:aws:s3:::home/${aws:username}/*",
    "arn:aws:s3:::home/${aws:PrincipalTag/team}*",
)

TARGETS = (
    _key("kms:Encrypt", A, "1234abcd-12ab-34cd-56ef-1234567890ab", 22),
    _key("kms:Decrypt", B, "99999999-12ab-34cd-56ef-1234567890ab", 8),
    _key("kms:PutKeyPolicy", A, "1234abcd-12ab-34cd-56ef-1234567890ab", 5),
    _key("kms:RetireGrant", A, "1234abcd-12ab-34cd-56ef-1234567890ab", 2),
    Target("kms:ListKeys", "*", A, 5),
    Target("kms:CreateAlias", f"arn:aws:kms:eu-central-1:{A}:alias/app", A, 4,
           (f"arn:aws:kms:*:{A}:alias/*", f"arn:aws:kms:*:{A}:key/*")),
    Target("kms:DeleteAlias", f"arn:aws:kms:eu-central-1:{A}:alias/aws/s3", A, 1),
    Target("sts:AssumeRole", f"arn:aws:iam::{A}:role/Target", A, 12,
           (f"arn:aws:iam::{A}:role/*", "arn:aws:iam::*:role/T*"), kind="trust"),
    Target("sts:TagSession", f"arn:aws:iam::{B}:role/Target", B, 3,
           (f"arn:aws:iam::{B}:role/*",), kind="trust"),
    Target("sts:GetCallerIdentity", "*", A, 1),
    Target("s3:GetObject", "arn:aws:s3:::home/alice/notes", A, 10, S3_PATTERNS, S3_VARIABLES[0]),
    Target("s3:PutObject", "arn:aws:s3:::home/red/notes", A, 6, S3_PATTERNS, S3_VARIABLES[1]),
    Target("s3:GetObject", "arn:aws:s3:::home/alice/notes", B, 4, S3_PATTERNS, S3_VARIABLES[1]),
    Target("sqs:SendMessage", f"arn:aws:sqs:eu-central-1:{A}:jobs", A, 8,
           (f"arn:aws:sqs:*:{A}:*", "arn:aws:sqs:eu-central-1:*:j?bs"),
           f"arn:aws:sqs:*:{A}:${{aws:PrincipalTag/team, 'jobs'}}"),
    Target("iam:GetUser", f"arn:aws:iam::{A}:user/team/bob", A, 4,
           (f"arn:aws:iam::{A}:user/*", f"arn:aws:iam::{A}:user/team/*"),
           f"arn:aws:iam::{A}:user/team/${{aws:username}}"),
    Target("iam:TagUser", f"arn:aws:iam::{A}:user/aws-reserved/sso/carol", A, 1),
    Target("sns:Publish", f"arn:aws:sns:eu-central-1:{A}:alerts", A, 2),
    Target("iam:DeletePolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess", A, 1),
)  # fmt: skip

OTHER_ACTIONS = ("kms:Decrypt", "s3:*", "iam:*", "sqs:Receive*", "kms:Encrypt,", "sts:AssumeRole")
TRUST_ACTIONS = ("sts:AssumeRole", "sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")

TEXTS = ["red", "blue", "Red", "r*d", ""]
NUMBERS = ["1", "2", "2.0", "2.5", "-3", "10"]
DATES = [
    "2026-03-01T12:00:00Z",
    "2026-03-01T13:00:00+01:00",
    "2026-03-01",
    "2026-03-01T12:00:00.250Z",
    "2025-12-31T23:59Z",
    "1772366400",
]
NO_DATES = [
    "soon",
    "2026-03",
    "2030",
    "20300101",
    "1772366400000",
    "2026-03-01T12:00:00",
    "2026-03-01T13:00:00+0100",
]
IPS = ["10.1.2.3", "10.1.2.4", "192.0.2.7", "2001:db8::7", "2001:0db8:0:0:0:0:0:7"]
ARNS = [
    f"arn:aws:sns:eu-central-1:{A}:alerts",
    f"arn:aws:sns:us-east-1:{B}:alerts:sub",
    "arn:aws:s3:::home",
]

# A tuple holds the values of a single-valued key, a list those of a multi-valued one.
CONTEXT: Mapping[str, tuple[str, ...] | list[str]] = {
    "aws:PrincipalTag/team": tuple(TEXTS),
    "aws:ResourceTag/team": tuple(TEXTS),
    "aws:PrincipalOrgID": ("o-home", "o-other"),
    "aws:MultiFactorAuthAge": (*NUMBERS, "soon"),
    "aws:CurrentTime": (*DATES, *DATES, "later", "2026-03-01T12:00:00", "-86400"),
    "aws:MultiFactorAuthPresent": ("true", "false"),
    "aws:SecureTransport": ("true", "True", "false"),
    "aws:SourceIp": (*IPS, *IPS, "unknown", "::ffff:10.1.2.3"),
    "aws:SourceArn": (*ARNS, *ARNS, "alerts"),
    "app:Digest": ("aGVsbG8=", "d29ybGQ=", "aGVsbG9="),
    "kms:EncryptionContext:app": tuple(TEXTS),
    "kms:ViaService": ("s3.eu-central-1.amazonaws.com",),
    "kms:RequestAlias": ("alias/app", "alias/old"),
    "aws:TagKeys": ["red", "blue", "Red", "team", ""],
    "kms:EncryptionContextKeys": ["app", "stage"],
    "kms:ResourceAliases": ["alias/app", "alias/old"],
    "app:Sizes": NUMBERS,
    "app:Hops": IPS,
}

_TEXT_KEYS = [
    "aws:PrincipalTag/team",
    "aws:ResourceTag/team",
    "aws:PrincipalTag/Team",
    "kms:EncryptionContext:App",
    "kms:RequestAlias",
    "kms:ViaService",
    "aws:PrincipalOrgID",
    "aws:TagKeys",
    "kms:EncryptionContextKeys",
    "kms:ResourceAliases",
    "aws:username",
    "aws:PrincipalType",
    "aws:PrincipalAccount",
    "aws:ResourceAccount",
]
_TEXT_VALUES = [
    "red",
    "blue",
    "RED",
    "r*d",
    "app",
    "team",
    "alias/app",
    "o-home",
    "s3.eu-central-1.amazonaws.com",
    "alice",
    "User",
    A,
    "${aws:PrincipalTag/team}",
    "${aws:PrincipalAccount}",
    "${aws:ResourceTag/team, 'red'}",
    "${kms:RequestAlias, ''}",
    "${aws:username}",
    "${aws:TagKeys}",
    "r${*}d",
    7,
]
_PATTERN_VALUES = [*_TEXT_VALUES, "r*", "?ed", "*", "alias/*", "*.amazonaws.com", "r??"]
_NUMBER_KEYS = ["aws:MultiFactorAuthAge", "app:Sizes"]
_NUMBER_VALUES = [*NUMBERS, 2, 10]
_DATE_KEYS = ["aws:CurrentTime", "aws:TokenIssueTime"]
_IP_KEYS = ["aws:SourceIp", "app:Hops"]
_IP_VALUES = ["10.0.0.0/8", "10.1.2.4", "192.0.2.0/29", "2001:db8::/32", "0.0.0.0/0", "::/0"]
_ARN_KEYS = ["aws:SourceArn", "aws:PrincipalArn"]
_ARN_VALUES = [
    f"arn:aws:sns:*:{A}:alerts",
    "arn:aws:sns:*:*:al*",
    "arn:aws:s3:::h?me",
    "arn:aws:sns:*",
    f"arn:aws:iam::{A}:user/*",
    f"arn:aws:iam::{A}:role/app/Reader",
    "arn:aws:iam::${aws:PrincipalAccount}:*",
    "*:*:*:*:*:*",
]

_Row = tuple[Sequence[str], Sequence[object]]
_STRING: _Row = (_TEXT_KEYS, _TEXT_VALUES)
_LIKE: _Row = (_TEXT_KEYS, _PATTERN_VALUES)
_NUMERIC: _Row = (_NUMBER_KEYS, _NUMBER_VALUES)
_DATE: _Row = (_DATE_KEYS, DATES)
_IP: _Row = (_IP_KEYS, _IP_VALUES)
_ARN: _Row = (_ARN_KEYS, _ARN_VALUES)

# Operator → the keys it is asked about and the values it is given.
OPERATORS: Mapping[str, _Row] = {
    **dict.fromkeys(("StringEquals", "StringNotEquals"), _STRING),
    **dict.fromkeys(("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"), _STRING),
    **dict.fromkeys(("StringLike", "StringNotLike"), _LIKE),
    **dict.fromkeys(("NumericEquals", "NumericNotEquals", "NumericLessThan"), _NUMERIC),
    **dict.fromkeys(("NumericLessThanEquals", "NumericGreaterThan"), _NUMERIC),
    "NumericGreaterThanEquals": _NUMERIC,
    **dict.fromkeys(("DateEquals", "DateNotEquals", "DateLessThan"), _DATE),
    **dict.fromkeys(("DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"), _DATE),
    "Bool": (
        ["aws:MultiFactorAuthPresent", "aws:SecureTransport", "aws:PrincipalIsAWSService"],
        ["true", "false", True, False, "TRUE", "yes"],
    ),
    "BinaryEquals": (["app:Digest"], ["aGVsbG8=", "b3RoZXI="]),
    **dict.fromkeys(("IpAddress", "NotIpAddress"), _IP),
    **dict.fromkeys(("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"), _ARN),
}
