"""The resource policy of an organization, which delegates to its members (iam.md 1.12)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from keystead.policy.evaluation import AccessDenied
from keystead.wire.models import iam
from keystead.wire.models import organizations as api
from tests.identity.world import Person, Tenant, World, allow, deny

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
FULL = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'


@dataclass(frozen=True, slots=True)
class Organized:
    """An organization with two members, one of which another account's people call from."""

    host: Tenant
    member: Tenant
    other: Tenant
    id: str
    root: str

    def put(self, *statements: dict[str, Any]) -> Any:
        content = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        return self.host.root(api.PutResourcePolicy, content=content).resource_policy

    def delegate(self, *actions: str, **more: Any) -> None:
        self.put(delegating(self.member.id, *actions, **more))


def delegating(principal: str, *actions: str, **more: Any) -> dict[str, Any]:
    named = [f"organizations:{action}" for action in actions]
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": named,
                 "Resource": "*"}  # fmt: skip
    return {**statement, **more}


@pytest.fixture
def org(world: World) -> Organized:
    host = world.account()
    made = host.root(api.CreateOrganization).organization
    [root] = host.root(api.ListRoots).roots or []
    assert made is not None
    members = []
    for name in ("a", "b"):
        email = f"{name}@example.com"
        host.root(api.CreateAccount, email=email, account_name=name)
        record = world.repository.accounts.with_email(world.store.read(), email)
        assert record is not None
        members.append(Tenant(world, record, ""))
    assert made.id is not None
    assert root.id is not None
    return Organized(host, members[0], members[1], made.id, root.id)


def root(tenant: Tenant) -> Any:
    """The root user of an account, whose answers are as they are."""
    return tenant.root


def allowed(call: Callable[[], Any]) -> bool:
    """Is this call allowed?  A refusal is one by policy."""
    try:
        call()
    except (AccessDenied, api.AccessDeniedException):
        return False
    return True


def policy(who: Person | Any, name: str = "p", kind: str = SCP) -> Any:
    return who(api.CreatePolicy, name=name, description="", type=kind, content=FULL).policy


def test_a_member_does_what_is_delegated(org: Organized) -> None:
    """And nothing else; another member nothing; and nothing any more when it is taken away."""
    member, other = root(org.member), root(org.other)
    assert not allowed(lambda: member(api.ListAccounts))
    org.delegate("ListAccounts", "CreatePolicy", "DescribePolicy")
    assert len(member(api.ListAccounts).accounts or []) == 3
    made = policy(member).policy_summary
    assert f":policy/{org.id}/" in made.arn
    assert root(org.host)(api.DescribePolicy, policy_id=made.id)
    assert not allowed(lambda: member(api.DeletePolicy, policy_id=made.id))
    assert not allowed(lambda: member(api.ListRoots))
    assert not allowed(lambda: other(api.ListAccounts))
    org.delegate("DescribePolicy", "DeletePolicy")
    assert not allowed(lambda: member(api.ListAccounts))
    member(api.DeletePolicy, policy_id=made.id)
    root(org.host)(api.DeleteResourcePolicy)
    with pytest.raises(api.AccessDeniedException) as caught:
        member(api.DescribePolicy, policy_id=made.id)
    assert caught.value.message == "You don't have permissions to access this resource."


def test_both_sides_allow(org: Organized) -> None:
    """The members' own policies allow as well, even to a user that the policy names."""
    reader, nobody = org.member.user("reader", allow("organizations:ListRoots")), "nobody"
    unable = org.member.user(nobody)
    arns = [f"arn:aws:iam::{org.member.id}:user/{name}" for name in ("reader", nobody)]
    org.put(*(delegating(arn, "ListRoots", "ListAccounts") for arn in arns))
    assert allowed(lambda: reader(api.ListRoots))
    assert not allowed(lambda: reader(api.ListAccounts))
    assert not allowed(lambda: unable(api.ListRoots))
    assert not allowed(lambda: root(org.member)(api.ListRoots))  # it names users, not the account
    root(org.member)(iam.PutUserPolicy, user_name=nobody, policy_name="p",
                    policy_document=allow("organizations:ListRoots"))  # fmt: skip
    assert allowed(lambda: Person(org.member, nobody)(api.ListRoots))


def test_conditions_and_resources(org: Organized) -> None:
    """A type of policies alone, a unit alone."""
    member = root(org.member)
    unit = root(org.host)(
        api.CreateOrganizationalUnit, parent_id=org.root, name="unit"
    ).organizational_unit
    org.delegate("CreatePolicy", Condition={"StringEquals": {"organizations:PolicyType": SCP}})
    assert allowed(lambda: policy(member))
    assert not allowed(lambda: policy(member, "r", RCP))
    org.delegate("ListChildren", Resource=unit.arn)
    asked = {"child_type": "ACCOUNT"}
    assert allowed(lambda: member(api.ListChildren, parent_id=unit.id, **asked))
    assert not allowed(lambda: member(api.ListChildren, parent_id=org.root, **asked))


def test_the_caller_is_bound_by_its_own_scps(org: Organized) -> None:
    """A policy that denies the member denies what was delegated, too."""
    host, member = root(org.host), root(org.member)
    org.delegate("ListRoots")
    host(api.EnablePolicyType, root_id=org.root, policy_type=SCP)
    denying = host(
        api.CreatePolicy, name="deny", description="", type=SCP,
        content=deny("organizations:ListRoots"),
    ).policy.policy_summary.id  # fmt: skip
    assert allowed(lambda: member(api.ListRoots))
    host(api.AttachPolicy, policy_id=denying, target_id=org.member.id)
    assert not allowed(lambda: member(api.ListRoots))


def test_a_delegated_administrator_beside_it(org: Organized) -> None:
    """It reads as before, more if that is delegated, and less where the policy denies."""
    service = {"service_principal": "sso.amazonaws.com"}
    root(org.host)(api.EnableAWSServiceAccess, **service)
    root(org.host)(api.RegisterDelegatedAdministrator, account_id=org.member.id, **service)
    member = root(org.member)
    assert allowed(lambda: member(api.ListRoots))
    org.put(
        delegating(org.member.id, "CreatePolicy"),
        {**delegating(org.member.id, "ListAccounts"), "Effect": "Deny"},
    )
    assert allowed(lambda: member(api.ListRoots))
    assert allowed(lambda: policy(member))
    assert not allowed(lambda: member(api.ListAccounts))
    assert not allowed(lambda: member(api.CreateOrganizationalUnit, parent_id=org.root, name="x"))
    unable = org.member.user("unable")
    assert not allowed(lambda: unable(api.ListRoots))


def test_the_management_account_needs_none_of_it(org: Organized) -> None:
    """And cannot be shut out."""
    org.put({**delegating(org.member.id, "ListRoots", "ListAccounts"), "Effect": "Deny"})
    assert allowed(lambda: root(org.host)(api.ListRoots))
    assert allowed(lambda: root(org.host)(api.DeleteResourcePolicy))
    for operation in (api.DescribeResourcePolicy, api.DeleteResourcePolicy):
        with pytest.raises(api.ResourcePolicyNotFoundException):
            root(org.host)(operation)
        assert not allowed(partial(root(org.member), operation))
    assert not allowed(lambda: root(org.member)(api.PutResourcePolicy, content="{}"))


def test_an_account_that_left(org: Organized) -> None:
    """What was delegated to it is over; in another organization it never was."""
    org.delegate("ListAccounts")
    assert allowed(lambda: root(org.member)(api.ListAccounts))
    root(org.host)(api.RemoveAccountFromOrganization, account_id=org.member.id)
    with pytest.raises(api.AWSOrganizationsNotInUseException):
        root(org.member)(api.ListAccounts)


def test_a_user_made_again_inherits_nothing(org: Organized) -> None:
    """The policy means the user that it named, and shows its id afterwards (ST-8)."""
    arn = f"arn:aws:iam::{org.member.id}:user/jo"
    jo = org.member.user("jo", allow("*"))
    org.put(delegating(arn, "ListRoots"))
    assert allowed(lambda: jo(api.ListRoots))
    owner = root(org.member)
    [key] = owner(iam.ListAccessKeys, user_name="jo").access_key_metadata
    owner(iam.DeleteAccessKey, user_name="jo", access_key_id=key.access_key_id)
    owner(iam.DeleteUserPolicy, user_name="jo", policy_name="inline0")
    owner(iam.DeleteUser, user_name="jo")
    again = org.member.user("jo", allow("*"))
    assert not allowed(lambda: again(api.ListRoots))
    shown = root(org.host)(api.DescribeResourcePolicy).resource_policy.content
    assert arn not in shown
    assert '"AIDA' in shown


def test_it_is_shown_tagged_and_replaced(org: Organized) -> None:
    """One id for as long as it exists; the text is that which was written."""
    first = org.put(delegating(org.member.id, "ListRoots"))
    summary = first.resource_policy_summary
    assert summary.id.startswith("rp-")
    assert summary.arn == (
        f"arn:aws:organizations::{org.host.id}:resourcepolicy/{org.id}/{summary.id}"
    )
    second = org.put(delegating(org.member.id, "ListAccounts"))
    assert second.resource_policy_summary == summary
    host = root(org.host)
    assert host(api.DescribeResourcePolicy).resource_policy == second
    team = [api.Tag(key="Team", value="blue")]
    host(api.TagResource, resource_id=summary.id, tags=team)
    assert host(api.ListTagsForResource, resource_id=summary.id).tags == team
    with pytest.raises(api.TargetNotFoundException):
        host(api.TagResource, resource_id="rp-0123456789", tags=team)
    host(api.DeleteResourcePolicy)
    assert org.put(delegating(org.member.id, "ListRoots")).resource_policy_summary != summary


MEMBER = "@member"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Action": "organizations:CreateAccount"}, "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"),
        ({"Action": "organizations:*"}, "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"),
        ({"Action": "*"}, "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"),
        ({"Action": "kms:Encrypt"}, "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"),
        ({"Action": ["organizations:ListRoots", "organizations:Lis*Nothing"]}, ""),
        ({"Action": "organizations:ListR*"}, ""),
        ({"Action": None, "NotAction": "iam:*"}, "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"),
        ({"Resource": None, "NotResource": "arn:aws:organizations::*:root/*"},
         "UNSUPPORTED_RESOURCE_IN_RESOURCE_POLICY"),
        ({"Principal": "*"}, "INVALID_PRINCIPAL"),
        ({"Principal": {"AWS": "*"}}, "INVALID_PRINCIPAL"),
        ({"Principal": {"Service": "iam.amazonaws.com"}}, "INVALID_PRINCIPAL"),
        ({"Principal": {"AWS": "@host"}}, "INVALID_PRINCIPAL"),
        ({"Principal": {"AWS": ["@member", "@stranger"]}}, "INVALID_PRINCIPAL"),
        ({"Principal": {"AWS": "999999999999"}}, "INVALID_RESOURCE_POLICY_JSON"),
        ({"Principal": None, "NotPrincipal": {"AWS": "@member"}}, "INVALID_"),
        ({"Principal": None}, "INVALID_"),
        ({"Effect": "Maybe"}, "INVALID_RESOURCE_POLICY_JSON"),
        ({"Condition": {"StringEqual": {"aws:PrincipalArn": "x"}}},
         "INVALID_RESOURCE_POLICY_JSON"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_what_cannot_be_delegated(org: Organized, change: dict[str, Any], reason: str) -> None:
    """Actions that stay with the management account, and whoever is not a member."""
    stranger = org.host.world.account("stranger@example.com")
    names = {"@member": org.member.id, "@host": org.host.id, "@stranger": stranger.id}
    text = json.dumps({**delegating(org.member.id, "ListRoots"), **change})
    for name, account in names.items():
        text = text.replace(name, account)
    statement = {name: value for name, value in json.loads(text).items() if value is not None}
    if not reason:
        assert org.put(statement)
        return
    with pytest.raises(api.InvalidInputException) as caught:
        org.put(statement)
    assert caught.value.reason is not None
    assert caught.value.reason.startswith(reason)
    with pytest.raises(api.ResourcePolicyNotFoundException):
        root(org.host)(api.DescribeResourcePolicy)
