"""Which names can a service of the site have?  (decision 0051)

A name is a host name in lower case. Policies write `{"Service": "warehouse.example.internal"}`.
Names of AWS's services are refused, but for those that somebody can run here, and for which
policies are written everywhere. So is a name that policies could take for another principal.
"""

import re

from keystead.policy.language import WEB_PROVIDERS

AWS_NAMES = frozenset(
    f"{label}.amazonaws.com"
    for label in (
        "athena", "backup", "dynamodb", "elasticache", "elasticfilesystem", "events", "glue",
        "kinesis", "lambda", "logs", "rds", "redshift", "s3", "secretsmanager", "sns", "sqs",
        "ssm", "states",
    )
)  # fmt: skip
"""The names under amazonaws.com that a service of the site can have."""

OWN_SERVICES = frozenset(
    {
        "access-analyzer", "cloudtrail", "ec2", "iam", "keystead", "kms", "organizations",
        "rolesanywhere", "signin", "sts",
    }
)  # fmt: skip
"""What this server is itself: no service of the site has its label, or is signed for like it."""

_AWS_DOMAINS = (
    "amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "api.aws", "amazon.com", "amazon.cn",
    "aws",
)  # fmt: skip
_LONGEST = 128
_PART = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"\A{_PART}(?:\.{_PART})+\Z")
_REGION = re.compile(r"\A[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}\Z")


def problem(name: str) -> str:
    """Why a service cannot have this name; "" if it can."""
    if len(name) > _LONGEST or not _NAME.match(name):
        return (
            f"`{name}` is not the name of a service: at least two parts of lower-case letters,"
            f" digits and `-`, divided by dots, of {_LONGEST} characters at most"
        )
    if name in AWS_NAMES:
        return ""
    if any(name == domain or name.endswith(f".{domain}") for domain in _AWS_DOMAINS):
        return f"`{name}` is a name of AWS's; of these a service can have: {', '.join(_listed())}"
    if name in WEB_PROVIDERS:
        return f"`{name}` is the name of a provider of identities in policies"
    label, second, *_ = name.split(".")
    if label in OWN_SERVICES:
        return f"`{label}` is a service of this server itself"
    if _REGION.match(second):
        return f"`{name}` is the name of a service in one Region: leave out `{second}`"
    return ""


def _listed() -> list[str]:
    return sorted(AWS_NAMES)


def label_of(name: str) -> str:
    """The first part of a name: that of `alias/aws/<label>`."""
    return name.partition(".")[0]
