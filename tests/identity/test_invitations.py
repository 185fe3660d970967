"""Invitations into an organization (iam.md 1.12)."""

from datetime import timedelta
from typing import Any

import pytest

from keystead.wire.models import organizations as api
from tests.conftest import Credentials, Server, policy, refused
from tests.identity.organizing import Owner, Tree, account, tree
from tests.identity.world import Tenant, World


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


def invited(host: Tenant, guest: Tenant) -> str:
    """A new invitation, in the process of the test."""
    target = api.HandshakeParty(id=guest.id, type="ACCOUNT")
    made = host.root(api.InviteAccountToOrganization, target=target).handshake
    assert made is not None
    assert made.id is not None
    return made.id


def rows(world: World) -> int:
    """How many invitations are stored."""
    row = world.store.read().one("SELECT COUNT(*) FROM org_handshake")
    return row[0] if row else 0


def test_twenty_invitations_a_day(world: World) -> None:
    """Made and cancelled in a loop, the twenty-first waits for a day; an accepted one is free."""
    host, guest = world.account(), world.account("guest@example.com")
    host.root(api.CreateOrganization)
    for _ in range(20):
        host.root(api.CancelHandshake, handshake_id=invited(host, guest))
    with pytest.raises(api.HandshakeConstraintViolationException) as caught:
        invited(host, guest)
    assert caught.value.reason == "HANDSHAKE_RATE_LIMIT_EXCEEDED"
    world.now += timedelta(days=1)
    for _ in range(25):
        guest.root(api.AcceptHandshake, handshake_id=invited(host, guest))
        guest.root(api.LeaveOrganization)
    assert rows(world) == 21  # of those that were accepted, the last


def test_invitations_are_forgotten(world: World) -> None:
    """Forty-five days later nobody sees an invitation, and the next one removes its row."""
    host, guest = world.account(), world.account("guest@example.com")
    host.root(api.CreateOrganization)
    first = invited(host, guest)
    world.now += timedelta(days=45, seconds=-1)
    assert host.root(api.ListHandshakesForOrganization).handshakes
    assert guest.root(api.DescribeHandshake, handshake_id=first).handshake
    world.now += timedelta(seconds=1)
    assert not host.root(api.ListHandshakesForOrganization).handshakes
    assert not guest.root(api.ListHandshakesForAccount).handshakes
    with pytest.raises(api.HandshakeNotFoundException):
        guest.root(api.DescribeHandshake, handshake_id=first)
    assert rows(world) == 1
    invited(host, guest)
    assert rows(world) == 1


def listed(who: Tenant, **wanted: Any) -> dict[str, api.Handshake]:
    """The handshakes that the management account sees, by whom they are for."""
    given = api.HandshakeFilter(**wanted) if wanted else None
    shown = who.root(api.ListHandshakesForOrganization, filter=given).handshakes or []
    return {(each.parties or [])[-1].id: each for each in shown}


def host_of(request: api.Handshake) -> str:
    """Whom a request for all features is for: the organization."""
    [party] = request.parties or []
    return party.id


def billing(world: World) -> tuple[Tenant, Tenant, Tenant]:
    """An organization with consolidated billing alone, and two accounts that were invited."""
    host = world.account()
    host.root(api.CreateOrganization, feature_set="CONSOLIDATED_BILLING")
    host.root(api.CreateAccount, email="made@example.com", account_name="made")
    guests = [world.account(f"{name}@example.com") for name in ("a", "b")]
    for guest in guests:
        guest.root(api.AcceptHandshake, handshake_id=invited(host, guest))
    return host, guests[0], guests[1]


def test_all_features(world: World) -> None:
    """Every account that was invited approves; then the management account finishes."""
    host, one, other = billing(world)
    stranger = world.account("s@example.com")
    [root] = host.root(api.ListRoots).roots or []
    scp: dict[str, Any] = {"root_id": root.id, "policy_type": "SERVICE_CONTROL_POLICY"}
    with pytest.raises(api.PolicyTypeNotAvailableForOrganizationException):
        host.root(api.EnablePolicyType, **scp)
    request = host.root(api.EnableAllFeatures).handshake
    assert request is not None
    assert (request.action, request.state) == ("ENABLE_ALL_FEATURES", "REQUESTED")
    assert request.arn is not None
    assert f"/enable_all_features/{request.id}" in request.arn
    asked = listed(host, action_type="APPROVE_ALL_FEATURES")
    assert set(asked) == {one.id, other.id}
    assert listed(host, parent_handshake_id=request.id) == asked
    for refusing, reason in (
        (lambda: invited(host, stranger), "INVITE_DISABLED_DURING_ENABLE_ALL_FEATURES"),
        (lambda: host.root(api.EnableAllFeatures),
         "ORGANIZATION_IS_ALREADY_PENDING_ALL_FEATURES_MIGRATION"),
    ):  # fmt: skip
        with pytest.raises(api.HandshakeConstraintViolationException) as caught:
            refusing()
        assert caught.value.reason == reason
    for who, handshake in (
        (host, asked[one.id]), (other, asked[one.id]), (stranger, asked[one.id]), (one, request),
    ):  # fmt: skip
        with pytest.raises(api.HandshakeNotFoundException):
            who.root(api.AcceptHandshake, handshake_id=handshake.id)
    one.root(api.AcceptHandshake, handshake_id=asked[one.id].id)
    with pytest.raises(api.InvalidHandshakeTransitionException):
        host.root(api.AcceptHandshake, handshake_id=request.id)
    other.root(api.AcceptHandshake, handshake_id=asked[other.id].id)
    assert listed(host, action_type="ENABLE_ALL_FEATURES").popitem()[1].state == "OPEN"
    host.root(api.AcceptHandshake, handshake_id=request.id)
    found = host.root(api.DescribeOrganization).organization
    assert found is not None
    assert found.feature_set == "ALL"
    assert host.root(api.EnablePolicyType, **scp)
    with pytest.raises(api.HandshakeConstraintViolationException):
        host.root(api.EnableAllFeatures)


def test_a_request_for_all_features_ends(world: World) -> None:
    """Cancelled or too old, it cannot be approved; an account that leaves need not approve."""
    host, one, other = billing(world)
    first = host.root(api.EnableAllFeatures).handshake
    assert first is not None
    approval = listed(host, action_type="APPROVE_ALL_FEATURES")[one.id]
    host.root(api.CancelHandshake, handshake_id=first.id)
    with pytest.raises(api.InvalidHandshakeTransitionException):
        one.root(api.AcceptHandshake, handshake_id=approval.id)
    second = host.root(api.EnableAllFeatures).handshake
    assert second is not None
    with pytest.raises(api.HandshakeNotFoundException):
        host.root(api.DescribeHandshake, handshake_id=first.id)
    approvals = listed(host, action_type="APPROVE_ALL_FEATURES")
    one.root(api.DeclineHandshake, handshake_id=approvals[one.id].id)
    other.root(api.AcceptHandshake, handshake_id=approvals[other.id].id)
    assert listed(host)[host_of(second)].state == "REQUESTED"
    host.root(api.RemoveAccountFromOrganization, account_id=one.id)
    assert listed(host)[host_of(second)].state == "OPEN"
    world.now += timedelta(days=90)
    with pytest.raises(api.InvalidHandshakeTransitionException):
        host.root(api.AcceptHandshake, handshake_id=second.id)
    assert host.root(api.EnableAllFeatures).handshake


def test_nobody_joins_while_features_are_awaited(world: World) -> None:
    """An invitation of before would escape the approval; without the request it is accepted."""
    host, one, other = billing(world)
    late = world.account("late@example.com")
    invitation = invited(host, late)
    request = host.root(api.EnableAllFeatures).handshake
    assert request is not None
    with pytest.raises(api.HandshakeConstraintViolationException) as caught:
        late.root(api.AcceptHandshake, handshake_id=invitation)
    assert caught.value.reason == "ORGANIZATION_IS_ALREADY_PENDING_ALL_FEATURES_MIGRATION"
    assert set(listed(host, action_type="APPROVE_ALL_FEATURES")) == {one.id, other.id}
    host.root(api.CancelHandshake, handshake_id=request.id)
    late.root(api.AcceptHandshake, handshake_id=invitation)
    host.root(api.EnableAllFeatures)
    assert late.id in listed(host, action_type="APPROVE_ALL_FEATURES")
