"""What is known of an installation because it was made by calls: nothing is read back from it.

The second evaluator is asked with these facts. Which of them a condition sees is written here from
iam.md 6 and 5.8 and from kms.md 11 alone, so that the server's own view is what is compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.credentials import Credentials

Json = dict[str, Any]
Tags = dict[str, str]
Keys = dict[str, Any]

REGION = "us-east-1"
ALLOW_ALL: Json = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
DENY_NONE: Json = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "kms:RetireGrant", "Resource": "*"}
    ],
}


@dataclass
class Entity:
    """A user or a role, with all that is attached to it."""

    account: "Account"
    path: str  # user/team/alice
    unique_id: str = ""
    tags: Tags = field(default_factory=dict)
    inline: Json | None = None
    managed: bool = False  # the managed policy of the account
    bounded: bool = False  # by the boundary of the account
    trust: Json | None = None

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account.number}:{self.path}"

    @property
    def is_role(self) -> bool:
        return self.path.startswith("role/")

    @property
    def policies(self) -> list[Json]:
        found = [self.inline] if self.inline else []
        if not self.is_role and self.account.group:
            found.append(self.account.group)
        return found + ([self.account.managed] if self.managed else [])


@dataclass
class Account:
    """One account, and what it has."""

    number: str
    keeper: Credentials  # makes all changes in it
    organization: "Organization | None"
    places: tuple[str, ...] = ()  # root and units above it; () of the management account
    group: Json | None = None
    managed: Json = field(default_factory=lambda: ALLOW_ALL)
    boundary: Json = field(default_factory=lambda: ALLOW_ALL)
    user: Entity = field(init=False)
    worker: Entity = field(init=False)
    target: Entity = field(init=False)
    vouched: Entity = field(init=False)  # for people of providers of identities
    key: str = ""
    key_policy: Json = field(default_factory=dict)
    key_tags: Tags = field(default_factory=dict)
    grants: list[Json] = field(default_factory=list)  # on the key, as they were asked for
    grant_ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.user = Entity(self, "user/team/alice")
        self.worker = Entity(self, "role/app/worker")
        self.target = Entity(self, "role/target")
        self.vouched = Entity(self, "role/vouched")

    def arn(self, path: str) -> str:
        return f"arn:aws:iam::{self.number}:{path}"

    @property
    def bound(self) -> tuple[str, ...]:
        """The targets whose SCPs and RCPs bind it; the management account is free (iam.md 5.5)."""
        return (*self.places, self.number) if self.places else ()

    def organization_keys(self, of: str) -> Keys:
        """`aws:PrincipalOrg…` or `aws:ResourceOrg…`."""
        there = self.organization
        if there is None:
            return {}
        path = "/".join((there.id, *(self.places or (there.root,)), ""))
        return {f"aws:{of}OrgID": there.id, f"aws:{of}OrgPaths": [path]}


@dataclass
class Organization:
    """The tree, and what is attached to each of its targets beside the full access."""

    id: str
    root: str
    unit: str
    scps: dict[str, Json] = field(default_factory=dict)
    rcps: dict[str, Json] = field(default_factory=dict)
    full: set[str] = field(default_factory=set)  # the targets that have FullAWSAccess as well


@dataclass(frozen=True)
class Asker:
    """Somebody with credentials: a user, a root user, or a session."""

    title: str
    arn: str
    account: Account
    credentials: Credentials
    entity: Entity | None  # whose policies count; None: root
    kind: str  # AssumedRole, FederatedUser, User, Account
    user_id: str
    passed: tuple[Json, ...] | None = None  # session policies
    passed_managed: bool = False  # and the managed policy of the account
    session_tags: Mapping[str, str] = field(default_factory=dict)
    transitive: Mapping[str, str] = field(default_factory=dict)
    source_identity: str = ""
    temporary: bool = False
    vouched: Mapping[str, Any] = field(default_factory=dict)  # keys by the word of a provider

    def scenario(self) -> Json:
        """The caller's side of a question."""
        over = self.account.organization
        found: Json = {"principal": self.arn, "context": self._keys()}
        if self.kind in ("AssumedRole", "FederatedUser") and self.entity:
            found["principalRole"] = self.entity.arn
        if self.entity:
            found["identityPolicies"] = self.entity.policies
            if self.entity.bounded:
                found["boundary"] = self.account.boundary
        if self.passed is not None or self.passed_managed:
            managed = [self.account.managed] if self.passed_managed else []
            found["sessionPolicy"] = [[*(self.passed or ()), *managed]]
        if over is not None and self.account.bound:
            found["scps"] = [
                [over.scps[target], *([ALLOW_ALL] if target in over.full else [])]
                for target in self.account.bound
            ]
        return found

    def _keys(self) -> Keys:
        own = self.entity.tags if self.entity else {}
        tags = {**own, **self.session_tags}
        keys: Keys = {f"aws:PrincipalTag/{key}": value for key, value in tags.items()}
        keys |= self.account.organization_keys("Principal")
        keys["aws:userid"] = self.user_id
        if self.temporary:
            keys["aws:MultiFactorAuthPresent"] = "false"
        if self.source_identity:
            keys["aws:SourceIdentity"] = self.source_identity
        return {**keys, **self.vouched} | {
            "aws:SourceIp": "127.0.0.1",
            "aws:SecureTransport": "false",
            "aws:ViaAWSService": "false",
            "aws:CurrentTime": "2026-11-30T12:00:00Z",  # later than each date that is drawn
            "aws:RequestedRegion": REGION,
        }


@dataclass(frozen=True)
class Ask:
    """A call, the resource that it is about, and what the request tells policies."""

    service: str
    operation: str
    members: Json
    owner: Account
    resource: str = "*"
    policy: Json | None = None  # of the resource itself
    keys: Keys = field(default_factory=dict)
    actions: tuple[str, ...] = ()  # when it is not the action of the operation alone
    grants: tuple[Json, ...] = ()  # on the key

    @property
    def asked(self) -> tuple[str, ...]:
        """The actions that are asked about, until one is refused."""
        return self.actions or (f"{self.service}:{self.operation}",)

    def scenario(self, asker: Asker, action: str) -> Json:
        """The whole question, for the second evaluator."""
        found = asker.scenario()
        over = self.owner.organization
        keys = {**self.keys, **self.owner.organization_keys("Resource")}
        if self.service == "kms" and action not in ("kms:ListKeys", "kms:GenerateRandom"):
            keys["kms:CallerAccount"] = asker.account.number
        found |= {
            "id": f"{asker.title} {action}",
            "action": action,
            "resource": self.resource,
            "resourceAccount": self.owner.number,
            "context": {**found["context"], **keys},
        }
        if self.grants:
            found["grants"] = [*self.grants]
        if self.policy is not None:
            found["resourcePolicy"] = self.policy
        if over is not None and self.owner.bound:
            found["rcps"] = [[over.rcps[target]] for target in self.owner.bound]
        return found


def resource_tags(tags: Tags, *prefixes: str) -> Keys:
    """The tags of a resource as condition keys."""
    return {
        f"{prefix}:ResourceTag/{key}": value for prefix in prefixes for key, value in tags.items()
    }


def request_tags(tags: Tags) -> Keys:
    """The tags that a request passes, as condition keys."""
    if not tags:
        return {}
    return {
        "aws:TagKeys": [*tags],
        **{f"aws:RequestTag/{key}": value for key, value in tags.items()},
    }
