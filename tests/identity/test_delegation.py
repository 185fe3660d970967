"""Delegated administrators, services and tags of an organization (iam.md 1.12)."""

from typing import Any

import pytest

from tests.conftest import Credentials, Server, policy, refused
from tests.identity.organizing import Tree, tree

SERVICE, OTHER = "sso.amazonaws.com", "config.amazonaws.com"


@pytest.fixture
def org(server: Server) -> Tree:
    return tree(server)


def enable(org: Tree, *services: str) -> None:
    for service in services:
        org.organizations.enable_aws_service_access(ServicePrincipal=service)


def services(org: Tree) -> list[str]:
    found = org.organizations.list_aws_service_access_for_organization()
    return [each["ServicePrincipal"] for each in found["EnabledServicePrincipals"]]


def test_services(org: Tree) -> None:
    """A service is enabled once, listed by name, and disabled; what is no service is refused."""
    enable(org, SERVICE, OTHER, SERVICE)
    assert services(org) == [OTHER, SERVICE]
    org.organizations.disable_aws_service_access(ServicePrincipal=OTHER)
    assert services(org) == [SERVICE]
    with refused("InvalidInputException") as caught:
        enable(org, "example.com")
    assert caught.value.response["Reason"] == "UNRECOGNIZED_SERVICE_PRINCIPAL"


def test_a_delegated_administrator_reads(org: Tree) -> None:
    """It may read what the management account may, and change nothing; deregistered, neither."""
    member = org.member()
    client = member.client("organizations")
    with refused("AccessDeniedException", "You don't have permissions to access this resource."):
        client.list_accounts()
    enable(org, SERVICE)
    asked = {"AccountId": member.account, "ServicePrincipal": SERVICE}
    org.organizations.register_delegated_administrator(**asked)
    assert len(client.list_accounts()["Accounts"]) == 2
    assert client.describe_account(AccountId=org.management.account)
    with refused("AccessDeniedException", "You don't have permissions to access this resource."):
        client.create_organizational_unit(ParentId=org.root, Name="mine")
    org.organizations.deregister_delegated_administrator(**asked)
    with refused("AccessDeniedException"):
        client.list_accounts()


def test_delegated_administrators_are_listed(org: Tree) -> None:
    """By service, and the services of an account."""
    first, second = org.member(), org.member()
    enable(org, SERVICE, OTHER)
    client = org.organizations
    for account, service in (
        (first.account, SERVICE), (first.account, OTHER), (second.account, OTHER),
    ):  # fmt: skip
        client.register_delegated_administrator(AccountId=account, ServicePrincipal=service)

    def listed(**asked: Any) -> set[str]:
        found = client.list_delegated_administrators(**asked)["DelegatedAdministrators"]
        assert all(each["DelegationEnabledDate"] for each in found)
        return {each["Id"] for each in found}

    assert listed() == {first.account, second.account}
    assert listed(ServicePrincipal=SERVICE) == {first.account}
    found = client.list_delegated_services_for_account(AccountId=first.account)
    assert [each["ServicePrincipal"] for each in found["DelegatedServices"]] == [OTHER, SERVICE]
    with refused("AccountNotRegisteredException"):
        client.list_delegated_services_for_account(AccountId=org.management.account)


def test_who_cannot_be_registered(org: Tree) -> None:
    """Not the management account, a closed one, for a service that is not enabled, or twice."""
    client, member, closed = org.organizations, org.member(), org.member()
    client.close_account(AccountId=closed.account)

    def register(account: str, service: str = SERVICE) -> None:
        client.register_delegated_administrator(AccountId=account, ServicePrincipal=service)

    enable(org, SERVICE)
    for account, service, reason in (
        (org.management.account, SERVICE, "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR"),
        (closed.account, SERVICE, "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR"),
        (member.account, OTHER, "SERVICE_ACCESS_NOT_ENABLED"),
    ):
        with refused("ConstraintViolationException") as caught:
            register(account, service)
        assert caught.value.response["Reason"] == reason
    register(member.account)
    with refused("AccountAlreadyRegisteredException"):
        register(member.account)
    with refused("AccountNotFoundException"):
        register("999999999999")
    with refused("ConstraintViolationException") as caught:
        client.remove_account_from_organization(AccountId=member.account)
    assert caught.value.response["Reason"] == "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG"
    asked = {"AccountId": member.account, "ServicePrincipal": SERVICE}
    client.deregister_delegated_administrator(**asked)
    with refused("AccountNotRegisteredException"):
        client.deregister_delegated_administrator(**asked)
    client.remove_account_from_organization(AccountId=member.account)


def tags(org: Tree, part: str) -> dict[str, str]:
    found = org.organizations.list_tags_for_resource(ResourceId=part)["Tags"]
    return {each["Key"]: each["Value"] for each in found}


def test_tags(org: Tree) -> None:
    """Of the root, a unit, an account, a policy: set, replaced, removed."""
    deny = policy({"Effect": "Deny", "Action": "kms:*", "Resource": "*"})
    made = org.organizations.create_policy(
        Name="p", Description="", Type="SERVICE_CONTROL_POLICY", Content=deny
    )
    written = made["Policy"]["PolicySummary"]["Id"]
    for part in (org.root, org.unit(), org.member().account, written):
        for value in ("blue", "red"):
            org.organizations.tag_resource(
                ResourceId=part, Tags=[{"Key": "Team", "Value": value}, {"Key": "b", "Value": ""}]
            )
        assert tags(org, part) == {"Team": "red", "b": ""}
        with refused("InvalidInputException") as caught:
            org.organizations.tag_resource(ResourceId=part, Tags=[{"Key": "team", "Value": "x"}])
        assert caught.value.response["Reason"] == "DUPLICATE_TAG_KEY"
        org.organizations.untag_resource(ResourceId=part, TagKeys=["Team", "none"])
        assert tags(org, part) == {"b": ""}
    with refused("TargetNotFoundException"):
        tags(org, "p-aaaaaaaaaa")
    with refused("TargetNotFoundException"):
        tags(org, "rp-aaaaaaaa")
    with refused("InvalidInputException"):
        org.organizations.tag_resource(ResourceId=org.root, Tags=[{"Key": "aws:a", "Value": "x"}])


def test_tags_decide(org: Tree) -> None:
    """aws:ResourceTag is the tag that a unit has now."""
    unit, owner = org.unit(), org.management
    iam = owner.client("iam")
    iam.create_user(UserName="jo")
    may = policy(
        {"Effect": "Allow", "Action": "organizations:UpdateOrganizationalUnit", "Resource": "*",
         "Condition": {"StringEquals": {"aws:ResourceTag/Team": "blue"}}}
    )  # fmt: skip
    iam.put_user_policy(UserName="jo", PolicyName="p", PolicyDocument=may)
    key = iam.create_access_key(UserName="jo")["AccessKey"]
    who = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    jo = owner.server.client("organizations", who)
    asked = {"OrganizationalUnitId": unit, "Name": "new"}
    with refused("AccessDeniedException"):
        jo.update_organizational_unit(**asked)
    org.organizations.tag_resource(ResourceId=unit, Tags=[{"Key": "Team", "Value": "blue"}])
    jo.update_organizational_unit(**asked)
    org.organizations.untag_resource(ResourceId=unit, TagKeys=["Team"])
    with refused("AccessDeniedException"):
        jo.update_organizational_unit(**asked)
