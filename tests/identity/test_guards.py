"""Guards against gaining rights by changing rights, for every kind of identity (threat-model 7).

Each refusal has its twin: the same call, allowed when one thing is changed. Which test holds which
guard is in `tests/guards.py`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from keystead.identity.authentication import Caller
from keystead.wire.models import iam as api
from keystead.wire.models import sts
from keystead.wire.operation import Operation
from tests.identity.assuming import assume, authenticated, stored_role, trusting
from tests.identity.refusals import refused
from tests.identity.world import Person, Tenant, allow, deny, document

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
EVERYTHING = "arn:aws:iam::aws:policy/AdministratorAccess"
KINDS: Mapping[str, tuple[dict[str, Any], Operation[Any, Any]]] = {
    "User": ({"user_name": "it"}, api.CreateUser),
    "Group": ({"group_name": "it"}, api.CreateGroup),
    "Role": ({"role_name": "it"}, api.CreateRole),
}
Call = Callable[..., Any]


def made(tenant: Tenant, kind: str, **members: Any) -> dict[str, Any]:
    """A user, group or role; how requests name it."""
    named, create = KINDS[kind]
    if kind == "Role":
        members["assume_role_policy_document"] = trusting(tenant.id)
    tenant.root(create, **named, **members)
    return named


@pytest.mark.parametrize("verb", ["Attach", "Detach"])
@pytest.mark.parametrize("kind", KINDS)
def test_only_certain_policies(tenant: Tenant, kind: str, verb: str) -> None:
    """Attaching and detaching can be allowed for one policy, on one user, group or role."""
    named = made(tenant, kind)
    operation = getattr(api, f"{verb}{kind}Policy")
    arn = f"arn:aws:iam::{tenant.id}:{kind.lower()}/it"
    condition = {"ArnEquals": {"iam:PolicyARN": READ_ONLY}}
    action = f"iam:{verb}{kind}Policy"
    lead = tenant.user("lead", allow(action, resource=arn, Condition=condition))
    elsewhere = tenant.user("elsewhere", allow(action, resource=f"{arn}s", Condition=condition))
    for policy in (READ_ONLY, EVERYTHING):
        tenant.root(getattr(api, f"Attach{kind}Policy"), **named, policy_arn=policy)

    for who, policy in ((lead, EVERYTHING), (elsewhere, READ_ONLY)):
        with refused("AccessDenied"):
            who(operation, **named, policy_arn=policy)
    lead(operation, **named, policy_arn=READ_ONLY)


@pytest.mark.parametrize("kind", ["User", "Role"])
def test_removing_a_boundary_can_be_denied(tenant: Tenant, kind: str) -> None:
    """To remove or replace a boundary is asked with a boundary, which a Deny may name."""
    named = made(tenant, kind, permissions_boundary=READ_ONLY)
    kept = {"StringEquals": {"iam:PermissionsBoundary": READ_ONLY}}
    remove = getattr(api, f"Delete{kind}PermissionsBoundary")
    lead = tenant.user("lead", allow("iam:*"), deny(f"iam:{remove.name}", Condition=kept))

    with refused("AccessDenied", "explicit deny"):
        lead(remove, **named)
    put = getattr(api, f"Put{kind}PermissionsBoundary")
    tenant.root(put, **named, permissions_boundary=EVERYTHING)
    lead(remove, **named)


def bounding(tenant: Tenant, name: str, *statements: dict[str, Any]) -> str:
    """A managed policy for a boundary; its ARN."""
    policy = tenant.root(
        api.CreatePolicy, policy_name=name, policy_document=document(*statements)
    ).policy
    assert policy is not None
    assert policy.arn is not None
    return policy.arn


def asker(tenant: Tenant, kind: str, boundary: str) -> Call:
    """A bounded user, or a session of a bounded role, who may do everything within it."""
    everything = {"policy_name": "all", "policy_document": allow("*")}
    named = made(tenant, kind, permissions_boundary=boundary)
    tenant.root(getattr(api, f"Put{kind}Policy"), **named, **everything)
    if kind == "User":
        return Person(tenant, "it")
    session = assume(tenant.administrator("first"), f"arn:aws:iam::{tenant.id}:role/it")

    def call(operation: Any, **members: Any) -> Any:
        found = authenticated(tenant, session)
        caller = Caller(found.principal, found.policies, found.keys)
        return tenant.world.run(caller, operation, found.session, **members)

    return call


@pytest.mark.parametrize("kind", ["User", "Role"])
def test_nobody_sheds_the_own_boundary(tenant: Tenant, kind: str) -> None:
    """Who may do all within a boundary that leaves its removal out, removes and loosens it not.

    Neither is a policy of one's own a way around it, nor a new user or role.
    """
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    arn = f"arn:aws:iam::{tenant.id}:policy/bound"
    shut = {"Effect": "Deny", "Resource": "*", "Action": "iam:*PermissionsBoundary"}
    fixed = {"Effect": "Deny", "Resource": arn, "Action": "iam:*Policy*"}
    bound = bounding(tenant, "bound", everything, shut, fixed)
    named = KINDS[kind][0]
    remove = getattr(api, f"Delete{kind}PermissionsBoundary")
    put = getattr(api, f"Put{kind}PermissionsBoundary")
    inline = {"policy_name": "more", "policy_document": allow("*")}
    call = asker(tenant, kind, bound)

    loosened = {"policy_arn": bound, "policy_document": allow("*"), "set_as_default": True}
    call(getattr(api, f"Put{kind}Policy"), **named, **inline)
    for operation, members in (
        (remove, named),
        (put, {**named, "permissions_boundary": EVERYTHING}),
        (api.CreatePolicyVersion, loosened),
        (api.DeletePolicy, {"policy_arn": bound}),
    ):
        with refused("AccessDenied", "explicit deny"):
            call(operation, **members)
    tenant.root(put, **named, permissions_boundary=EVERYTHING)
    call(remove, **named)
    tenant.root(put, **named, permissions_boundary=EVERYTHING)
    call(api.CreatePolicyVersion, **loosened)


def test_one_group_only(tenant: Tenant) -> None:
    """Who may add to one group, or remove from it, does it with no other group."""
    for name in ("staff", "chiefs"):
        tenant.root(api.CreateGroup, group_name=name)
    arn = f"arn:aws:iam::{tenant.id}:group/staff"
    lead = tenant.user("lead", allow("iam:AddUserToGroup", "iam:RemoveUserFromGroup", resource=arn))

    both: tuple[Operation[Any, Any], ...] = (api.AddUserToGroup, api.RemoveUserFromGroup)
    for operation in both:
        lead(operation, group_name="staff", user_name="lead")
        with refused("AccessDenied"):
            lead(operation, group_name="chiefs", user_name="lead")


def test_fifty_tags_in_all(tenant: Tenant) -> None:
    """Tags that go on count beside those that are passed: fifty in all, and not one more."""
    alice = tenant.user("alice", allow("sts:*"))
    for name in ("first", "second"):
        stored_role(tenant, name, trusting(tenant.id))
    first, second = (f"arn:aws:iam::{tenant.id}:role/{name}" for name in ("first", "second"))
    may = {"policy_name": "p", "policy_document": allow("sts:*")}
    tenant.root(api.PutRolePolicy, role_name="first", **may)
    tags = [sts.Tag(key=f"k{number}", value="v") for number in range(51)]
    going_on = [tag.key for tag in tags[:30]]
    session = (tenant, assume(alice, first, tags=tags[:30], transitive_tag_keys=going_on))

    with refused("InvalidParameterValue", "A session can have at most 50 tags."):
        assume(session, second, tags=tags[30:])
    assume(session, second, tags=tags[31:])
