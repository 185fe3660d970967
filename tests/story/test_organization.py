"""An organization of five accounts, from its root user to its last closing.

It walks the rows of the mission that exist today, one function for each, over a real server with
boto3: root, users, roles, across accounts, keys, guardrails, delegation, session policies, and what
moving, suspending and closing an account does to the very next request.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.client import Config
from botocore.exceptions import ClientError

from tests.conftest import REGION, Credentials, Server, policy
from tests.identity.organizing import Tree, tree
from tests.patience import wait_until

ALL: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
AUDIT = "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"
REFUSALS = {
    "AccessDenied", "AccessDeniedException", "UnrecognizedClientException", "InvalidClientTokenId",
}  # fmt: skip
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"


@dataclass
class Estate:
    """The organization: a management account, and four members by their names."""

    server: Server
    tree: Tree
    admin: Credentials = field(init=False)
    accounts: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    key: str = ""  # of the workload

    def client(self, service: str, session: dict[str, str] | Credentials | None = None) -> Any:
        """A client with the credentials of a session, or of a user; else the administrator's."""
        who = session or self.admin
        if isinstance(who, Credentials):
            return self.server.client(service, who)
        return boto3.client(
            service, region_name=REGION, endpoint_url=self.server.endpoint,
            aws_access_key_id=who["AccessKeyId"], aws_secret_access_key=who["SecretAccessKey"],
            aws_session_token=who["SessionToken"],
            config=Config(retries={"total_max_attempts": 1}),
        )  # fmt: skip

    def within(self, name: str, role: str = "OrganizationAccountAccessRole", **more: Any) -> Any:
        """The credentials of a session in a member account, begun by the administrator."""
        asked = {
            "RoleArn": f"arn:aws:iam::{self.accounts[name]}:role/{role}",
            "RoleSessionName": "story",
            **more,
        }
        return self.client("sts").assume_role(**asked)["Credentials"]

    def attach(self, target: str, kind: str, *statements: dict[str, Any]) -> Callable[[], Any]:
        """Write a policy and attach it; what is returned detaches it."""
        organizations = self.client("organizations")
        made = organizations.create_policy(
            Name=f"p{len(self.units)}-{target}-{kind[:3]}", Description="", Type=kind,
            Content=policy(*statements),
        )["Policy"]["PolicySummary"]["Id"]  # fmt: skip
        organizations.attach_policy(PolicyId=made, TargetId=target)
        return lambda: (
            organizations.detach_policy(PolicyId=made, TargetId=target),
            organizations.delete_policy(PolicyId=made),
        )


def allowed(call: Callable[..., Any], **members: Any) -> bool:
    """Is the very next request allowed?  A refusal is one by policy, or of who is unknown."""
    try:
        call(**members)
    except ClientError as error:
        code = error.response["Error"]["Code"]
    else:
        return True
    assert code in REFUSALS
    return False


def test_an_organization_of_five_accounts(server: Server) -> None:
    """Each row of the mission, in its order; what one leaves behind the next finds."""
    estate = Estate(server, tree(server))
    for row in (
        m1_root_makes_an_administrator,
        m6_four_accounts_and_their_access_roles,
        m2_m3_users_with_keys_of_their_own,
        m9_a_key_and_its_policy,
        m4_roles_and_session_policies,
        m5_a_broker_federates,
        m6_across_accounts,
        guardrails_for_principals,
        guardrails_for_resources,
        moving_an_account,
        a_delegated_administrator,
        what_the_resource_policy_delegates,
        root_tasks_in_a_member,
        suspending_an_account,
        m14_who_did_what,
        closing_an_account,
    ):
        row(estate)


def m1_root_makes_an_administrator(estate: Estate) -> None:
    """Root is to be used only to make an administrator, who does the rest."""
    root = estate.tree.management
    iam = root.client("iam")
    iam.create_user(UserName="ada")
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.attach_user_policy(UserName="ada", PolicyArn=administrator)
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    estate.admin = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    me = estate.client("sts").get_caller_identity()
    assert me["Arn"] == f"arn:aws:iam::{root.account}:user/ada"
    assert not allowed(
        root.client("sts").assume_role,
        RoleArn=f"arn:aws:iam::{root.account}:role/any", RoleSessionName="root",
    )  # fmt: skip


def m6_four_accounts_and_their_access_roles(estate: Estate) -> None:
    """Accounts are made at once, in units, and administered through their access roles."""
    organizations = estate.client("organizations")
    for unit in ("Security", "Workloads"):
        made = organizations.create_organizational_unit(ParentId=estate.tree.root, Name=unit)
        estate.units[unit] = made["OrganizationalUnit"]["Id"]
    for name, unit in (
        ("audit", "Security"), ("payments", "Workloads"), ("orders", "Workloads"),
        ("sandbox", ""),
    ):  # fmt: skip
        status = organizations.create_account(
            Email=f"{name}@{estate.tree.id}.example.com", AccountName=name
        )["CreateAccountStatus"]
        estate.accounts[name] = status["AccountId"]
        if unit:
            estate.tree.move(status["AccountId"], estate.tree.root, estate.units[unit])
    assert len(organizations.list_accounts()["Accounts"]) == 5
    inside = estate.client("sts", estate.within("payments")).get_caller_identity()
    assert inside["Account"] == estate.accounts["payments"]


def m2_m3_users_with_keys_of_their_own(estate: Estate) -> None:
    """A user does what its policies say, signed with a key that can be taken away."""
    iam = estate.client("iam", estate.within("payments"))
    iam.create_user(UserName="grace")
    reading = policy({**ALL, "Action": "kms:ListKeys"})
    iam.put_user_policy(UserName="grace", PolicyName="read", PolicyDocument=reading)
    key = iam.create_access_key(UserName="grace")["AccessKey"]
    kms = estate.client("kms", Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    assert allowed(kms.list_keys)
    assert not allowed(kms.create_key)
    named = {"UserName": "grace", "AccessKeyId": key["AccessKeyId"]}
    iam.update_access_key(**named, Status="Inactive")
    assert not allowed(kms.list_keys)
    iam.update_access_key(**named, Status="Active")
    assert allowed(kms.list_keys)


def m9_a_key_and_its_policy(estate: Estate) -> None:
    """The key policy is the root of trust: it names the orders account, too."""
    payments, orders = estate.accounts["payments"], estate.accounts["orders"]
    own = {**ALL, "Action": "kms:*", "Principal": {"AWS": f"arn:aws:iam::{payments}:root"}}
    across = {**ALL, "Action": ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"],
              "Principal": {"AWS": f"arn:aws:iam::{orders}:root"}}  # fmt: skip
    kms = estate.client("kms", estate.within("payments"))
    estate.key = kms.create_key(Policy=policy(own, across))["KeyMetadata"]["Arn"]
    assert allowed(kms.encrypt, KeyId=estate.key, Plaintext=b"x")


def m4_roles_and_session_policies(estate: Estate) -> None:
    """A role gives temporary keys; a session policy narrows them, and nothing widens them."""
    trust = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
             "Principal": {"AWS": estate.tree.management.account},
             "Condition": {"StringEquals": {"sts:ExternalId": "e-1"}}}  # fmt: skip
    iam = estate.client("iam", estate.within("payments"))
    iam.create_role(RoleName="keeper", AssumeRolePolicyDocument=policy(trust))
    keeping = policy({**ALL, "Action": "kms:*", "Resource": estate.key})
    iam.put_role_policy(RoleName="keeper", PolicyName="keys", PolicyDocument=keeping)
    assert not allowed(estate.within, name="payments", role="keeper")
    whole = estate.client("kms", estate.within("payments", "keeper", ExternalId="e-1"))
    narrow = policy({**ALL, "Action": ["kms:DescribeKey", "kms:CreateKey"]})
    less = estate.client(
        "kms", estate.within("payments", "keeper", ExternalId="e-1", Policy=narrow)
    )
    assert allowed(whole.encrypt, KeyId=estate.key, Plaintext=b"x")
    assert not allowed(less.encrypt, KeyId=estate.key, Plaintext=b"x")
    assert allowed(less.describe_key, KeyId=estate.key)
    assert not allowed(less.create_key)  # the role may not
    iam.delete_role_policy(RoleName="keeper", PolicyName="keys")
    assert not allowed(whole.encrypt, KeyId=estate.key, Plaintext=b"x")


def m5_a_broker_federates(estate: Estate) -> None:
    """A broker of one's own gives people sessions that have what it passes, and no more."""
    passed = policy({**ALL, "Action": "kms:ListKeys"})
    given = estate.client("sts").get_federation_token(Name="mary", Policy=passed)["Credentials"]
    kms = estate.client("kms", given)
    assert allowed(kms.list_keys)
    assert not allowed(kms.create_key)
    assert not allowed(estate.client("iam", given).list_users)


def m6_across_accounts(estate: Estate) -> None:
    """Both accounts have to allow: the key's policy, and the caller's own."""
    orders, sandbox = (estate.client("kms", estate.within(name)) for name in ("orders", "sandbox"))
    assert allowed(orders.encrypt, KeyId=estate.key, Plaintext=b"x")
    assert not allowed(orders.disable_key, KeyId=estate.key)
    assert not allowed(sandbox.encrypt, KeyId=estate.key, Plaintext=b"x")


def guardrails_for_principals(estate: Estate) -> None:
    """An SCP binds every principal of a member, its administrators as well, at the next request."""
    estate.client("organizations").enable_policy_type(RootId=estate.tree.root, PolicyType=SCP)
    orders = estate.client("kms", estate.within("orders"))
    assert allowed(orders.list_keys)
    detach = estate.attach(
        estate.units["Workloads"], SCP, {**ALL, "Effect": "Deny", "Action": "kms:ListKeys"}
    )
    assert not allowed(orders.list_keys)
    assert allowed(orders.encrypt, KeyId=estate.key, Plaintext=b"x")
    assert allowed(estate.client("kms").list_keys)  # the management account is not bound
    detach()
    assert allowed(orders.list_keys)


def guardrails_for_resources(estate: Estate) -> None:
    """An RCP keeps keys inside of the organization, whatever their policies say."""
    estate.client("organizations").enable_policy_type(RootId=estate.tree.root, PolicyType=RCP)
    orders = estate.client("kms", estate.within("orders"))
    foreign = {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-other00000"}}
    same = {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": estate.tree.id}}
    for condition, is_allowed in ((same, True), (foreign, False)):
        deny = {**ALL, "Effect": "Deny", "Principal": "*", "Action": "kms:*",
                "Condition": condition}  # fmt: skip
        detach = estate.attach(estate.accounts["payments"], RCP, deny)
        assert allowed(orders.encrypt, KeyId=estate.key, Plaintext=b"x") is is_allowed
        detach()
    assert allowed(orders.encrypt, KeyId=estate.key, Plaintext=b"x")


def moving_an_account(estate: Estate) -> None:
    """What binds an account is what stands above it now."""
    sandbox, number = estate.client("kms", estate.within("sandbox")), estate.accounts["sandbox"]
    detach = estate.attach(
        estate.units["Security"], SCP, {**ALL, "Effect": "Deny", "Action": "kms:*"}
    )
    assert allowed(sandbox.list_keys)
    estate.tree.move(number, estate.tree.root, estate.units["Security"])
    assert not allowed(sandbox.list_keys)
    estate.tree.move(number, estate.units["Security"], estate.units["Workloads"])
    assert allowed(sandbox.list_keys)
    detach()


def a_delegated_administrator(estate: Estate) -> None:
    """An account that administers a service for the organization may look at all of it."""
    organizations, number = estate.client("organizations"), estate.accounts["audit"]
    member = estate.client("organizations", estate.within("audit"))
    assert not allowed(member.list_accounts)
    service = {"ServicePrincipal": "iam.amazonaws.com"}
    organizations.enable_aws_service_access(**service)
    organizations.register_delegated_administrator(AccountId=number, **service)
    assert allowed(member.list_accounts)
    assert not allowed(member.create_organizational_unit, ParentId=estate.tree.root, Name="x")


def what_the_resource_policy_delegates(estate: Estate) -> None:
    """The management account lets a member write policies; it takes that back."""
    organizations = estate.client("organizations")
    member = estate.client("organizations", estate.within("orders"))
    asked = {"Name": "mine", "Description": "", "Type": SCP, "Content": policy(ALL)}
    assert not allowed(member.create_policy, **asked)
    statement = {**ALL, "Action": "organizations:CreatePolicy",
                 "Principal": {"AWS": estate.accounts["orders"]}}  # fmt: skip
    organizations.put_resource_policy(Content=policy(statement))
    assert allowed(member.create_policy, **asked)
    organizations.delete_resource_policy()
    assert not allowed(member.create_policy, **{**asked, "Name": "another"})


def root_tasks_in_a_member(estate: Estate) -> None:
    """The delegated administrator looks at a member's root credentials, and does nothing else."""
    iam = estate.client("iam")
    sts = estate.client("sts", estate.within("audit"))
    asked = {"TargetPrincipal": estate.accounts["payments"], "TaskPolicyArn": {"arn": AUDIT}}
    assert not allowed(sts.assume_root, **asked)
    iam.enable_organizations_root_credentials_management()
    given = sts.assume_root(**asked)["Credentials"]
    auditor = estate.client("iam", given)
    assert auditor.list_access_keys()["AccessKeyMetadata"] == []
    assert not allowed(auditor.list_users)
    assert not allowed(estate.client("kms", given).describe_key, KeyId=estate.key)
    iam.disable_organizations_root_credentials_management()
    assert not allowed(auditor.list_access_keys)


def suspending_an_account(estate: Estate) -> None:
    """The operator suspends an account: its people and its keys serve nobody until it reopens.

    The sessions of before are over then: its people begin new ones.
    """
    payments, orders = (
        estate.client("kms", estate.within(name)) for name in ("payments", "orders")
    )
    for verb, is_allowed in (("suspend", False), ("reopen", True)):
        ran = estate.server.keystead("account", verb, estate.accounts["payments"])
        assert ran.returncode == 0, ran.stderr
        assert not allowed(payments.describe_key, KeyId=estate.key)
        assert allowed(orders.encrypt, KeyId=estate.key, Plaintext=b"x") is is_allowed
    wait_until(
        lambda: allowed(
            estate.client("kms", estate.within("payments")).describe_key, KeyId=estate.key
        )
    )


def m14_who_did_what(estate: Estate) -> None:
    """Every step stands in the log, which proves itself."""
    shown = estate.server.keystead("audit", "show", "--json", "--last", "100000")
    records = [json.loads(line) for line in shown.stdout.splitlines()]
    [assumed] = [
        each
        for each in records
        if each["eventName"] == "AssumeRoot" and "errorCode" not in each
        and each["requestParameters"]["targetPrincipal"] == estate.accounts["payments"]
    ]  # fmt: skip
    assert assumed["userIdentity"]["accountId"] == estate.accounts["audit"]
    names = {each["eventName"] for each in records}
    assert names >= {"SuspendAccount", "ReopenAccount", "PutResourcePolicy", "MoveAccount"}


def closing_an_account(estate: Estate) -> None:
    """A closed account has no callers and its keys no users; the others go on."""
    payments, orders = (
        estate.client("kms", estate.within(name)) for name in ("payments", "orders")
    )
    estate.client("organizations").close_account(AccountId=estate.accounts["payments"])
    assert not allowed(payments.describe_key, KeyId=estate.key)
    assert not allowed(orders.encrypt, KeyId=estate.key, Plaintext=b"x")
    assert not allowed(estate.within, name="payments")
    assert allowed(orders.list_keys)
    accounts = estate.client("organizations").list_accounts()["Accounts"]
    states = {each["Id"]: each["Status"] for each in accounts}
    assert states[estate.accounts["payments"]] == "SUSPENDED"
    with pytest.raises(ClientError, match="AccountAlreadyClosedException"):
        estate.client("organizations").close_account(AccountId=estate.accounts["payments"])
