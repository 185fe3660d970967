"""ARNs and partitions. An ARN is parsed once, at the edge.

    arn:partition:service:region:account:resource

The resource keeps its own colons and slashes. A parsed ARN has six parts, with the characters that
AWS allows. It does not prove that the resource exists. What people write where patterns are allowed
is only taken apart (`written`). Patterns are compiled in `policy/text/patterns.py`.
"""

import re
from functools import lru_cache
from typing import NamedTuple, Self

import msgspec


class Partition(msgspec.Struct, frozen=True, gc=False):
    """A group of Regions with accounts and ARNs of its own (botocore's `partitions.json`)."""

    name: str  # the second part of every ARN
    regions: str  # the start of the names of its Regions
    global_region: str  # the Region for which SDKs sign calls of IAM


_PARTITIONS = (
    Partition("aws-us-gov", "us-gov-", "us-gov-west-1"),
    Partition("aws-cn", "cn-", "cn-north-1"),
    Partition("aws-eusc", "eusc-", "eusc-de-east-1"),
    Partition("aws-iso", "us-iso-", "us-iso-east-1"),
    Partition("aws-iso-b", "us-isob-", "us-isob-east-1"),
    Partition("aws-iso-e", "eu-isoe-", "eu-isoe-west-1"),
    Partition("aws-iso-f", "us-isof-", "us-isof-south-1"),
    Partition("aws", "", "us-east-1"),
)

PARTITIONS = frozenset(each.name for each in _PARTITIONS)
"""The names of all partitions."""


@lru_cache(maxsize=64)
def partition_of(region: str) -> Partition:
    """The partition of a Region."""
    return next(each for each in _PARTITIONS if region.startswith(each.regions))


def partition_named(name: str) -> Partition | None:
    """The partition with this name in ARNs, or None."""
    return next((each for each in _PARTITIONS if each.name == name), None)


# A process serves one partition. ARNs of IAM and STS have no Region that would tell the partition.
# It is set once, when an installation is opened, and no request can change it.
_spoken = [partition_of("us-east-1")]


def speak(partition: Partition) -> None:
    """Make and read ARNs of this partition from now on."""
    _spoken[0] = partition


def spoken() -> Partition:
    """The partition of this process."""
    return _spoken[0]


def service_in(name: str, region: str) -> str:
    """The name of a service principal in one Region: `s3.eu-central-1.amazonaws.com`.

    It is the value of `kms:ViaService`, and one of `aws:PrincipalServiceNamesList`.
    """
    label, _, domain = name.partition(".")
    return f"{label}.{region}.{domain}"


_ACCOUNT_ID = re.compile(r"\A[0-9]{12}\Z")
_ARN = re.compile(
    r"\Aarn:([a-z][a-z0-9-]*):([a-z0-9-]+):([a-z0-9-]*):([0-9]{12}|aws|):([\x21-\x7e]+)\Z"
)


class NotAnArn(ValueError):
    """The text is not an ARN. The caller decides which AWS error that becomes."""


class Arn(msgspec.Struct, frozen=True, gc=False):
    """A parsed ARN; `str()` gives the text back."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The ARN in `text`; raises NotAnArn."""
        match = _ARN.match(text)
        if match is None:
            raise NotAnArn(text)
        return cls(*match.groups())

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


class Written(NamedTuple):
    """The six parts of a text in the form of an ARN, whatever they hold: a pattern, or nothing.

    For what people write in policies and questions. What must be an ARN is an `Arn`.
    """

    prefix: str  # "arn"
    partition: str
    service: str
    region: str
    account: str
    resource: str


def written(text: str) -> Written | None:
    """The parts of this text; None when there are fewer than six."""
    parts = text.split(":", 5)
    return Written(*parts) if len(parts) == 6 else None


def account_in(text: str) -> str:
    """The account that stands in a text in the form of an ARN; "" in any other."""
    parts = written(text)
    return "" if parts is None else parts.account


def partition_in(text: str) -> str:
    """The partition that stands in a text that begins as an ARN does; "" in any other."""
    prefix, _, rest = text.partition(":")
    return rest.partition(":")[0] if prefix == "arn" else ""


def ds_arn(region: str, account: str, resource: str) -> str:
    """The text of an ARN of AWS Directory Service: `ds_arn(region, account, "directory/d-…")`."""
    return f"arn:{spoken().name}:ds:{region}:{account}:{resource}"


def iam_arn(account: str, resource: str) -> str:
    """The text of an IAM ARN: `iam_arn("111122223333", "user/alice")`. IAM has no Region."""
    return f"arn:{spoken().name}:iam::{account}:{resource}"


def sts_arn(account: str, resource: str) -> str:
    """The text of an STS ARN: `sts_arn("111122223333", "assumed-role/ops/alice")`."""
    return f"arn:{spoken().name}:sts::{account}:{resource}"


def kms_arn(region: str, account: str, resource: str) -> str:
    """The text of a KMS ARN: `kms_arn("eu-central-1", "111122223333", "key/1234…")`."""
    return f"arn:{partition_of(region).name}:kms:{region}:{account}:{resource}"


def ec2_arn(region: str, account: str, resource: str) -> str:
    """The text of an EC2 ARN: `ec2_arn("eu-central-1", "111122223333", "vpc-endpoint/vpce-…")`."""
    return f"arn:{partition_of(region).name}:ec2:{region}:{account}:{resource}"


def organizations_arn(account: str, resource: str) -> str:
    """The text of an Organizations ARN: its account is the management account; it has no Region."""
    return f"arn:{spoken().name}:organizations::{account}:{resource}"


def is_account_id(text: str) -> bool:
    """Is this the form of an account id: twelve ASCII digits?"""
    return _ACCOUNT_ID.match(text) is not None
