"""Invitations into an organization (iam.md 1.12)."""

from datetime import timedelta
from typing import Any

import pytest

from keystead.wire.models import organizations as api
from tests.conftest import Credentials, Server, policy, refused
from tests.identity.organizing import Owner, Tree, account, tree
from tests.identity.world import World


@pytest.fixture
def org(server: Server) -> Tree:
    return tree(server)


@pytest.fixture
def guest(server: Server) -> Owner:
    return account(server)


def invite(org: Tree, owner: Owner, **more: Any) -> str:
    made = org.organizations.invite_account_to_organization(
        Target={"Id": owner.account, "Type": "ACCOUNT"}, **more
    )
    return str(made["Handshake"]["Id"])


def test_an_invitation_is_accepted(org: Tree, guest: Owner) -> None:
    """Both see it; the invited account accepts it, and is in the organization, at its root."""
    tags = [{"Key": "Team", "Value": "blue"}]
    found = invite(org, guest, Notes="Welcome", Tags=tags)
    client = guest.client("organizations")
    shown = client.describe_handshake(HandshakeId=found)["Handshake"]
    arn = f"arn:aws:organizations::{org.management.account}:handshake/{org.id}/invite/{found}"
    assert (shown["Arn"], shown["State"], shown["Action"]) == (arn, "OPEN", "INVITE")
    assert shown["Parties"] == [
        {"Id": org.id, "Type": "ORGANIZATION"}, {"Id": guest.account, "Type": "ACCOUNT"},
    ]  # fmt: skip
    assert shown["ExpirationTimestamp"] - shown["RequestedTimestamp"] == timedelta(days=15)
    for listed in (
        client.list_handshakes_for_account(Filter={"ActionType": "INVITE"}),
        org.organizations.list_handshakes_for_organization(),
    ):
        assert listed["Handshakes"] == [shown]
    accepted = client.accept_handshake(HandshakeId=found)["Handshake"]
    assert accepted == {**shown, "State": "ACCEPTED"}
    member = org.organizations.describe_account(AccountId=guest.account)["Account"]
    assert member["JoinedMethod"] == "INVITED"
    assert client.describe_organization()["Organization"]["Id"] == org.id
    kept = org.organizations.list_tags_for_resource(ResourceId=guest.account)["Tags"]
    assert kept == tags
    with refused("HandshakeAlreadyInStateException"):
        client.accept_handshake(HandshakeId=found)
    with refused("InvalidHandshakeTransitionException"):
        client.decline_handshake(HandshakeId=found)


def test_by_address(org: Tree, guest: Owner) -> None:
    """An account is invited by its e-mail address as well; one that there is not is refused."""
    org.organizations.invite_account_to_organization(Target={"Id": guest.email, "Type": "EMAIL"})
    assert guest.client("organizations").list_handshakes_for_account()["Handshakes"]
    for target in (
        {"Id": "nobody@example.com", "Type": "EMAIL"}, {"Id": "999999999999", "Type": "ACCOUNT"},
    ):  # fmt: skip
        with refused("HandshakeConstraintViolationException") as caught:
            org.organizations.invite_account_to_organization(Target=target)
        assert caught.value.response["Reason"] == "TARGET_ACCOUNT_VALIDATION_FAILURE"
    with refused("InvalidInputException") as caught:
        org.organizations.invite_account_to_organization(
            Target={"Id": "o-aaaaaaaaaa", "Type": "ORGANIZATION"}
        )
    assert caught.value.response["Reason"] == "INVALID_PARTY_TYPE_TARGET"


def test_a_refusal_tells_no_number_behind_an_address(org: Tree, guest: Owner) -> None:
    """A caller who may not invite hears the same of every address; a permission for all is heard.

    A permission for one account alone is none for an address.
    """
    iam = org.management.client("iam")
    iam.create_user(UserName="jo")
    key = iam.create_access_key(UserName="jo")["AccessKey"]
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    jo = org.management.server.client("organizations", credentials)
    invitation = {"Action": "organizations:InviteAccountToOrganization", "Effect": "Allow"}
    account_arn = (
        f"arn:aws:organizations::{org.management.account}:account/{org.id}/{guest.account}"
    )
    for allowed in (None, account_arn):
        if allowed:
            may = policy({**invitation, "Resource": allowed})
            iam.put_user_policy(UserName="jo", PolicyName="p", PolicyDocument=may)
        for address in (guest.email, "nobody@example.com"):
            with refused("AccessDeniedException", "on resource: * because"):
                jo.invite_account_to_organization(Target={"Id": address, "Type": "EMAIL"})
    may = policy({**invitation, "Resource": "*"})
    iam.put_user_policy(UserName="jo", PolicyName="p", PolicyDocument=may)
    jo.invite_account_to_organization(Target={"Id": guest.email, "Type": "EMAIL"})


@pytest.mark.parametrize(("by_guest", "state"), [(True, "DECLINED"), (False, "CANCELED")])
def test_an_invitation_ends(org: Tree, guest: Owner, by_guest: bool, state: str) -> None:
    """The guest declines, or the host cancels: it cannot be accepted, and a new one can."""
    found, client = invite(org, guest), guest.client("organizations")
    with refused("DuplicateHandshakeException"):
        invite(org, guest)
    if by_guest:
        ended = client.decline_handshake(HandshakeId=found)
    else:
        ended = org.organizations.cancel_handshake(HandshakeId=found)
    assert ended["Handshake"]["State"] == state
    with refused("InvalidHandshakeTransitionException"):
        client.accept_handshake(HandshakeId=found)
    client.accept_handshake(HandshakeId=invite(org, guest))


def test_whose_it_is(org: Tree, guest: Owner) -> None:
    """The host cannot accept, the guest cannot cancel, and nobody else sees it."""
    found, stranger = invite(org, guest), tree(guest.server)
    client = guest.client("organizations")
    for refusing in (
        org.organizations.accept_handshake,
        org.organizations.decline_handshake,
        client.cancel_handshake,
        stranger.organizations.describe_handshake,
        stranger.organizations.accept_handshake,
        stranger.organizations.cancel_handshake,
    ):
        with refused("HandshakeNotFoundException"):
            refusing(HandshakeId=found)
    with refused("HandshakeNotFoundException"):
        client.accept_handshake(HandshakeId="h-aaaaaaaa")
    client.accept_handshake(HandshakeId=found)


def test_only_one_organization(org: Tree, guest: Owner) -> None:
    """Of two invitations one is accepted; who is in an organization is not invited."""
    other = tree(guest.server)
    first, second = invite(org, guest), invite(other, guest)
    client = guest.client("organizations")
    client.accept_handshake(HandshakeId=first)
    with refused("HandshakeConstraintViolationException") as caught:
        client.accept_handshake(HandshakeId=second)
    assert caught.value.response["Reason"] == "ALREADY_IN_AN_ORGANIZATION"
    with refused("HandshakeConstraintViolationException"):
        invite(other, guest)
    assert client.describe_handshake(HandshakeId=second)["Handshake"]["State"] == "OPEN"
    client.leave_organization()
    client.accept_handshake(HandshakeId=second)


def test_an_invitation_expires(world: World) -> None:
    """Fifteen days later it is over; a second before it is not."""
    host, guest = world.account(), world.account("guest@example.com")
    host.root(api.CreateOrganization)
    target = api.HandshakeParty(id=guest.id, type="ACCOUNT")
    first = host.root(api.InviteAccountToOrganization, target=target).handshake
    assert first is not None
    world.now += timedelta(days=15, seconds=-1)
    shown = guest.root(api.DescribeHandshake, handshake_id=first.id).handshake
    assert shown is not None
    assert shown.state == "OPEN"
    world.now += timedelta(seconds=1)
    with pytest.raises(api.InvalidHandshakeTransitionException):
        guest.root(api.AcceptHandshake, handshake_id=first.id)
    second = host.root(api.InviteAccountToOrganization, target=target).handshake
    assert second is not None
    guest.root(api.AcceptHandshake, handshake_id=second.id)
