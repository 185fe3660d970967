"""Access keys: issued once, at most two, of the caller or of whom the caller may manage."""

import re
from datetime import timedelta

import pytest

from keystead.identity import times
from keystead.wire.models import iam as api
from tests.identity.refusals import refused
from tests.identity.world import NOW, Person, Tenant, World, allow


def test_issue(tenant: Tenant, admin: Person) -> None:
    """A new key is active; its secret is in the answer and in no list."""
    made = admin(api.CreateAccessKey).access_key

    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", made.access_key_id)
    assert re.fullmatch(r"[A-Za-z0-9+/]{40}", made.secret_access_key)
    assert (made.user_name, made.status) == ("admin", "Active")
    listed = admin(api.ListAccessKeys, user_name="admin").access_key_metadata
    assert {key.access_key_id for key in listed} >= {made.access_key_id}
    assert all(
        (key.user_name, key.status, key.create_date) == ("admin", "Active", NOW) for key in listed
    )


def test_two_keys(tenant: Tenant, admin: Person) -> None:
    """Two keys per user and for root, not three; one that is deleted makes room."""
    for person in (admin, tenant.root):
        kept = [key.access_key_id for key in person(api.ListAccessKeys).access_key_metadata]
        while len(kept) < 2:
            kept.append(person(api.CreateAccessKey).access_key.access_key_id)
        with refused("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2"):
            person(api.CreateAccessKey)
        person(api.DeleteAccessKey, access_key_id=kept[0])
        person(api.CreateAccessKey)


def test_of_another_owner(tenant: Tenant, admin: Person) -> None:
    """A key is changed and deleted only together with its owner's name."""
    alice = tenant.user("alice")
    assert alice.key is not None
    key_id = alice.key.access_key_id

    for members in ({"user_name": "admin"}, {}):
        with refused("NoSuchEntity", f"The Access Key with id {key_id} cannot be found"):
            admin(api.UpdateAccessKey, access_key_id=key_id, status="Inactive", **members)
        with refused("NoSuchEntity"):
            admin(api.DeleteAccessKey, access_key_id=key_id, **members)
    admin(api.UpdateAccessKey, user_name="alice", access_key_id=key_id, status="Inactive")
    assert admin(api.ListAccessKeys, user_name="alice").access_key_metadata[0].status == "Inactive"
    admin(api.DeleteAccessKey, user_name="alice", access_key_id=key_id)
    assert admin(api.ListAccessKeys, user_name="alice").access_key_metadata == []


def test_own_keys_only(tenant: Tenant) -> None:
    """Who may manage the own keys cannot touch those of others."""
    alice = tenant.user(
        "alice",
        allow("iam:*AccessKey*", resource=f"arn:aws:iam::{tenant.id}:user/${{aws:username}}"),
    )
    bob = tenant.user("bob")
    assert bob.key is not None

    alice(api.CreateAccessKey)
    with refused(
        "AccessDenied", f"iam:CreateAccessKey on resource: arn:aws:iam::{tenant.id}:user/bob"
    ):
        alice(api.CreateAccessKey, user_name="bob")
    with refused("AccessDenied"):
        alice(api.DeleteAccessKey, user_name="bob", access_key_id=bob.key.access_key_id)


def test_expired_is_no_status_of_access_keys(admin: Person) -> None:
    """The model's third status belongs to other credentials."""
    assert admin.key is not None

    with refused("ValidationError", "enum value set: [Active, Inactive]"):
        admin(api.UpdateAccessKey, access_key_id=admin.key.access_key_id, status="Expired")


def test_last_used(world: World, tenant: Tenant, admin: Person) -> None:
    """A key that was never used says N/A; afterwards when, where and for what."""
    assert admin.key is not None
    key_id = admin.key.access_key_id

    never = admin(api.GetAccessKeyLastUsed, access_key_id=key_id)
    assert never.user_name == "admin"
    assert never.access_key_last_used == api.AccessKeyLastUsed(service_name="N/A", region="N/A")

    world.last_used.note(tenant.id, key_id, NOW, "eu-central-1", "kms")
    used = admin(api.GetAccessKeyLastUsed, access_key_id=key_id).access_key_last_used
    assert used == api.AccessKeyLastUsed(
        last_used_date=NOW, service_name="kms", region="eu-central-1"
    )


def test_last_used_of_a_deleted_key_is_dropped(world: World, tenant: Tenant, admin: Person) -> None:
    """A use that was noted before the key was deleted is not kept."""
    alice = tenant.user("alice")
    assert alice.key is not None
    world.last_used.note(tenant.id, alice.key.access_key_id, NOW, "eu-central-1", "kms")
    admin(api.DeleteAccessKey, user_name="alice", access_key_id=alice.key.access_key_id)

    world.last_used.flush(world.repository, world.store, world.store.flush)

    read = world.store.read()
    assert world.repository.access_keys.last_use(read, tenant.id, alice.key.access_key_id) is None


def test_many_last_uses_are_written_in_steps(world: World, tenant: Tenant) -> None:
    """A step writes some; a key that is used meanwhile makes the round no longer, and is kept."""
    made = [tenant.user(f"user{number}").key for number in range(5)]
    keys = [each.access_key_id for each in made if each is not None]
    for key_id in keys:
        world.last_used.note(tenant.id, key_id, NOW, "eu-central-1", "kms")
    later = NOW + timedelta(seconds=7)

    def written() -> list[str]:
        read, stored = world.store.read(), world.repository.access_keys
        return [key_id for key_id in keys if stored.last_use(read, tenant.id, key_id)]

    def step() -> bool:
        more = world.last_used.flush(world.repository, world.store, world.store.flush, 2)
        world.last_used.note(tenant.id, keys[0], later, "eu-central-1", "kms")
        return more

    assert step()
    assert written() == keys[:2]
    assert step()
    assert not step()
    assert written() == keys
    known = world.last_used.of(world.repository.access_keys, world.store.read(), tenant.id, keys[0])
    assert known is not None
    assert known.used == times.stored(later)


@pytest.mark.parametrize("known", [False, True])
def test_last_used_of_foreign_keys(world: World, admin: Person, known: bool) -> None:
    """Whether a key of another account exists, nobody learns, whatever the permissions."""
    other = world.account("other@example.com").administrator()
    assert other.key is not None
    key_id = other.key.access_key_id if known else "AKIAQNZGKIQY56JQ7WML"

    with refused("AccessDenied", f"on resource: access key {key_id}"):
        admin(api.GetAccessKeyLastUsed, access_key_id=key_id)


def test_last_used_is_asked_on_the_owner(tenant: Tenant, admin: Person) -> None:
    """GetAccessKeyLastUsed is about the user who owns the key."""
    assert admin.key is not None
    alice = tenant.user(
        "alice", allow("iam:GetAccessKeyLastUsed", resource=f"arn:aws:iam::{tenant.id}:user/alice")
    )
    assert alice.key is not None

    alice(api.GetAccessKeyLastUsed, access_key_id=alice.key.access_key_id)
    with refused("AccessDenied", "user/admin"):
        alice(api.GetAccessKeyLastUsed, access_key_id=admin.key.access_key_id)


def test_ids_are_never_given_twice(world: World, tenant: Tenant, admin: Person) -> None:
    """The id of a deleted key is still taken, and its secret is gone."""
    alice = tenant.user("alice")
    assert alice.key is not None
    key_id = alice.key.access_key_id
    admin(api.DeleteAccessKey, user_name="alice", access_key_id=key_id)

    read = world.store.read()
    assert not world.repository.access_keys.is_new(read, tenant.id, key_id)
    assert world.repository.access_keys.get(read, tenant.id, key_id) is None
    secret, owner = read.one(
        "SELECT secret, owner_id FROM iam_access_key WHERE access_key_id = ?", (key_id,)
    ) or (None, None)
    assert (secret, owner) == (b"", "")
