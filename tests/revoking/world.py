"""An installation with an organization, on a real server, and the clients of its administrator."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from typing import Any

from botocore.credentials import Credentials

from keystead.custody.proofs.one_time_codes import codes_of, step_at
from tests.conftest import OTHER_REGION, REGION, Server
from tests.conftest import Credentials as Key
from tests.models import newest
from tests.revoking.asking import Request

ALLOW: Mapping[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DENY: Mapping[str, Any] = {"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}
TRUST: Mapping[str, Any] = {"Effect": "Allow", "Action": "sts:AssumeRole"}
TEXT = "aGk="


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def credentials(given: Mapping[str, Any]) -> Credentials:
    """Temporary credentials of an answer."""
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


class World:
    """The server, and what several kinds of revoking call need."""

    def __init__(self, server: Server) -> None:
        self.server = server
        clients = {name: server.client(name) for name in ("iam", "sts", "kms", "organizations")}
        self.iam, self.sts, self.kms = clients["iam"], clients["sts"], clients["kms"]
        self.organizations = clients["organizations"]
        self.kms_there = server.client("kms", region=OTHER_REGION)
        self.account = str(self.sts.get_caller_identity()["Account"])
        self._numbers = count()

    # requests

    def encrypt(self, who: Credentials, key: str, region: str = REGION) -> Request:
        members = {"KeyId": key, "Plaintext": TEXT}
        return Request(self.server, who, "kms", "Encrypt", members, region)

    def request(self, who: Credentials, service: str, operation: str, **members: Any) -> Request:
        return Request(self.server, who, service, operation, members)

    # things

    def name(self, kind: str) -> str:
        """A name that nothing had before."""
        return f"{kind}-{next(self._numbers)}"

    @cached_property
    def key(self) -> str:
        """A key that leaves everything to the policies of its account."""
        return self.new_key()

    def new_key(self, **members: Any) -> str:
        return str(self.kms.create_key(**members)["KeyMetadata"]["Arn"])

    def replicated(self) -> str:
        """The id of a new primary with a replica in the other Region."""
        key = str(self.kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"])
        self.kms.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
        return key

    def key_policy(self, key: str, *statements: Mapping[str, Any]) -> None:
        """The key's policy: the administrator, and these."""
        admin = {**ALLOW, "Principal": {"AWS": f"arn:aws:iam::{self.account}:user/admin"}}
        admin |= {"Action": "kms:*"}
        self.kms.put_key_policy(KeyId=key, Policy=document(admin, *statements))

    def user(self, *statements: Mapping[str, Any]) -> tuple[str, Credentials]:
        """A new user with these rights, and its access key."""
        name = self.name("user")
        self.iam.create_user(UserName=name)
        if statements:
            self.give_user(name, *statements)
        made = self.iam.create_access_key(UserName=name)["AccessKey"]
        return name, Credentials(made["AccessKeyId"], made["SecretAccessKey"])

    def give_user(self, name: str, *statements: Mapping[str, Any], policy: str = "own") -> None:
        self.iam.put_user_policy(
            UserName=name, PolicyName=policy, PolicyDocument=document(*statements)
        )

    def give_role(self, name: str, *statements: Mapping[str, Any], policy: str = "own") -> None:
        self.iam.put_role_policy(
            RoleName=name, PolicyName=policy, PolicyDocument=document(*statements)
        )

    def role(self, *statements: Mapping[str, Any], **members: Any) -> str:
        """A new role with these rights, which this account may assume."""
        name = self.name("role")
        trust = {**TRUST, "Principal": {"AWS": self.account}}
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust), **members)
        if statements:
            self.give_role(name, *statements)
        return name

    def managed(self, *statements: Mapping[str, Any]) -> str:
        """The ARN of a new managed policy."""
        made = self.iam.create_policy(
            PolicyName=self.name("policy"), PolicyDocument=document(*statements)
        )
        return str(made["Policy"]["Arn"])

    # sessions

    def assume(self, role: str, **members: Any) -> Credentials:
        arn = f"arn:aws:iam::{self.account}:role/{role}"
        given = self.sts.assume_role(RoleArn=arn, RoleSessionName="live", **members)
        return credentials(given["Credentials"])

    def own_session(self, who: Credentials) -> Credentials:
        """A session of GetSessionToken."""
        client = self.server.client("sts", Key(who.access_key, who.secret_key))
        return credentials(client.get_session_token()["Credentials"])

    def session_with_device(self, name: str, who: Credentials) -> tuple[str, Credentials]:
        """A new MFA device of a user, by its serial number, and a session that used it."""
        made = self.iam.create_virtual_mfa_device(VirtualMFADeviceName=self.name("device"))
        serial = str(made["VirtualMFADevice"]["SerialNumber"])
        seed = base64.b32decode(made["VirtualMFADevice"]["Base32StringSeed"])
        step = step_at(datetime.now(UTC))
        first, second = (c.decode() for c in codes_of(seed, [step - 1, step]))
        self.iam.enable_mfa_device(
            UserName=name, SerialNumber=serial,
            AuthenticationCode1=first, AuthenticationCode2=second,
        )  # fmt: skip
        client = self.server.client("sts", Key(who.access_key, who.secret_key))
        now = max(step + 1, step_at(datetime.now(UTC)))  # a code is good once
        [third] = codes_of(seed, [now])
        given = client.get_session_token(SerialNumber=serial, TokenCode=third.decode())
        return serial, credentials(given["Credentials"])

    def federated(self, who: Credentials) -> Credentials:
        """A session of GetFederationToken that may do what its user may."""
        client = self.server.client("sts", Key(who.access_key, who.secret_key))
        given = client.get_federation_token(Name="jim", Policy=document(ALLOW))
        return credentials(given["Credentials"])

    def narrowed(self, who: Credentials) -> Credentials:
        """A session of GetScopedCredentials."""
        client = newest().client(
            "sts", endpoint_url=self.server.endpoint, region_name=REGION,
            aws_access_key_id=who.access_key, aws_secret_access_key=who.secret_key,
            aws_session_token=who.token,
        )  # fmt: skip
        given = client.get_scoped_credentials(Policy=document(ALLOW))
        return credentials(given["Credentials"])

    # the organization

    @cached_property
    def root(self) -> str:
        """The root of the organization, with both types of policies."""
        self.organizations.create_organization(FeatureSet="ALL")
        root = str(self.organizations.list_roots()["Roots"][0]["Id"])
        known = self.organizations.list_roots()["Roots"][0]["PolicyTypes"]
        enabled = {each["Type"] for each in known}
        for kind in {"SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"} - enabled:
            self.organizations.enable_policy_type(RootId=root, PolicyType=kind)
        return root

    def new_member(self) -> tuple[str, Credentials]:
        """A new account of the organization, and a session of its access role."""
        _ = self.root
        name = self.name("member")
        made = self.organizations.create_account(Email=f"{name}@example.com", AccountName=name)
        number = str(made["CreateAccountStatus"]["AccountId"])
        arn = f"arn:aws:iam::{number}:role/OrganizationAccountAccessRole"
        given = self.sts.assume_role(RoleArn=arn, RoleSessionName="live")
        return number, credentials(given["Credentials"])

    @cached_property
    def member(self) -> tuple[str, Credentials]:
        return self.new_member()

    def organization_policy(self, kind: str, *statements: Mapping[str, Any]) -> str:
        made = self.organizations.create_policy(
            Content=document(*statements), Description="", Name=self.name("guard"), Type=kind
        )
        return str(made["Policy"]["PolicySummary"]["Id"])
