"""Groups: made, shown, renamed, listed, joined, left, deleted."""

import pytest

from keystead.identity import limits
from keystead.identity.repository import Group, new
from keystead.wire.models import iam as api
from tests.identity.refusals import refused
from tests.identity.world import Change, Person, Tenant, World, allow


def test_create(tenant: Tenant, admin: Person) -> None:
    """A new group has path, id and ARN, and its name is taken in every case."""
    made = admin(api.CreateGroup, group_name="Staff", path="/team/").group

    assert made.arn == f"arn:aws:iam::{tenant.id}:group/team/Staff"
    assert made.group_id.startswith("AGPA")
    assert admin(api.GetGroup, group_name="STAFF").group == made
    with refused("EntityAlreadyExists", "Group with name staff already exists."):
        admin(api.CreateGroup, group_name="staff")


def test_rename(tenant: Tenant, admin: Person) -> None:
    """A renamed group keeps its id and members; both names must be allowed."""
    made = admin(api.CreateGroup, group_name="staff").group
    lead = tenant.user(
        "lead", allow("iam:UpdateGroup", resource=f"arn:aws:iam::{tenant.id}:group/staff")
    )

    with refused("AccessDenied", "group/crew"):
        lead(api.UpdateGroup, group_name="staff", new_group_name="crew")
    admin(api.UpdateGroup, group_name="staff", new_group_name="crew", new_path="/x/")
    assert admin(api.GetGroup, group_name="crew").group.group_id == made.group_id
    admin(api.CreateGroup, group_name="staff")
    with refused("EntityAlreadyExists"):
        admin(api.UpdateGroup, group_name="crew", new_group_name="Staff")


def test_membership_gives_and_takes(tenant: Tenant, admin: Person) -> None:
    """Members have the group's permissions, from joining to leaving; joining twice is one."""
    alice = tenant.user("alice")
    admin(api.CreateGroup, group_name="staff")
    admin(
        api.PutGroupPolicy,
        group_name="staff",
        policy_name="p",
        policy_document=allow("iam:ListUsers"),
    )
    with refused("AccessDenied"):
        alice(api.ListUsers)

    for _ in range(2):
        admin(api.AddUserToGroup, group_name="staff", user_name="alice")
    alice(api.ListUsers)
    assert [u.user_name for u in admin(api.GetGroup, group_name="staff").users] == ["alice"]
    joined = admin(api.ListGroupsForUser, user_name="alice")
    assert [group.group_name for group in joined.groups] == ["staff"]

    admin(api.RemoveUserFromGroup, group_name="staff", user_name="alice")
    with refused("AccessDenied"):
        alice(api.ListUsers)
    admin(api.RemoveUserFromGroup, group_name="staff", user_name="alice")  # nothing to remove
    for names in (
        {"group_name": "staff", "user_name": "x"},
        {"group_name": "x", "user_name": "alice"},
    ):
        with refused("NoSuchEntity"):
            admin(api.RemoveUserFromGroup, **names)


def test_members_page(admin: Person) -> None:
    """GetGroup pages the members by name."""
    admin(api.CreateGroup, group_name="staff")
    for name in ("c", "a", "B"):
        admin(api.CreateUser, user_name=name)
        admin(api.AddUserToGroup, group_name="staff", user_name=name)

    first = admin(api.GetGroup, group_name="staff", max_items=2)
    second = admin(api.GetGroup, group_name="staff", max_items=2, marker=first.marker)

    assert [user.user_name for user in first.users] == ["a", "B"]
    assert [user.user_name for user in second.users] == ["c"]
    assert (first.is_truncated, second.is_truncated, second.marker) == (True, False, None)


def test_ten_groups_per_user(admin: Person) -> None:
    """A user is in at most ten groups."""
    admin(api.CreateUser, user_name="alice")
    for number in range(11):
        admin(api.CreateGroup, group_name=f"g{number}")
    for number in range(10):
        admin(api.AddUserToGroup, group_name=f"g{number}", user_name="alice")

    with refused("LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10"):
        admin(api.AddUserToGroup, group_name="g10", user_name="alice")
    admin(api.RemoveUserFromGroup, group_name="g0", user_name="alice")
    admin(api.AddUserToGroup, group_name="g10", user_name="alice")


def test_delete_only_when_bare(admin: Person) -> None:
    """A group is deleted when it has no members and no policies."""
    policy = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    admin(api.CreateGroup, group_name="staff")
    admin(api.AddUserToGroup, group_name="staff", user_name="admin")
    admin(api.AttachGroupPolicy, group_name="staff", policy_arn=policy)
    admin(api.PutGroupPolicy, group_name="staff", policy_name="p", policy_document=allow("kms:*"))
    steps: tuple[Change, ...] = (
        ("remove users from group first.", api.RemoveUserFromGroup, {"user_name": "admin"}),
        ("detach all policies first.", api.DetachGroupPolicy, {"policy_arn": policy}),
        ("delete policies first.", api.DeleteGroupPolicy, {"policy_name": "p"}),
    )

    for remedy, operation, members in steps:
        with refused("DeleteConflict", f"Cannot delete entity, must {remedy}"):
            admin(api.DeleteGroup, group_name="staff")
        admin(operation, group_name="staff", **members)
    admin(api.DeleteGroup, group_name="staff")
    assert admin(api.ListGroups).groups == []


@pytest.mark.parametrize(
    ("group", "user", "missing"), [("nothing", "admin", "group"), ("staff", "nobody", "user")]
)
def test_both_must_exist(admin: Person, group: str, user: str, missing: str) -> None:
    """Who joins and what is joined must exist."""
    admin(api.CreateGroup, group_name="staff")

    with refused("NoSuchEntity", f"The {missing} with name no"):
        admin(api.AddUserToGroup, group_name=group, user_name=user)
    with refused("NoSuchEntity", f"The {missing} with name no"):
        admin(api.RemoveUserFromGroup, group_name=group, user_name=user)


def test_quota(tenant: Tenant, admin: Person) -> None:
    """An account has so many groups and no more; each that is deleted makes room for one."""
    for number in range(limits.GROUPS_PER_ACCOUNT):
        admin(api.CreateGroup, group_name=f"group-{number}")

    for name in ("group-7", "group-8"):
        with refused("LimitExceeded", "Cannot exceed quota for GroupsPerAccount: 300"):
            admin(api.CreateGroup, group_name="other")
        with refused("EntityAlreadyExists"):
            admin(api.CreateGroup, group_name=name)
        admin(api.DeleteGroup, group_name=name)
        admin(api.CreateGroup, group_name=name)
    with refused("LimitExceeded"):
        admin(api.CreateGroup, group_name="other")


def test_a_quota_counts_what_is_there(tenant: Tenant, admin: Person, world: World) -> None:
    """A group that was made in a call or a turn that is undone takes no room, and gives none."""
    groups = world.repository.groups
    admin(api.CreateGroup, group_name="first")

    def has_room(most: int) -> bool:
        with world.store.write() as transaction:
            return groups.has_room(transaction, tenant.id, most)

    def make(name: str) -> None:
        with world.store.write() as transaction:
            groups.insert(transaction, new(Group, tenant.id, "/", name, 0))

    assert has_room(2)
    assert not has_room(1)
    with pytest.raises(RuntimeError, match="undone"), world.store.write() as transaction:
        groups.insert(transaction, new(Group, tenant.id, "/", "second", 0))
        raise RuntimeError("undone")
    assert has_room(2)
    world.store.flush()
    make("second")
    assert not has_room(2)
    assert has_room(3)
    world.store.undo()
    assert has_room(2)
    make("second")
    assert not has_room(2)
