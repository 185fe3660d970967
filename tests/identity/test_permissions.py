"""Inline policies and attachments of users and groups."""

import json
from typing import Any
from urllib.parse import unquote

import pytest

from keystead.wire.models import iam as api
from keystead.wire.operation import Operation
from tests.identity.refusals import refused
from tests.identity.world import Person, Tenant, allow, deny

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def test_inline_policy(admin: Person) -> None:
    """An inline policy is written, read back percent-encoded, replaced, listed and deleted."""
    first, second = allow("kms:Encrypt"), allow("kms:Decrypt", "kms:List*")

    for text in (first, second):
        admin(api.PutUserPolicy, user_name="admin", policy_name="P", policy_document=text)
        read = admin(api.GetUserPolicy, user_name="ADMIN", policy_name="P")
        assert (read.user_name, read.policy_name) == ("admin", "P")
        assert unquote(read.policy_document) == text
    assert admin(api.ListUserPolicies, user_name="admin").policy_names == ["P"]
    admin(api.DeleteUserPolicy, user_name="admin", policy_name="P")
    operations: tuple[Operation[Any, Any], ...] = (api.GetUserPolicy, api.DeleteUserPolicy)
    for operation in operations:
        with refused("NoSuchEntity", "The user policy with name P cannot be found."):
            admin(operation, user_name="admin", policy_name="P")


def test_inline_policy_of_a_group(admin: Person) -> None:
    """The same for groups."""
    admin(api.CreateGroup, group_name="staff")
    admin(api.PutGroupPolicy, group_name="staff", policy_name="P", policy_document=allow("kms:*"))

    read = admin(api.GetGroupPolicy, group_name="staff", policy_name="P")
    assert unquote(read.policy_document) == allow("kms:*")
    assert admin(api.ListGroupPolicies, group_name="staff").policy_names == ["P"]
    admin(api.DeleteGroupPolicy, group_name="staff", policy_name="P")
    with refused("NoSuchEntity", "The group policy with name P cannot be found."):
        admin(api.GetGroupPolicy, group_name="staff", policy_name="P")


def test_inline_size(admin: Person) -> None:
    """All inline policies of a user together have at most 2,048 characters; white space is free."""
    size = len(json.dumps(json.loads(allow("kms:*")), separators=(",", ":")))

    def padded(length: int) -> str:
        base = json.loads(allow("kms:*"))
        base["Id"] = "x" * (length - size - len('"Id":"",'))
        return json.dumps(base, indent=8)

    admin(api.PutUserPolicy, user_name="admin", policy_name="a", policy_document=padded(1000))
    admin(api.PutUserPolicy, user_name="admin", policy_name="b", policy_document=padded(1048))
    with refused("LimitExceeded", "Maximum policy size of 2048 bytes exceeded for user admin"):
        admin(api.PutUserPolicy, user_name="admin", policy_name="b", policy_document=padded(1049))
    admin(api.PutUserPolicy, user_name="admin", policy_name="a", policy_document=padded(999))
    admin(api.PutUserPolicy, user_name="admin", policy_name="b", policy_document=padded(1049))


def test_attach(tenant: Tenant, admin: Person) -> None:
    """An attached policy counts until it is detached; attaching twice is one."""
    alice = tenant.user("alice")
    with refused("AccessDenied"):
        alice(api.ListUsers)

    for _ in range(2):
        admin(api.AttachUserPolicy, user_name="alice", policy_arn=READ_ONLY)
    alice(api.ListUsers)
    attached = admin(api.ListAttachedUserPolicies, user_name="alice").attached_policies
    assert attached == [api.AttachedPolicy(policy_name="ReadOnlyAccess", policy_arn=READ_ONLY)]
    admin(api.DetachUserPolicy, user_name="alice", policy_arn=READ_ONLY)
    with refused("AccessDenied"):
        alice(api.ListUsers)
    with refused("NoSuchEntity", f"Policy {READ_ONLY} was not found."):
        admin(api.DetachUserPolicy, user_name="alice", policy_arn=READ_ONLY)


def test_attach_to_a_group(tenant: Tenant, admin: Person) -> None:
    """A group's attached policy counts for its members."""
    alice = tenant.user("alice")
    admin(api.CreateGroup, group_name="staff")
    admin(api.AddUserToGroup, group_name="staff", user_name="alice")

    admin(api.AttachGroupPolicy, group_name="staff", policy_arn=READ_ONLY)
    alice(api.ListUsers)
    attached = admin(api.ListAttachedGroupPolicies, group_name="staff").attached_policies
    assert attached == [api.AttachedPolicy(policy_name="ReadOnlyAccess", policy_arn=READ_ONLY)]
    admin(api.DetachGroupPolicy, group_name="staff", policy_arn=READ_ONLY)
    with refused("AccessDenied"):
        alice(api.ListUsers)


def test_ten_attached_policies(admin: Person) -> None:
    """At most ten policies are attached to a user; one that is attached already is no eleventh."""
    admin(api.CreateUser, user_name="alice")
    arns = [
        str(admin(api.CreatePolicy, policy_name=f"p{n}", policy_document=allow("kms:*")).policy.arn)  # type: ignore[union-attr]  # it was made
        for n in range(11)
    ]
    for arn in arns[:10]:
        admin(api.AttachUserPolicy, user_name="alice", policy_arn=arn)

    with refused("LimitExceeded", "Cannot exceed quota for PoliciesPerUser: 10"):
        admin(api.AttachUserPolicy, user_name="alice", policy_arn=arns[10])
    admin(api.AttachUserPolicy, user_name="alice", policy_arn=arns[0])


def test_attached_by_path(admin: Person) -> None:
    """ListAttachedUserPolicies goes by the path of the policy."""
    view = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"
    admin(api.AttachUserPolicy, user_name="admin", policy_arn=view)

    def names(**members: object) -> list[str]:
        answer = admin(api.ListAttachedUserPolicies, user_name="admin", **members)
        return [str(policy.policy_name) for policy in answer.attached_policies or ()]

    assert names() == ["AdministratorAccess", "ViewOnlyAccess"]
    assert names(path_prefix="/job-function/") == ["ViewOnlyAccess"]


@pytest.mark.parametrize("operation", [api.AttachUserPolicy, api.DetachUserPolicy])
def test_only_certain_policies(
    tenant: Tenant, admin: Person, operation: Operation[Any, Any]
) -> None:
    """Attaching and detaching can be allowed for one policy only."""
    lead = tenant.user(
        "lead",
        allow("iam:AttachUserPolicy", "iam:DetachUserPolicy",
              Condition={"ArnEquals": {"iam:PolicyARN": READ_ONLY}}),
    )  # fmt: skip
    admin(api.CreateUser, user_name="alice")
    admin(api.AttachUserPolicy, user_name="alice", policy_arn=READ_ONLY)

    lead(operation, user_name="alice", policy_arn=READ_ONLY)
    with refused("AccessDenied"):
        lead(operation, user_name="alice", policy_arn="arn:aws:iam::aws:policy/AdministratorAccess")


def test_only_bounded_users(tenant: Tenant, admin: Person) -> None:
    """A lead who may write policies of bounded users only cannot touch an unbounded one."""
    boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
    lead = tenant.user(
        "lead", allow("iam:*", Condition={"StringEquals": {"iam:PermissionsBoundary": boundary}})
    )
    admin(api.CreateUser, user_name="bounded", permissions_boundary=boundary)
    admin(api.CreateUser, user_name="free")
    members = {"policy_name": "p", "policy_document": allow("kms:*")}

    lead(api.PutUserPolicy, user_name="bounded", **members)
    lead(api.AttachUserPolicy, user_name="bounded", policy_arn=READ_ONLY)
    with refused("AccessDenied"):
        lead(api.PutUserPolicy, user_name="free", **members)
    with refused("AccessDenied"):
        lead(api.AttachUserPolicy, user_name="free", policy_arn=READ_ONLY)


def test_a_detached_deny_widens(tenant: Tenant, admin: Person) -> None:
    """A Deny in force ends with its inline policy, at the next call."""
    alice = tenant.user("alice", allow("iam:ListUsers"), deny("iam:ListUsers"))

    with refused("AccessDenied", "explicit deny"):
        alice(api.ListUsers)
    admin(api.DeleteUserPolicy, user_name="alice", policy_name="inline1")
    alice(api.ListUsers)


def test_a_new_user_of_an_old_name_inherits_nothing(tenant: Tenant, admin: Person) -> None:
    """Deleted and made again, a user has a new id and none of the permissions."""
    admin(api.CreateUser, user_name="alice")
    first = admin(api.GetUser, user_name="alice").user
    admin(api.AttachUserPolicy, user_name="alice", policy_arn=READ_ONLY)
    admin(api.DetachUserPolicy, user_name="alice", policy_arn=READ_ONLY)
    admin(api.DeleteUser, user_name="alice")
    admin(api.CreateUser, user_name="alice")

    assert admin(api.GetUser, user_name="alice").user.user_id != first.user_id
    assert Person(tenant, "alice").caller.policies.identity_based == ()
