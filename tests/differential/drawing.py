"""Random policy documents about the things of a `Land`: small vocabularies, so that they meet."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.differential.facts import Account, Json

VERSION = "2012-10-17"
ACTIONS = (
    "kms:Encrypt", "kms:Describe*", "kms:*", "kms:*", "kms:ListKeys", "iam:GetUser", "iam:Get*",
    "iam:*", "iam:CreateUser", "iam:TagUser", "iam:AttachUserPolicy", "sts:AssumeRole", "sts:*",
    "sts:*", "sts:TagSession", "sts:SetSourceIdentity", "sts:GetFederationToken",
    "organizations:Describe*", "*", "*",
)  # fmt: skip
TRUST_ACTIONS = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
KEY_ACTIONS = ("kms:*", "kms:*", "kms:Encrypt", "kms:Describe*", "kms:GetKeyPolicy")
TAGS = ("red", "blue")
IDENTITIES, SESSIONS = ("jo", "kim"), ("job-1", "job-2", "alice")
COMMON = (
    ("StringEquals", "aws:PrincipalTag/team", ["red"]),
    ("StringEquals", "aws:PrincipalTag/team", ["red", "blue"]),
    ("StringNotEquals", "aws:PrincipalTag/team", "red"),
    ("StringNotEqualsIfExists", "aws:PrincipalTag/cost", "blue"),
    ("Null", "aws:PrincipalTag/cost", "true"),
    ("StringEquals", "aws:ResourceAccount", "${aws:PrincipalAccount}"),
    ("StringEquals", "aws:ResourceOrgID", "${aws:PrincipalOrgID}"),
    ("StringEquals", "aws:SourceIdentity", "jo"),
    ("StringNotLike", "aws:SourceIdentity", "k*"),
    ("Bool", "aws:MultiFactorAuthPresent", "false"),
    ("BoolIfExists", "aws:MultiFactorAuthPresent", "true"),
    ("IpAddress", "aws:SourceIp", "127.0.0.0/8"),
    ("NotIpAddress", "aws:SourceIp", ["127.0.0.1/32", "10.0.0.0/8"]),
    ("Bool", "aws:SecureTransport", "true"),
    ("StringEquals", "aws:RequestedRegion", "us-east-1"),
    ("StringEquals", "aws:username", "alice"),
    ("StringEquals", "aws:PrincipalType", ["User", "Account"]),
    ("StringLike", "aws:userid", "*:job-*"),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/app/*"),
    ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:user/team/*"),
    ("DateGreaterThan", "aws:CurrentTime", "2020-01-01T00:00:00Z"),
)
OF_STS = (
    ("StringEquals", "sts:ExternalId", "e-1"),
    ("StringNotEquals", "sts:ExternalId", "e-1"),
    ("StringLike", "sts:RoleSessionName", "job-*"),
    ("StringEquals", "sts:RoleSessionName", "${aws:username}"),
    ("StringEquals", "sts:SourceIdentity", "jo"),
    ("ForAllValues:StringEquals", "sts:TransitiveTagKeys", "team"),
    ("ForAnyValue:StringEquals", "sts:TransitiveTagKeys", "team"),
    ("StringEquals", "aws:RequestTag/team", "red"),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["team"]),
    ("StringEquals", "iam:ResourceTag/team", "${aws:PrincipalTag/team}"),
)
OF_KMS = (
    ("StringEquals", "kms:EncryptionContext:app", "pay"),
    ("ForAnyValue:StringEquals", "kms:EncryptionContextKeys", "app"),
    ("Null", "kms:EncryptionContextKeys", "true"),
    ("StringEquals", "kms:CallerAccount", "${aws:PrincipalAccount}"),
    ("StringEquals", "kms:KeySpec", "SYMMETRIC_DEFAULT"),
    ("Null", "kms:ViaService", "true"),
)
OF_IAM = (
    ("StringEquals", "aws:ResourceTag/team", "${aws:PrincipalTag/team}"),  # no key policy sees it
    ("StringEquals", "aws:RequestTag/team", ["red", "blue"]),
    ("StringEquals", "iam:ResourceTag/team", "red"),
    ("StringNotEquals", "aws:ResourceTag/team", "${aws:PrincipalTag/team}"),
    ("Null", "iam:PermissionsBoundary", "true"),
    ("ArnLike", "iam:PolicyARN", "arn:aws:iam::*:policy/shared"),
)

Condition = tuple[str, str, Any]
VOUCHED: list[Condition] = [
    ("StringLike", "saml:sub", "jo@*"), ("StringEquals", "saml:sub_type", "transient"),
    ("StringEquals", "login.example.com:sub", "jo@example.com"),
    ("Null", "aws:FederatedProvider", "true"),
]  # fmt: skip


@dataclass
class Draw:
    """Draws documents about these accounts, from one source of chance."""

    rng: random.Random
    accounts: Sequence[Account]

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def one(self, choices: Sequence[Any]) -> Any:
        return self.rng.choice(choices)

    def some(self, choices: Sequence[Any], most: int = 2) -> list[Any]:
        return self.rng.sample(choices, self.rng.randint(1, min(most, len(choices))))

    def tags(self) -> dict[str, str]:
        return {key: self.one(TAGS) for key in ("team", "cost") if self.chance(0.5)}

    def identity(self, broad: float = 0.65) -> Json:
        """An identity policy, boundary, session policy or SCP."""
        statements = [self._statement() for _ in range(self.rng.randint(1, 3))]
        if self.chance(broad):
            statements.append({"Effect": "Allow", "Action": "*", "Resource": "*"})
        return self._document(statements)

    def key_policy(self) -> Json:
        statements = [self._named(KEY_ACTIONS, OF_KMS) for _ in range(self.rng.randint(1, 3))]
        for each in statements:
            each["Resource"] = "*"
        if self.chance(0.75):
            statements.append(
                {
                    "Effect": "Allow", "Action": "kms:*", "Resource": "*",
                    "Principal": {"AWS": [each.arn("root") for each in self.accounts]},
                }
            )  # fmt: skip
        return self._document(statements)

    def grant(self) -> Json:
        """A grant to somebody of any account: what CreateGrant is asked, but for the key."""
        account = self.one(self.accounts)
        sts = f"arn:aws:sts::{account.number}:"
        to = [
            account.user.arn, account.user.arn, account.worker.arn, account.target.arn,
            account.arn("root"), f"{sts}assumed-role/worker/{self.one(SESSIONS)}",
            f"{sts}federated-user/fred",
        ]  # fmt: skip
        found: Json = {
            "GranteePrincipal": self.one(to),
            "Operations": self.some(["Encrypt", "DescribeKey", "Decrypt"], 3),
        }
        if self.chance(0.5):
            kind = self.one(["Equals", "Subset"])
            found["Constraints"] = {f"EncryptionContext{kind}": {"app": self.one(["pay", "play"])}}
        return found

    def trust(self) -> Json:
        statements = [self._named(TRUST_ACTIONS, OF_STS) for _ in range(self.rng.randint(1, 2))]
        if self.chance(0.8):
            everybody = [each.number for each in self.accounts]
            statements.append(
                {
                    "Effect": "Allow", "Action": [*TRUST_ACTIONS], "Principal": {"AWS": everybody},
                }
            )  # fmt: skip
        return self._document(statements)

    def rcp(self) -> Json:
        statement = self._guarded(
            {"Effect": "Deny", "Principal": "*"}, (*OF_STS, *OF_KMS, *OF_IAM), 0.1
        )
        statement["Action"] = self.some(
            ["kms:*", "kms:Encrypt", "sts:AssumeRole", "sts:*", "kms:Describe*"]
        )
        statement["Resource"] = self.one(["*", *self._resources()])
        return self._document([statement])

    def _document(self, statements: list[Json]) -> Json:
        for number, statement in enumerate(statements):
            statement["Sid"] = f"S{number}"
        return {"Version": VERSION, "Statement": statements}

    def _statement(self) -> Json:
        effect = "Deny" if self.chance(0.25) else "Allow"
        drawn: Json = {"Effect": effect}
        drawn["NotAction" if self.chance(0.1) else "Action"] = self.some(ACTIONS)
        element = "NotResource" if self.chance(0.08) else "Resource"
        drawn[element] = self.some(["*", "*", "*", *self._resources()])
        return self._guarded(drawn, (*OF_STS, *OF_KMS, *OF_IAM), 0.3 if effect == "Deny" else 0.6)

    def _named(self, actions: Sequence[str], conditions: Sequence[Condition]) -> Json:
        """A statement of a resource's own policy."""
        effect = "Deny" if self.chance(0.15) else "Allow"
        drawn: Json = {"Effect": effect, "Action": self.some(actions)}
        drawn["Principal"] = "*" if self.chance(0.1) else {"AWS": self.some(self._principals())}
        return self._guarded(drawn, conditions, 0.2 if effect == "Deny" else 0.6)

    def _guarded(
        self, statement: Json, conditions: Sequence[Condition], unguarded: float
    ) -> Json:  # fmt: skip
        if not self.chance(unguarded):
            drawn: dict[str, Json] = {}
            for _ in range(self.rng.choice([1, 1, 2])):
                operator, key, values = self.one([*COMMON, *conditions, *self._of_accounts()])
                drawn.setdefault(operator, {})[key] = values
            statement["Condition"] = drawn
        return statement

    def _of_accounts(self) -> list[Condition]:
        """Conditions about the accounts and the organization themselves."""
        found: list[Condition] = [*VOUCHED]
        for each in self.accounts:
            found.append(("StringEquals", "aws:PrincipalAccount", each.number))
            found.append(("StringNotEquals", "aws:ResourceAccount", each.number))
            found.append(("StringEquals", "aws:FederatedProvider", each.arn("saml-provider/idp")))
            if there := each.organization:
                found += [
                    ("StringEquals", "aws:PrincipalOrgID", there.id),
                    ("StringNotEqualsIfExists", "aws:ResourceOrgID", there.id),
                    ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"*/{there.unit}/*"),
                    ("ForAllValues:StringNotLike", "aws:ResourceOrgPaths", f"*/{there.unit}/*"),
                ]
        return found

    def _resources(self) -> list[str]:
        each: Account = self.one(self.accounts)
        entities = [each.user.arn, each.worker.arn, each.target.arn]
        return [
            *entities, *entities, each.key, each.arn("user/*"), each.arn("role/app/*"),
            "arn:aws:kms:*:*:key/*", f"arn:aws:kms:*:{each.number}:*",
            f"arn:aws:sts::{each.number}:federated-user/*",
            "arn:aws:iam::*:user/team/${aws:username}", "arn:aws:iam::*:role/*",
        ]  # fmt: skip

    def _principals(self) -> list[str]:
        each: Account = self.one(self.accounts)
        session = f"arn:aws:sts::{each.number}:assumed-role"
        return [
            each.arn("root"), each.number, each.user.arn, each.user.arn, each.worker.arn,
            f"{session}/worker/job-1", f"{session}/target/{self.one(SESSIONS)}", each.target.arn,
            f"arn:aws:sts::{each.number}:federated-user/fred",
        ]  # fmt: skip
