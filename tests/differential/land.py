"""Accounts in and outside of an organization, made and changed by real calls, and what is known.

`change` draws a few changes and makes them; whoever has begun a session keeps it, and is judged by
what is then. So a policy that is changed is also one that must be forgotten.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.credentials import Credentials

from tests.differential.drawing import Draw
from tests.differential.facts import (
    ALLOW_ALL,
    DENY_NONE,
    Account,
    Asker,
    Entity,
    Json,
    Organization,
)
from tests.identity.world import Tenant, World
from tests.server import sdk
from tests.server.installations import Local, open_local
from tests.server.sdk import Refused

TYPES = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")
KEEPER = "OrganizationAccountAccessRole"


def text(document: Json) -> str:
    return json.dumps(document)


def tag_list(tags: dict[str, str]) -> list[Json]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


@dataclass
class Land:
    """The installation, its accounts, and what was stored in it."""

    local: Local
    organization: Organization
    accounts: list[Account] = field(default_factory=list)
    ids: dict[tuple[str, str], str] = field(default_factory=dict)  # target, type: policy
    rng: random.Random = field(default_factory=random.Random)
    not_stored: int = 0

    @property
    def draw(self) -> Draw:
        return Draw(self.rng, self.accounts)

    def call(self, service: str, operation: str, who: Credentials, **members: Any) -> Json:
        return sdk.call(self.local, service, operation, who, **members)

    # making

    @classmethod
    def create(cls, directory: Path) -> "Land":
        """A management account, two member accounts, one of them in a unit, and a stranger."""
        local = open_local(directory / "data")
        made: Json = sdk.call(local, "organizations", "CreateOrganization", local.admin)
        [root] = sdk.call(local, "organizations", "ListRoots", local.admin)["Roots"]
        unit = sdk.call(
            local, "organizations", "CreateOrganizationalUnit", local.admin,
            ParentId=root["Id"], Name="unit",
        )["OrganizationalUnit"]["Id"]  # fmt: skip
        there = Organization(made["Organization"]["Id"], root["Id"], unit)
        land = cls(local, there)
        for each in TYPES:
            land._organize("EnablePolicyType", RootId=there.root, PolicyType=each)
        land.accounts.append(Account(local.founded.account_id, local.admin, there))
        for name in ("first", "second"):
            land.accounts.append(land._member(name))
        land._move(land.accounts[1])
        land.accounts.append(land._stranger())
        for target in (there.root, unit, *(each.number for each in land.accounts[1:3])):
            land._attach(target)
        for account in land.accounts:
            land._people(account)
        local.installation.commit()
        return land

    def _organize(self, operation: str, **members: Any) -> Json:
        return self.call("organizations", operation, self.local.admin, **members)

    def _member(self, name: str) -> Account:
        made = self._organize("CreateAccount", Email=f"{name}@example.com", AccountName=name)
        number = made["CreateAccountStatus"]["AccountId"]
        role = f"arn:aws:iam::{number}:role/{KEEPER}"
        keeper = self.begin("AssumeRole", self.local.admin, RoleArn=role, RoleSessionName="keeper")
        return Account(number, keeper, self.organization, (self.organization.root,))

    def _move(self, account: Account) -> None:
        """From the root into the unit, or back."""
        root, unit = self.organization.root, self.organization.unit
        source, destination = (unit, root) if unit in account.places else (root, unit)
        self._organize(
            "MoveAccount", AccountId=account.number, SourceParentId=source,
            DestinationParentId=destination,
        )  # fmt: skip
        account.places = (root,) if destination == root else (root, unit)

    def _stranger(self) -> Account:
        tenant = self.world.account("stranger@example.com")
        key = tenant.administrator().key
        assert key is not None
        return Account(tenant.id, Credentials(key.access_key_id, key.secret), None)

    @property
    def world(self) -> World:
        here = self.local.installation
        return World(here.store, here.hierarchy, here.identities, now=self.local.time.wall())

    def _attach(self, target: str) -> None:
        """A policy of each type that is changed later, and only then says anything."""
        for kind, document in zip(TYPES, (ALLOW_ALL, DENY_NONE), strict=True):
            made = self._organize(
                "CreatePolicy", Content=text(document), Description="", Type=kind,
                Name=f"{kind[:3]}-{target}",
            )["Policy"]["PolicySummary"]["Id"]  # fmt: skip
            self._organize("AttachPolicy", PolicyId=made, TargetId=target)
            self.ids[target, kind] = made
        self.organization.scps[target] = ALLOW_ALL
        self.organization.rcps[target] = DENY_NONE
        self.organization.full.add(target)

    def _people(self, account: Account) -> None:
        def iam(operation: str, **members: Any) -> Json:
            return self.call("iam", operation, account.keeper, **members)

        made = iam("CreateUser", UserName="alice", Path="/team/")["User"]
        account.user.unique_id = made["UserId"]
        iam("CreateGroup", GroupName="devs")
        iam("AddUserToGroup", GroupName="devs", UserName="alice")
        for name in ("shared", "bound"):
            iam("CreatePolicy", PolicyName=name, PolicyDocument=text(ALLOW_ALL))
        for role, path in ((account.worker, "/app/"), (account.target, "/")):
            role.trust = {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Action": "sts:AssumeRole",
                     "Principal": {"AWS": account.number}},
                ],
            }  # fmt: skip
            trust = text(role.trust)
            made = iam("CreateRole", RoleName=role.name, Path=path, AssumeRolePolicyDocument=trust)
            role.unique_id = made["Role"]["RoleId"]
        self._new_key(account)

    # changing

    def change(self, most: int) -> None:
        """Draw changes, and make them."""
        scps, rcps = dict(self.organization.scps), dict(self.organization.rcps)
        for target in scps:  # no account may be kept from changing
            self._control(target, 0, ALLOW_ALL)
            self._control(target, 1, DENY_NONE)
        for _ in range(self.rng.randint(1, most)):
            account: Account = self.rng.choice(self.accounts)
            change: Callable[[Account], None] = self.rng.choice(
                [self._inline, self._inline, self._group, self._managed, self._boundary,
                 self._attached, self._trust, self._trust, self._tags, self._new_key, self._place,
                 self._grant, self._grant, self._grant]
            )  # fmt: skip
            self._tried(change, account)
        for target in scps:
            if self.rng.random() < 0.3:
                loose = self.rng.random() < 0.5
                scps[target] = ALLOW_ALL if loose else self.draw.identity(0.8)
                rcps[target] = DENY_NONE if loose else self.draw.rcp()
        for target, scp in scps.items():
            self._control(target, 0, scp)
            self._control(target, 1, rcps[target])
        self.local.installation.commit()

    def _tried(self, change: Callable[[Account], None], account: Account) -> None:
        """A document that is not taken leaves all as it was, and what is known of it."""
        try:
            change(account)
        except Refused as refused:
            if "MalformedPolicy" not in str(refused):
                raise
            self.not_stored += 1

    def _control(self, target: str, number: int, document: Json) -> None:
        known = (self.organization.scps, self.organization.rcps)[number]
        if known[target] == document:
            return
        policy = self.ids[target, TYPES[number]]
        self._organize("UpdatePolicy", PolicyId=policy, Content=text(document))
        known[target] = document

    def _entity(self, account: Account) -> Entity:
        found: Entity = self.rng.choice(
            [account.user, account.user, account.worker, account.target, account.vouched]
        )
        return found

    def _of(self, entity: Entity, operation: str, **members: Any) -> None:
        """A call of IAM about a user or role: `operation` has `Entity` for the kind."""
        kind = "Role" if entity.is_role else "User"
        named = {f"{kind}Name": entity.name, **members}
        self.call("iam", operation.replace("Entity", kind), entity.account.keeper, **named)

    def _inline(self, account: Account) -> None:
        entity = self._entity(account)
        if entity.inline and self.rng.random() < 0.15:
            self._of(entity, "DeleteEntityPolicy", PolicyName="inline")
            entity.inline = None
            return
        drawn = self.draw.identity()
        self._of(entity, "PutEntityPolicy", PolicyName="inline", PolicyDocument=text(drawn))
        entity.inline = drawn

    def _group(self, account: Account) -> None:
        named = {"GroupName": "devs", "PolicyName": "inline"}
        if account.group and self.rng.random() < 0.4:
            self.call("iam", "DeleteGroupPolicy", account.keeper, **named)
            account.group = None
            return
        drawn = self.draw.identity(0.3)
        self.call("iam", "PutGroupPolicy", account.keeper, **named, PolicyDocument=text(drawn))
        account.group = drawn

    def _version(self, account: Account, name: str, document: Json) -> None:
        """A new default version of a managed policy, and no other."""
        arn = {"PolicyArn": account.arn(f"policy/{name}")}
        found = self.call("iam", "ListPolicyVersions", account.keeper, **arn)["Versions"]
        self.call(
            "iam", "CreatePolicyVersion", account.keeper, **arn, SetAsDefault=True,
            PolicyDocument=text(document),
        )  # fmt: skip
        for each in found:
            version = each["VersionId"]
            self.call("iam", "DeletePolicyVersion", account.keeper, **arn, VersionId=version)

    def _managed(self, account: Account) -> None:
        drawn = self.draw.identity(0.3)
        self._version(account, "shared", drawn)
        account.managed = drawn

    def _boundary(self, account: Account) -> None:
        entity = self._entity(account)
        if entity.bounded and self.rng.random() < 0.6:
            self._of(entity, "DeleteEntityPermissionsBoundary")
            entity.bounded = False
            return
        drawn = self.draw.identity(0.85)
        self._version(account, "bound", drawn)
        account.boundary = drawn
        arn = account.arn("policy/bound")
        self._of(entity, "PutEntityPermissionsBoundary", PermissionsBoundary=arn)
        entity.bounded = True

    def _attached(self, account: Account) -> None:
        entity = self._entity(account)
        operation = "DetachEntityPolicy" if entity.managed else "AttachEntityPolicy"
        self._of(entity, operation, PolicyArn=account.arn("policy/shared"))
        entity.managed = not entity.managed

    def _trust(self, account: Account) -> None:
        role = self.rng.choice([account.worker, account.target])
        drawn = self.draw.trust()
        self._of(role, "UpdateAssumeRolePolicy", PolicyDocument=text(drawn))
        role.trust = drawn

    def _tags(self, account: Account) -> None:
        entity = self._entity(account)
        drawn = self.draw.tags()
        self._of(entity, "UntagEntity", TagKeys=["team", "cost"])
        if drawn:
            self._of(entity, "TagEntity", Tags=tag_list(drawn))
        entity.tags = drawn

    def _new_key(self, account: Account) -> None:
        policy, tags = self.draw.key_policy() if account.key else None, self.draw.tags()
        default: Json = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": account.arn("root")},
                           "Action": "kms:*", "Resource": "*", "Sid": "Own"}],
        }  # fmt: skip
        made = self.call(
            "kms", "CreateKey", account.keeper, Policy=text(policy or default),
            BypassPolicyLockoutSafetyCheck=True,
            Tags=[{"TagKey": key, "TagValue": value} for key, value in tags.items()],
        )  # fmt: skip
        account.key, account.key_policy = made["KeyMetadata"]["Arn"], policy or default
        account.key_tags = tags
        account.grants, account.grant_ids = [], []

    def _grant(self, account: Account) -> None:
        """Give a grant on the key, or take one away."""
        if len(account.grants) > 2 or (account.grants and self.rng.random() < 0.3):
            which = self.rng.randrange(len(account.grants))
            named = {"KeyId": account.key, "GrantId": account.grant_ids[which]}
            self.call("kms", "RetireGrant", account.keeper, **named)
            del account.grants[which], account.grant_ids[which]
            return
        drawn = self.draw.grant()
        try:
            made = self.call("kms", "CreateGrant", account.keeper, KeyId=account.key, **drawn)
        except Refused as refused:
            if "AccessDenied" not in str(refused):
                raise
            self.not_stored += 1  # the key policy does not let the keeper
            return
        account.grants.append(drawn)
        account.grant_ids.append(made["GrantId"])

    def _place(self, account: Account) -> None:
        """Move a member, or take FullAWSAccess from a target or give it back."""
        if account.places:
            self._move(account)
            return
        target = self.rng.choice(sorted(self.organization.scps))
        has = target in self.organization.full
        operation = "DetachPolicy" if has else "AttachPolicy"
        self._organize(operation, PolicyId="p-FullAWSAccess", TargetId=target)
        self.organization.full.symmetric_difference_update({target})

    # sessions

    def begin(self, operation: str, who: Credentials, **members: Any) -> Credentials:
        """New credentials, by a call that must succeed."""
        return given(self.call("sts", operation, who, **members))

    def long_term(self) -> list[Asker]:
        """The users and root users of all accounts, with new access keys."""
        found = []
        for account in self.accounts:
            made = self.call("iam", "CreateAccessKey", account.keeper, UserName="alice")[
                "AccessKey"
            ]
            key = Credentials(made["AccessKeyId"], made["SecretAccessKey"])
            user = account.user
            found.append(Asker("user", user.arn, account, key, user, "User", user.unique_id))
            found.append(self._root(account))
        self.local.installation.commit()
        return found

    def _root(self, account: Account) -> Asker:
        here = self.local.installation
        stored = here.identities.accounts.get(here.store.read(), account.number)
        assert stored is not None
        key = Tenant(self.world, stored, "").root_key()
        credentials = Credentials(key.access_key_id, key.secret)
        arn = account.arn("root")
        return Asker("root", arn, account, credentials, None, "Account", account.number)


def given(answer: Json) -> Credentials:
    """The credentials of an answer of STS."""
    found = answer["Credentials"]
    return Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
