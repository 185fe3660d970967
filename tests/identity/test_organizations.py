"""Organizations, units and accounts, through boto3 (iam.md 1.12)."""

import re
import uuid

import pytest

from tests.conftest import Credentials, Server, refused
from tests.identity.organizing import Tree, account, tree


@pytest.fixture
def org(server: Server) -> Tree:
    return tree(server)


def email() -> str:
    return f"{uuid.uuid4()}@example.com"


def test_an_organization_begins(server: Server) -> None:
    """It has its maker as the management account, all features, and a root without policy types."""
    owner = account(server)
    client = owner.client("organizations")
    made = client.create_organization()["Organization"]
    assert re.fullmatch(r"o-[a-z0-9]{10,32}", made["Id"])
    arn = f"arn:aws:organizations::{owner.account}"
    assert made == {
        "Id": made["Id"],
        "Arn": f"{arn}:organization/{made['Id']}",
        "FeatureSet": "ALL",
        "MasterAccountArn": f"{arn}:account/{made['Id']}/{owner.account}",
        "MasterAccountId": owner.account,
        "MasterAccountEmail": owner.email,
        "AvailablePolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}],
    }
    assert client.describe_organization()["Organization"] == made
    [root] = client.list_roots()["Roots"]
    assert re.fullmatch(r"r-[0-9a-z]{4,32}", root["Id"])
    assert root == {
        "Id": root["Id"], "Arn": f"{arn}:root/{made['Id']}/{root['Id']}", "Name": "Root",
        "PolicyTypes": [],
    }  # fmt: skip
    [member] = client.list_accounts()["Accounts"]
    assert (member["Id"], member["JoinedMethod"]) == (owner.account, "INVITED")


def test_only_one_organization(org: Tree) -> None:
    """An account that is in one makes no other; once that has ended, it does."""
    with refused("AlreadyInOrganizationException", "already a member of an organization"):
        org.organizations.create_organization()
    org.organizations.delete_organization()
    with refused(
        "AWSOrganizationsNotInUseException", "Your account is not a member of an organization."
    ):
        org.organizations.describe_organization()
    assert org.organizations.create_organization()["Organization"]["Id"] != org.id


def test_who_may_not_ask_learns_nothing(server: Server) -> None:
    """Without a permission the answer is the same with an organization and without one."""
    owner = account(server)
    iam = owner.client("iam")
    iam.create_user(UserName="jo")
    key = iam.create_access_key(UserName="jo")["AccessKey"]
    jo = server.client("organizations", Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    sentence = (
        f"User: arn:aws:iam::{owner.account}:user/jo is not authorized to perform:"
        " organizations:DescribeOrganization on resource: * because no identity-based policy"
        " allows the organizations:DescribeOrganization action"
    )
    with refused("AccessDeniedException", sentence):
        jo.describe_organization()
    owner.client("organizations").create_organization()
    with refused("AccessDeniedException", sentence):
        jo.describe_organization()
    iam.attach_user_policy(
        UserName="jo", PolicyArn="arn:aws:iam::aws:policy/AWSOrganizationsReadOnlyAccess"
    )
    assert jo.describe_organization()["Organization"]["MasterAccountId"] == owner.account


def test_an_account_is_made(org: Tree) -> None:
    """It is there at once, at the root, and its status tells so."""
    address = email()
    status = org.organizations.create_account(Email=address, AccountName="Payments")
    made = status["CreateAccountStatus"]
    assert made["State"] == "SUCCEEDED"
    assert re.fullmatch(r"car-[a-z0-9]{8,32}", made["Id"])
    again = org.organizations.describe_create_account_status(CreateAccountRequestId=made["Id"])
    assert again["CreateAccountStatus"] == made
    number = made["AccountId"]
    shown = org.organizations.describe_account(AccountId=number)["Account"]
    assert shown == {
        "Id": number,
        "Arn": f"arn:aws:organizations::{org.management.account}:account/{org.id}/{number}",
        "Email": address,
        "Name": "Payments",
        "Status": "ACTIVE",
        "State": "ACTIVE",
        "Paths": [f"{org.id}/{org.root}/{number}/"],
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": shown["JoinedTimestamp"],
    }
    parents = org.organizations.list_parents(ChildId=number)["Parents"]
    assert parents == [{"Id": org.root, "Type": "ROOT"}]


def test_a_taken_address(org: Tree) -> None:
    """An e-mail address belongs to one account: the status of the second request says why not."""
    address = email()
    first = org.organizations.create_account(Email=address, AccountName="a")
    second = org.organizations.create_account(Email=address.upper(), AccountName="b")
    status = second["CreateAccountStatus"]
    assert (status["State"], status["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")
    assert "AccountId" not in status
    client, listed = org.organizations, {}
    for state in ("SUCCEEDED", "FAILED", "IN_PROGRESS"):
        found = client.list_create_account_status(States=[state])["CreateAccountStatuses"]
        listed[state] = [each["Id"] for each in found]
    assert listed == {
        "SUCCEEDED": [first["CreateAccountStatus"]["Id"]],
        "FAILED": [status["Id"]],
        "IN_PROGRESS": [],
    }
    assert len(client.list_create_account_status()["CreateAccountStatuses"]) == 2


def test_unknown_requests(org: Tree) -> None:
    """A request that nobody made has no status; another organization's neither."""
    made = org.organizations.create_account(Email=email(), AccountName="a")
    other = tree(org.management.server)
    for client, request in (
        (org.organizations, "car-0123456789"),
        (other.organizations, made["CreateAccountStatus"]["Id"]),
    ):
        with refused("CreateAccountStatusNotFoundException"):
            client.describe_create_account_status(CreateAccountRequestId=request)


def test_status_survives_a_restart(own_server: Server) -> None:
    """What became of CreateAccount is known after the server was killed, and so is the tree."""
    org = tree(own_server)
    unit = org.unit()
    made = org.organizations.create_account(Email=email(), AccountName="a")["CreateAccountStatus"]
    org.move(made["AccountId"], org.root, unit)
    own_server.kill()
    own_server.start()
    client = org.management.client("organizations")
    again = client.describe_create_account_status(CreateAccountRequestId=made["Id"])
    assert again["CreateAccountStatus"] == made
    parents = client.list_parents(ChildId=made["AccountId"])["Parents"]
    assert parents == [{"Id": unit, "Type": "ORGANIZATIONAL_UNIT"}]


def test_a_unit(org: Tree) -> None:
    """Made, shown, renamed, found below its parent, and deleted when it is empty."""
    client, server = org.organizations, org.management
    made = client.create_organizational_unit(ParentId=org.root, Name="Workloads")
    unit = made["OrganizationalUnit"]
    assert re.fullmatch(f"ou-{org.root[2:]}-[a-z0-9]{{8,32}}", unit["Id"])
    arn = f"arn:aws:organizations::{server.account}:ou/{org.id}/{unit['Id']}"
    path = f"{org.id}/{org.root}/{unit['Id']}/"
    assert unit == {"Id": unit["Id"], "Arn": arn, "Name": "Workloads", "Path": path}
    inner = org.unit("Test", unit["Id"])
    listed = client.list_organizational_units_for_parent(ParentId=unit["Id"])
    assert [each["Id"] for each in listed["OrganizationalUnits"]] == [inner]
    children = client.list_children(ParentId=org.root, ChildType="ORGANIZATIONAL_UNIT")["Children"]
    assert children == [{"Id": unit["Id"], "Type": "ORGANIZATIONAL_UNIT"}]
    with refused("OrganizationalUnitNotEmptyException"):
        client.delete_organizational_unit(OrganizationalUnitId=unit["Id"])
    client.delete_organizational_unit(OrganizationalUnitId=inner)
    renamed = client.update_organizational_unit(OrganizationalUnitId=unit["Id"], Name="Work")
    assert renamed["OrganizationalUnit"] == {**unit, "Name": "Work"}
    client.delete_organizational_unit(OrganizationalUnitId=unit["Id"])
    with refused("OrganizationalUnitNotFoundException"):
        client.describe_organizational_unit(OrganizationalUnitId=unit["Id"])


def test_names_of_units(org: Tree) -> None:
    """Two units of one parent have two names; below another parent the name is free."""
    first = org.unit("a")
    second = org.unit("b")
    with refused("DuplicateOrganizationalUnitException", "An OU with the same name already exists"):
        org.unit("a")
    with refused("DuplicateOrganizationalUnitException"):
        org.organizations.update_organizational_unit(OrganizationalUnitId=second, Name="a")
    org.organizations.update_organizational_unit(OrganizationalUnitId=second, Name="b")
    org.unit("a", parent=first)


def test_depth_of_units(org: Tree) -> None:
    """Units are at most five deep."""
    parent = org.root
    for level in range(5):
        parent = org.unit(f"level {level}", parent)
    with refused("ConstraintViolationException") as caught:
        org.unit("too deep", parent)
    assert caught.value.response["Reason"] == "OU_DEPTH_LIMIT_EXCEEDED"


def test_accounts_move(org: Tree) -> None:
    """From the parent that is named to the other; a wrong parent or the same one is refused."""
    first, second = org.unit("a"), org.unit("b")
    member = org.member(first)
    with refused("SourceParentNotFoundException"):
        org.move(member.account, org.root, second)
    with refused("DuplicateAccountException"):
        org.move(member.account, first, first)
    with refused("DestinationParentNotFoundException"):
        org.move(member.account, first, f"ou-{org.root[2:]}-aaaaaaaa")
    with refused("AccountNotFoundException"):
        org.move("999999999999", first, second)
    org.move(member.account, first, second)
    assert org.organizations.list_parents(ChildId=member.account)["Parents"][0]["Id"] == second
    for parent, count in ((first, 0), (second, 1)):
        found = org.organizations.list_accounts_for_parent(ParentId=parent)["Accounts"]
        children = org.organizations.list_children(ParentId=parent, ChildType="ACCOUNT")
        assert len(found) == len(children["Children"]) == count


def test_nothing_of_other_organizations(org: Tree) -> None:
    """Accounts, units and roots of another organization are not there."""
    other = tree(org.management.server)
    unit, member = other.unit(), other.member()
    client = org.organizations
    with refused("AccountNotFoundException"):
        client.describe_account(AccountId=member.account)
    with refused("OrganizationalUnitNotFoundException"):
        client.describe_organizational_unit(OrganizationalUnitId=unit)
    for parent in (unit, other.root):
        with refused("ParentNotFoundException"):
            client.list_accounts_for_parent(ParentId=parent)
    with refused("ChildNotFoundException"):
        client.list_parents(ChildId=unit)
    assert other.organizations.describe_account(AccountId=member.account)


def test_what_members_may_ask(org: Tree) -> None:
    """A member's root sees which organization it is in, and nothing else of it."""
    member = org.member()
    client = member.client("organizations")
    assert client.describe_organization()["Organization"]["Id"] == org.id
    for call in (client.list_accounts, client.list_roots, client.delete_organization):
        with refused(
            "AccessDeniedException", "You don't have permissions to access this resource."
        ):
            call()
    with refused("AccessDeniedException"):
        client.create_account(Email=email(), AccountName="x")
    assert len(org.organizations.list_accounts()["Accounts"]) == 2


def test_a_closed_account(org: Tree) -> None:
    """Its root and users are refused from the next request on; it stays in the organization."""
    member = org.member()
    iam = member.client("iam")
    iam.create_user(UserName="jo")
    assert member.client("sts").get_caller_identity()["Account"] == member.account
    org.organizations.close_account(AccountId=member.account)
    with refused("InvalidClientTokenId"):
        member.client("sts").get_caller_identity()
    with refused("InvalidClientTokenId"):
        iam.list_users()
    shown = org.organizations.describe_account(AccountId=member.account)["Account"]
    assert (shown["Status"], shown["State"]) == ("SUSPENDED", "CLOSED")
    with refused("AccountAlreadyClosedException"):
        org.organizations.close_account(AccountId=member.account)


def test_the_management_account_stays(org: Tree) -> None:
    """It can be neither closed nor removed, and it cannot leave."""
    client, number = org.organizations, org.management.account
    with refused("ConstraintViolationException") as caught:
        client.close_account(AccountId=number)
    assert caught.value.response["Reason"] == "CANNOT_CLOSE_MANAGEMENT_ACCOUNT"
    with refused("MasterCannotLeaveOrganizationException"):
        client.remove_account_from_organization(AccountId=number)
    with refused("MasterCannotLeaveOrganizationException"):
        client.leave_organization()


def test_accounts_go(org: Tree) -> None:
    """Removed by the management account, or by leaving; the organization ends when it is empty."""
    removed, leaving = org.member(), org.member()
    client = org.organizations
    with refused("OrganizationNotEmptyException"):
        client.delete_organization()
    client.remove_account_from_organization(AccountId=removed.account)
    leaving.client("organizations").leave_organization()
    for gone in (removed, leaving):
        with refused("AWSOrganizationsNotInUseException"):
            gone.client("organizations").describe_organization()
        with refused("AccountNotFoundException"):
            client.describe_account(AccountId=gone.account)
    org.unit()
    client.delete_organization()
    removed.client("organizations").create_organization()


def test_pages(org: Tree) -> None:
    """Lists come in pages; a token goes on for its own request only."""
    members = {org.management.account, *(org.member().account for _ in range(4))}
    client = org.organizations
    pages = list(client.get_paginator("list_accounts").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Accounts"]) for page in pages] == [2, 2, 1]
    assert {each["Id"] for page in pages for each in page["Accounts"]} == members
    token = client.list_accounts(MaxResults=1)["NextToken"]
    with refused("InvalidInputException") as caught:
        client.list_accounts_for_parent(ParentId=org.root, MaxResults=1, NextToken=token)
    assert caught.value.response["Reason"] == "INVALID_NEXT_TOKEN"
    assert client.list_accounts(MaxResults=1, NextToken=token)["Accounts"]


@pytest.mark.parametrize(
    ("operation", "members", "reason"),
    [
        ("describe_account", {"AccountId": "12"}, "INVALID_PATTERN"),
        ("list_accounts", {"MaxResults": 21}, "MAX_VALUE_EXCEEDED"),
        ("list_children", {"ParentId": "r-abcd", "ChildType": "X"}, "INVALID_ENUM"),
        ("create_organizational_unit", {"ParentId": "r-abcd", "Name": ""}, "MIN_LENGTH_EXCEEDED"),
    ],
)
def test_bad_input(org: Tree, operation: str, members: dict[str, object], reason: str) -> None:
    """What breaks the model is an InvalidInputException with its reason."""
    client = org.management.server.client(
        "organizations", org.management.key, parameter_validation=False
    )
    with refused("InvalidInputException") as caught:
        getattr(client, operation)(**members)
    assert caught.value.response["Reason"] == reason


def test_tags_of_what_is_new(org: Tree) -> None:
    """Giving tags needs organizations:TagResource besides; two keys that differ in case are one."""
    tags = [{"Key": "Team", "Value": "blue"}, {"Key": "team", "Value": "red"}]
    with refused("InvalidInputException") as caught:
        org.organizations.create_organizational_unit(ParentId=org.root, Name="a", Tags=tags)
    assert caught.value.response["Reason"] == "DUPLICATE_TAG_KEY"
    org.organizations.create_organizational_unit(ParentId=org.root, Name="a", Tags=tags[:1])
