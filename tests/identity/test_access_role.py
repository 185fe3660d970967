"""The role by which a management account administers the accounts that it makes."""

from typing import Any

import boto3
import pytest

from keystead.identity.authentication import callers
from keystead.identity.permissions import trust
from keystead.policy.language.principals import Principals
from keystead.wire.models import organizations as api
from tests.conftest import REGION, Credentials, Server, policy, refused
from tests.identity.organizing import Owner, account, tree
from tests.identity.world import World


def test_the_access_role(world: World) -> None:
    """A new account has a role with AdministratorAccess that trusts the management account."""
    tenant = world.account()
    tenant.root(api.CreateOrganization)
    for given in ({}, {"role_name": "Rescue"}):
        made = tenant.root(
            api.CreateAccount, email=f"{len(given)}@example.com", account_name="a", **given
        ).create_account_status
        assert made is not None
        assert made.account_id is not None
        name = given.get("role_name", "OrganizationAccountAccessRole")
        reader = world.store.read()
        role = world.repository.roles.named(reader, made.account_id, name)
        assert role is not None
        assert role.arn == f"arn:aws:iam::{made.account_id}:role/{name}"
        caller = callers.role(world.repository, reader, role, "rescue")
        assert [each.id for each in caller.policies.identity_based] == [
            "arn:aws:iam::aws:policy/AdministratorAccess"
        ]
        [statement] = trust.policy_of(world.repository, role).policy.statements
        assert isinstance(statement.principals, Principals)
        assert statement.principals.names == {tenant.id}
    with pytest.raises(api.InvalidInputException):
        tenant.root(
            api.CreateAccount,
            email="x@example.com", account_name="a", role_name="AWSServiceRoleForX",
        )  # fmt: skip


def user(owner: Owner, name: str, *actions: str) -> Any:
    """STS for a new user of this account who may do this."""
    iam = owner.client("iam")
    iam.create_user(UserName=name)
    may = policy({"Effect": "Allow", "Action": [*actions], "Resource": "*"})
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=may)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return owner.server.client("sts", Credentials(key["AccessKeyId"], key["SecretAccessKey"]))


def test_it_is_assumed(server: Server) -> None:
    """By users of the management account who may assume roles; until the account is closed."""
    org = tree(server)
    member = org.member()
    asked = {
        "RoleArn": f"arn:aws:iam::{member.account}:role/OrganizationAccountAccessRole",
        "RoleSessionName": "rescue",
    }
    with refused("AccessDenied"):
        user(org.management, "reader", "iam:List*").assume_role(**asked)
    with refused("AccessDenied"):
        user(account(server), "stranger", "sts:AssumeRole").assume_role(**asked)
    given = user(org.management, "rescuer", "sts:AssumeRole").assume_role(**asked)["Credentials"]
    iam = boto3.client(
        "iam",
        region_name=REGION,
        endpoint_url=server.endpoint,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    iam.create_user(UserName="made")
    assert [each["UserName"] for each in member.client("iam").list_users()["Users"]] == ["made"]
    org.organizations.close_account(AccountId=member.account)
    with refused("InvalidClientTokenId"):
        iam.list_users()
