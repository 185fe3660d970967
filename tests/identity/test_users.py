"""Users: made, shown, renamed, listed, deleted, and only by those who may."""

import pytest

from keystead.wire.models import iam as api
from tests.identity.refusals import refused
from tests.identity.world import NOW, Change, Person, Tenant, World, allow, deny


def test_create(tenant: Tenant, admin: Person) -> None:
    """A new user has path, id, ARN, date, tags and boundary as asked for."""
    boundary = "arn:aws:iam::aws:policy/PowerUserAccess"

    made = admin(
        api.CreateUser,
        user_name="Alice",
        path="/team/",
        permissions_boundary=boundary,
        tags=[api.Tag(key="Team", value="blue")],
    ).user

    assert made is not None
    assert made.arn == f"arn:aws:iam::{tenant.id}:user/team/Alice"
    assert (made.user_name, made.path, made.create_date) == ("Alice", "/team/", NOW)
    assert made.user_id.startswith("AIDA")
    assert len(made.user_id) == 21
    assert made.permissions_boundary is not None
    assert made.permissions_boundary.permissions_boundary_arn == boundary
    assert str(made.permissions_boundary.permissions_boundary_type) == "Policy"
    assert made.tags == [api.Tag(key="Team", value="blue")]
    assert admin(api.GetUser, user_name="alice").user == made


def test_names_are_unique_in_any_case(admin: Person) -> None:
    """A name is taken in every case; another name is free."""
    admin(api.CreateUser, user_name="Alice")

    with refused("EntityAlreadyExists", "User with name aLICE already exists."):
        admin(api.CreateUser, user_name="aLICE", path="/elsewhere/")
    admin(api.CreateUser, user_name="Alicia")


def test_accounts_do_not_share_names(world: World, admin: Person) -> None:
    """Two accounts have a user of one name each, and neither sees the other's."""
    other = world.account("other@example.com").administrator()
    mine = admin(api.CreateUser, user_name="alice").user
    theirs = other(api.CreateUser, user_name="alice").user

    assert mine is not None
    assert theirs is not None
    assert mine.user_id != theirs.user_id
    assert admin(api.GetUser, user_name="alice").user == mine
    assert [user.user_name for user in other(api.ListUsers).users] == ["admin", "alice"]


def test_boundary_must_be_a_policy(world: World, admin: Person) -> None:
    """A boundary is an existing managed policy of AWS's or the account's own."""
    foreign = world.account("other@example.com").administrator()(
        api.CreatePolicy, policy_name="theirs", policy_document=allow("kms:*")
    )
    assert foreign.policy is not None

    for arn in ("arn:aws:iam::aws:policy/Nothing", foreign.policy.arn):
        with refused("NoSuchEntity", f"Policy {arn} does not exist or is not attachable."):
            admin(api.CreateUser, user_name="alice", permissions_boundary=arn)
    for arn in ("not-an-arn-at-all-really", "arn:aws:iam::123456789012:user/alice"):
        with refused("InvalidParameterValue", f"Value ({arn}) for parameter PermissionsBoundary"):
            admin(api.CreateUser, user_name="alice", permissions_boundary=arn)


def test_the_caller_when_no_name_is_given(tenant: Tenant) -> None:
    """GetUser without a name is the caller, who may be root."""
    alice = tenant.user(
        "alice", allow("iam:GetUser", resource=f"arn:aws:iam::{tenant.id}:user/alice")
    )

    assert alice(api.GetUser).user.user_name == "alice"
    root = tenant.root(api.GetUser).user
    assert (root.arn, root.user_id) == (f"arn:aws:iam::{tenant.id}:root", tenant.id)
    assert root.user_name is None


def test_who_may_not_ask_learns_nothing(tenant: Tenant) -> None:
    """Without permission, an existing user and a missing one are refused alike."""
    mallory = tenant.user("mallory")
    tenant.user("alice")

    for name in ("alice", "nobody"):
        arn = f"arn:aws:iam::{tenant.id}:user/{name}"
        with refused("AccessDenied", f"iam:GetUser on resource: {arn} because no identity-based"):
            mallory(api.GetUser, user_name=name)
    with refused("NoSuchEntity", "The user with name nobody cannot be found."):
        tenant.root(api.GetUser, user_name="nobody")


def test_permission_is_asked_on_the_path(tenant: Tenant) -> None:
    """A policy for one path covers users of that path only."""
    lead = tenant.user("lead", allow("iam:*", resource=f"arn:aws:iam::{tenant.id}:user/team/*"))

    lead(api.CreateUser, user_name="alice", path="/team/")
    lead(api.GetUser, user_name="alice")
    with refused("AccessDenied"):
        lead(api.CreateUser, user_name="bob", path="/")


def test_conditions_on_tags_and_boundary(tenant: Tenant) -> None:
    """CreateUser can be allowed only with a certain tag and a certain boundary."""
    boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    lead = tenant.user(
        "lead",
        allow("iam:CreateUser", Condition={
            "StringEquals": {"aws:RequestTag/Team": "blue", "iam:PermissionsBoundary": boundary},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
        }),
        allow("iam:TagUser"),
    )  # fmt: skip
    good = {"tags": [api.Tag(key="team", value="blue")], "permissions_boundary": boundary}

    lead(api.CreateUser, user_name="alice", **good)
    for change in (
        {"tags": [api.Tag(key="team", value="red")]},
        {"tags": None},
        {"tags": [api.Tag(key="team", value="blue"), api.Tag(key="x", value="")]},
        {"permissions_boundary": None},
        {"permissions_boundary": "arn:aws:iam::aws:policy/AdministratorAccess"},
    ):
        with refused("AccessDenied"):
            lead(api.CreateUser, user_name="bob", **{**good, **change})


def test_rename(tenant: Tenant, admin: Person) -> None:
    """A renamed user keeps id, policies and keys; the ARN is new."""
    alice = tenant.user("alice", allow("iam:GetUser"))
    before = alice(api.GetUser).user

    admin(api.UpdateUser, user_name="alice", new_user_name="Alicia", new_path="/x/")

    after = Person(tenant, "alicia")(api.GetUser).user
    assert (after.user_id, after.arn) == (before.user_id, f"arn:aws:iam::{tenant.id}:user/x/Alicia")
    with refused("NoSuchEntity"):
        admin(api.GetUser, user_name="alice")


def test_rename_changes_case(admin: Person) -> None:
    """A user may be renamed to the same name in another case, but not to a taken name."""
    admin(api.CreateUser, user_name="alice")
    admin(api.CreateUser, user_name="bob")

    admin(api.UpdateUser, user_name="alice", new_user_name="ALICE")
    assert admin(api.GetUser, user_name="alice").user.user_name == "ALICE"
    with refused("EntityAlreadyExists", "User with name Bob already exists."):
        admin(api.UpdateUser, user_name="alice", new_user_name="Bob")


def test_rename_needs_both_names(tenant: Tenant) -> None:
    """Who may not touch the new name cannot rename to it."""
    mine = f"arn:aws:iam::{tenant.id}:user/mine/*"
    lead = tenant.user("lead", allow("iam:UpdateUser", resource=mine))
    tenant.user("alice", path="/mine/")

    with refused("AccessDenied", f"arn:aws:iam::{tenant.id}:user/theirs/alice"):
        lead(api.UpdateUser, user_name="alice", new_path="/theirs/")
    lead(api.UpdateUser, user_name="alice", new_path="/mine/more/")


def test_delete_only_when_bare(tenant: Tenant, admin: Person) -> None:
    """A user is deleted when nothing is left of it; until then the conflict says what is."""
    alice = tenant.user("alice", allow("kms:*"))
    assert alice.key is not None
    policy = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    admin(api.AttachUserPolicy, user_name="alice", policy_arn=policy)
    admin(api.CreateGroup, group_name="staff")
    admin(api.AddUserToGroup, group_name="staff", user_name="alice")
    steps: tuple[Change, ...] = (
        ("delete access keys first.", api.DeleteAccessKey,
         {"user_name": "alice", "access_key_id": alice.key.access_key_id}),
        ("detach all policies first.", api.DetachUserPolicy,
         {"user_name": "alice", "policy_arn": policy}),
        ("delete policies first.", api.DeleteUserPolicy,
         {"user_name": "alice", "policy_name": "inline0"}),
        ("remove users from group first.", api.RemoveUserFromGroup,
         {"user_name": "alice", "group_name": "staff"}),
    )  # fmt: skip

    for remedy, operation, members in steps:
        with refused("DeleteConflict", f"Cannot delete entity, must {remedy}"):
            admin(api.DeleteUser, user_name="alice")
        admin(operation, **members)
    admin(api.DeleteUser, user_name="alice")
    with refused("NoSuchEntity"):
        admin(api.GetUser, user_name="alice")


def test_explicit_deny_binds_the_administrator(tenant: Tenant, admin: Person) -> None:
    """A Deny stops even an administrator."""
    tenant.root(
        api.PutUserPolicy,
        user_name="admin",
        policy_name="no",
        policy_document=deny("iam:DeleteUser"),
    )
    admin(api.CreateUser, user_name="alice")

    with refused("AccessDenied", "with an explicit deny in an identity-based policy"):
        admin(api.DeleteUser, user_name="alice")


def test_list(admin: Person) -> None:
    """Lists go by name and path prefix, without tags and boundaries."""
    for name, path in (("b", "/x/"), ("C", "/x/y/"), ("a", "/")):
        admin(
            api.CreateUser,
            user_name=name,
            path=path,
            tags=[api.Tag(key="k", value="v")],
            permissions_boundary="arn:aws:iam::aws:policy/ReadOnlyAccess",
        )

    everyone = admin(api.ListUsers)
    assert [user.user_name for user in everyone.users] == ["a", "admin", "b", "C"]
    assert everyone.is_truncated is False
    assert everyone.users[0].tags is None
    assert everyone.users[0].permissions_boundary is None
    some = admin(api.ListUsers, path_prefix="/x/")
    assert [user.user_name for user in some.users] == ["b", "C"]


PATHS = ["/x/", "/x/y/", "/x/y/z/", "/xy/", "/", "/a/", "/y/x/", "/x~/"]


@pytest.mark.parametrize("prefix", ["/x/", "/x", "/x/y/", "/none/", "/x/y/z/", "/xy/", "/"])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_pages_below_a_path(admin: Person, prefix: str, size: int) -> None:
    """Each user below the path is on one page, and no other user is, whatever the pages' size."""
    admin(api.CreateUser, user_name="B", path="/x/")
    for number, path in enumerate(PATHS):
        admin(api.CreateUser, user_name=f"u{number}", path=path)
    users = [("B", "/x/"), *((f"u{number}", path) for number, path in enumerate(PATHS))]
    wanted = {name for name, path in users if path.startswith(prefix)}

    seen, marker = [], None
    while True:
        page = admin(api.ListUsers, path_prefix=prefix, max_items=size, marker=marker)
        assert len(page.users) <= size
        seen += [user.user_name for user in page.users]
        marker = page.marker
        if not page.is_truncated:
            break
    assert sorted(seen) == sorted(wanted | ({"admin"} if prefix == "/" else set()))


def test_boundary_is_set_and_removed(tenant: Tenant, admin: Person) -> None:
    """A boundary limits the user from the next call on, until it is removed."""
    alice = tenant.user("alice", allow("iam:*"))
    alice(api.ListUsers)

    admin(
        api.PutUserPermissionsBoundary,
        user_name="alice",
        permissions_boundary="arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser",
    )
    alice(api.ListUsers)
    with refused("AccessDenied", "because no permissions boundary allows the iam:CreateUser"):
        alice(api.CreateUser, user_name="bob")

    admin(api.DeleteUserPermissionsBoundary, user_name="alice")
    alice(api.CreateUser, user_name="bob")
    with refused("NoSuchEntity"):
        admin(api.DeleteUserPermissionsBoundary, user_name="alice")


def test_removing_a_boundary_can_be_denied(tenant: Tenant, admin: Person) -> None:
    """DeleteUserPermissionsBoundary is asked with the boundary that is set."""
    boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    lead = tenant.user(
        "lead",
        allow("iam:DeleteUserPermissionsBoundary"),
        deny("iam:*", Condition={"StringEquals": {"iam:PermissionsBoundary": boundary}}),
    )
    for name, arn in (("alice", boundary), ("bob", "arn:aws:iam::aws:policy/PowerUserAccess")):
        admin(api.CreateUser, user_name=name, permissions_boundary=arn)

    with refused("AccessDenied", "explicit deny"):
        lead(api.DeleteUserPermissionsBoundary, user_name="alice")
    lead(api.DeleteUserPermissionsBoundary, user_name="bob")


def test_a_path_that_is_aws_own(tenant: Tenant, admin: Person) -> None:
    """Nobody, not even root, makes a user under /aws-reserved/ or moves one there."""
    admin(api.CreateUser, user_name="mine", path="/aws/reserved/")
    for caller in (admin, tenant.root):
        with refused("AccessDenied"):
            caller(api.CreateUser, user_name="theirs", path="/aws-reserved/sso/")
        with refused("AccessDenied"):
            caller(api.UpdateUser, user_name="mine", new_path="/aws-reserved/sso/")
    admin(api.UpdateUser, user_name="mine", new_path="/team/")
