"""How many calls a second, and how many resources, has an account in a Region?  (kms.md 19)

Request quotas bound the calls of a second. An operation of KMS has a quota of its own name, unless
its row says otherwise (`rules`). The operations of other services share one of their service. The
numbers are AWS's where AWS publishes one; settings give others, for all accounts or for one
(decision 0041).
"""

import re
from collections.abc import Iterable, Mapping
from math import inf
from typing import NamedTuple

from keystead.failures import Failure

SYMMETRIC, RSA, ECC, ML_DSA, ML_KEM = (
    f"Cryptographic operations ({family})"
    for family in ("symmetric", "RSA", "ECC and SM2", "ML-DSA", "ML-KEM")
)

UNSERVED = "Operations that are not served"
"""The request quota of calls that name no operation of their service, or one that is not served."""


OF_SERVICE: Mapping[str, str] = {
    "access-analyzer": "Access Analyzer requests",
    "ec2": "EC2 requests",
    "iam": "IAM requests",
    "organizations": "Organizations requests",
    "rolesanywhere": "Roles Anywhere requests",
    "sts": "STS requests",
}
"""The request quotas that all operations of a service share, by its signing name.

AWS publishes the number of STS. It has others for Organizations and EC2, smaller and for each
operation, and tells none of IAM. So those are ours: more than tools need, and less than what keeps
a server busy."""


HALVED = frozenset(OF_SERVICE.values())
"""The quotas of which one principal gets at most a half. So a principal whose credentials are in
wrong hands cannot keep the others of its account from taking them away. Nobody keeps root out."""


def of_pair(spec: str) -> str:
    """The quota of pairs of data keys of this spec."""
    return f"GenerateDataKeyPair ({spec})"


_PER_SECOND: Mapping[int, tuple[str, ...]] = {
    10_000: (SYMMETRIC,),  # in most Regions
    2000: ("DescribeKey", "GetPublicKey", "ListResourceTags"),
    1000: (RSA, ECC, ML_DSA, ML_KEM, "GetKeyPolicy", "GetKeyRotationStatus"),
    600: (OF_SERVICE["sts"],),
    500: ("ListAliases", "ListKeys", OF_SERVICE["iam"]),
    100: (
        OF_SERVICE["ec2"], OF_SERVICE["organizations"],
        "ForwardAccess",  # ours, of one service
        *map(of_pair, ("ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1")),
        of_pair("ECC_NIST_EDWARDS25519"),
        "ListGrants", "ListKeyPolicies", "ListKeyRotations", "ListRetirableGrants",
    ),
    50: (
        OF_SERVICE["access-analyzer"], OF_SERVICE["rolesanywhere"],
        "CreateGrant", "RetireGrant", "RevokeGrant",
    ),
    25: (of_pair("SM2"),),
    20: (of_pair("RSA_2048"),),
    15: (
        "DeleteAlias", "DeleteImportedKeyMaterial", "EnableKeyRotation", "ImportKeyMaterial",
        "PutKeyPolicy", "ScheduleKeyDeletion",
    ),
    10: ("TagResource", UNSERVED),  # UNSERVED is of every service, and its number ours
    5: (
        "CancelKeyDeletion", "ConnectCustomKeyStore", "CreateAlias", "CreateCustomKeyStore",
        "CreateKey", "DeleteCustomKeyStore", "DescribeCustomKeyStores", "DisableKey",
        "DisableKeyRotation", "DisconnectCustomKeyStore", "EnableKey", "GetKeyLastUsage",
        "ReplicateKey", "RotateKeyOnDemand", "UntagResource", "UpdateAlias",
        "UpdateCustomKeyStore", "UpdateKeyDescription", "UpdatePrimaryRegion",
    ),
    4: (of_pair("RSA_3072"),),
    2: ("LookupEvents",),  # of CloudTrail
    1: (of_pair("RSA_4096"), "GetParametersForImport"),
}  # fmt: skip

REQUESTS: Mapping[str, int] = {
    name: number for number, names in _PER_SECOND.items() for name in names
}
"""The request quotas: calls a second of one account in one Region (kms.md 19.1).

AWS's number for ML-KEM is not known. It has that of ML-DSA here.
"""

SYMMETRIC_IN: Mapping[str, int] = {
    **dict.fromkeys(("us-east-1", "us-west-2", "eu-west-1"), 100_000),
    **dict.fromkeys(
        ("us-east-2", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "eu-central-1",
         "eu-west-2"), 20_000,
    ),
}  # fmt: skip
"""The Regions in which the shared quota of symmetric keys is another one."""

KEYS, ALIASES = "KMS keys", "Aliases per KMS key"
GRANTS, ROTATIONS = "Grants per KMS key", "On-demand rotations per KMS key"


class Resources(NamedTuple):
    """How many resources there may be, and how many a setting may allow."""

    number: int
    greatest: int


_GREATEST = 10**9
RESOURCES: Mapping[str, Resources] = {
    KEYS: Resources(100_000, _GREATEST),  # of an account in a Region, in any state
    ALIASES: Resources(50, 500),  # a key is in memory together with its aliases
    GRANTS: Resources(50_000, _GREATEST),
    ROTATIONS: Resources(25, 25),
}
"""The resource quotas (kms.md 19.2). The sizes and numbers that AWS never changes are not here:
they stand where they are checked."""

# What an installation allows


_SETTING = re.compile(r"\s*(?:([0-9]{12})\s*:)?\s*([^=:]*[^=:\s])\s*=\s*([0-9]{1,9})\s*")
_WRITE = "write `NAME=NUMBER` or `ACCOUNT:NAME=NUMBER`, such as `CreateKey=50`"


def read(settings: Iterable[str]) -> Mapping[tuple[str, str], int]:
    """What the setting `quotas` says, by account ("" is all) and name; raises Failure."""
    numbers: dict[tuple[str, str], int] = {}
    for text in settings:
        match = _SETTING.fullmatch(text)
        if match is None:
            raise Failure(f"`quotas`: `{text}` is not a quota", _WRITE)
        account, name, number = match[1] or "", match[2], int(match[3])
        resources = RESOURCES.get(name)
        if resources is None and name not in REQUESTS:
            known = ", ".join(f"`{known}`" for known in (*RESOURCES, *REQUESTS))
            raise Failure(f"`quotas`: there is no quota `{name}`", f"the quotas are {known}")
        if resources is not None and number > resources.greatest:
            raise Failure(
                f"`quotas`: `{name}` can be {resources.greatest} at most",
                f"change the value `{number}`",
            )
        if (account, name) in numbers:
            raise Failure(f"`quotas`: `{text}` is the second value of a quota", "remove one")
        numbers[account, name] = number
    return numbers


class Quotas:
    """The quotas of one installation: its settings, and where they say nothing AWS's defaults."""

    __slots__ = ("_given", "_requests")

    def __init__(self, settings: Iterable[str] = (), *, requests: bool = True) -> None:
        self.use(settings, requests=requests)

    def use(self, settings: Iterable[str], *, requests: bool) -> None:
        """Take these settings from now on; raises Failure. `requests`: are calls counted?"""
        self._given = read(settings)
        self._requests = requests

    @property
    def counts_calls(self) -> bool:
        """Are calls counted?  (`request_quotas`)"""
        return self._requests

    def most(self, name: str, account: str) -> int:
        """How many resources an account may have."""
        return self._number(name, account, RESOURCES[name].number)

    def per_second(self, name: str, account: str, region: str) -> float:
        """How many calls a second an account may make in a Region; infinite if none is counted."""
        if not self._requests:
            return inf
        default = REQUESTS[name]
        if name == SYMMETRIC:
            default = SYMMETRIC_IN.get(region, default)
        return self._number(name, account, default)

    def _number(self, name: str, account: str, default: int) -> int:
        of_all = self._given.get(("", name), default)
        return self._given.get((account, name), of_all)


def reference() -> str:
    """Every quota as a Markdown table, for the documentation."""
    lines = ["| name | for each | default |", "| --- | --- | --- |"]
    for name, resources in RESOURCES.items():
        most = "" if resources.greatest == _GREATEST else f" (at most {resources.greatest:,})"
        whose = "account and Region" if name == KEYS else "KMS key"
        lines.append(f"| `{name}` | {whose} | {resources.number:,}{most} |")
    for name, number in REQUESTS.items():
        numbers = {number: "elsewhere"} if name == SYMMETRIC else {}
        for region, its_own in SYMMETRIC_IN.items() if numbers else ():
            numbers[its_own] = ", ".join(filter(None, (numbers.get(its_own), region)))
        shown = "; ".join(f"{n:,} {where}" for n, where in sorted(numbers.items(), reverse=True))
        lines.append(f"| `{name}` | account, Region and second | {shown or f'{number:,}'} |")
    return "\n".join(lines) + "\n"
