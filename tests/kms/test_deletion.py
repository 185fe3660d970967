"""Destruction: at the date, all of it, for good."""

import pytest

from keystead.custody.rows.rows import RowIntegrityError
from tests.kms.world import ACCOUNT, OTHER_REGION, REGION, Kms, World, refused


def scheduled(client: Kms, days: int = 7) -> tuple[str, bytes]:
    """A key pending deletion, and something that it encrypted."""
    key = client.key(Tags=[{"TagKey": "a", "TagValue": "1"}])
    client.create_alias(AliasName=f"alias/{key}", TargetKeyId=key)
    client.rotate_key_on_demand(KeyId=key)
    blob = client.encrypt(KeyId=key, Plaintext=b"x").ciphertext_blob
    client.schedule_key_deletion(KeyId=key, PendingWindowInDays=days)
    return key, blob


def rows(world: World, table: str, key: str) -> int:
    counting = f"SELECT count(*) FROM {table} WHERE key_id = ?"  # our own names
    return sum(count for (count,) in world.store.read().all(counting, (key,)))


def test_not_before_its_date(admin: Kms, world: World) -> None:
    """Until the date nothing happens, and the key comes back whole."""
    key, blob = scheduled(admin)
    world.pass_time(days=6, hours=23)
    assert world.destroy_due() == []
    admin.cancel_key_deletion(KeyId=key)
    admin.enable_key(KeyId=key)
    assert admin.decrypt(CiphertextBlob=blob).plaintext == b"x"
    world.pass_time(days=30)
    assert world.destroy_due() == []


def test_at_its_date(admin: Kms, world: World) -> None:
    """Then the key, its materials, policy, tags and aliases are gone; a tombstone stays."""
    key, _ = scheduled(admin)
    world.pass_time(days=7)
    (destroyed,) = world.destroy_due()
    assert destroyed.key.key_id == key
    for table in ("kms_keys", "kms_key_policies", "kms_aliases", "kms_materials", "key_materials"):
        assert rows(world, table, key) == 0
    assert rows(world, "kms_tombstones", key) == 1
    arn = admin.arn(f"key/{key}")
    with refused("NotFoundException", f"Key '{arn}' does not exist"):
        admin.describe_key(KeyId=key)
    with refused("NotFoundException"):
        admin.cancel_key_deletion(KeyId=key)
    with refused("NotFoundException"):
        admin.describe_key(KeyId=f"alias/{key}")
    admin.create_alias(AliasName=f"alias/{key}", TargetKeyId=admin.key())


def test_it_happens_once(admin: Kms, world: World) -> None:
    """A second run finds nothing, and a restart before the run loses nothing."""
    scheduled(admin)
    scheduled(admin, days=30)
    world.pass_time(days=8)
    world.restart()
    assert len(world.destroy_due()) == 1
    assert world.destroy_due() == []
    assert len(admin.list_keys().keys) == 1


def test_what_is_recorded(admin: Kms, world: World) -> None:
    """The event of a destruction is AWS's DeleteKey."""
    key, _ = scheduled(admin)
    world.pass_time(days=7)
    (destroyed,) = world.destroy_due()
    event = destroyed.event("id", world.now)
    assert (event.name, event.event_type) == ("DeleteKey", "AwsServiceEvent")
    assert event.service_details == {"keyId": admin.arn(f"key/{key}")}
    assert [r.arn for r in event.resources] == [admin.arn(f"key/{key}")]
    assert (event.region, event.principal) == (admin.region, None)


def test_an_edited_date_is_refused(admin: Kms, world: World) -> None:
    """A deletion date that was changed in the database destroys nothing, and stops no other."""
    key, _ = scheduled(admin, days=30)
    other, _ = scheduled(admin)
    with world.store.write() as transaction:
        transaction.run("UPDATE kms_keys SET deletion_us = 0 WHERE key_id = ?", (key,))
    world.pass_time(days=8)
    assert [done.key.key_id for done in world.destroy_due()] == [other]
    assert world.failed == [(key, RowIntegrityError)]
    assert rows(world, "key_materials", key) == 2
    with pytest.raises(RowIntegrityError):
        admin.describe_key(KeyId=key)


def test_an_index_proves_nothing(admin: Kms, world: World) -> None:
    """Led to a key that was saved meanwhile, the job leaves it, says so, and goes on."""
    saved, blob = scheduled(admin)
    due, _ = scheduled(admin)
    admin.cancel_key_deletion(KeyId=saved)
    admin.enable_key(KeyId=saved)
    world.pass_time(days=8)
    world.seem_due = [(ACCOUNT, REGION, saved), (ACCOUNT, REGION, due)]
    assert [done.key.key_id for done in world.destroy_due()] == [due]
    assert world.failed == [(saved, RowIntegrityError)]
    assert admin.decrypt(CiphertextBlob=blob).plaintext == b"x"


def test_a_row_that_fails_stops_no_other(admin: Kms, world: World) -> None:
    """A key that cannot be destroyed stays as it is, and all others go."""
    keys = sorted(scheduled(admin)[0] for _ in range(3))  # in the order of their turns
    edit = "UPDATE kms_aliases SET updated_us = updated_us + ? WHERE key_id = ?"
    with world.store.write() as transaction:
        transaction.run(edit, (1, keys[0]))
    world.pass_time(days=8)
    assert [done.key.key_id for done in world.destroy_due()] == keys[1:]
    assert world.failed == [(keys[0], RowIntegrityError)]
    assert rows(world, "key_materials", keys[0]) == 2
    with world.store.write() as transaction:
        transaction.run(edit, (-1, keys[0]))
    assert [done.key.key_id for done in world.destroy_due()] == keys[:1]


def test_ids_are_never_given_again(admin: Kms, world: World) -> None:
    """A destroyed key's id is not free, nor is a living one's."""
    key, _ = scheduled(admin)
    world.pass_time(days=7)
    world.destroy_due()
    other = admin.key()
    free = world.repository.is_free
    place = ("111122223333", "eu-central-1")
    with world.store.write() as transaction:
        assert not free(transaction, *place, key)
        assert not free(transaction, *place, other)
        assert free(transaction, *place, "00000000-0000-4000-8000-000000000000")


def stated(world: World, region: str, key: str) -> str:
    stone = world.repository.tombstones.statement(world.store.read(), (ACCOUNT, region, key))
    assert stone is not None
    return stone.statement


def test_a_tombstone_names_what_was_destroyed(admin: Kms, world: World) -> None:
    """A replica leaves the material to its set, so only the last member's tombstone names it."""
    key = admin.key(MultiRegion=True)
    admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    material = admin.describe_key(KeyId=key).key_metadata.current_key_material_id
    there = world.caller(region=OTHER_REGION)
    for client, region, named in ((there, OTHER_REGION, ""), (admin, REGION, material)):
        client.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        world.pass_time(days=8)
        assert len(world.destroy_due()) == 1
        assert stated(world, region, key).splitlines()[-1] == named


def test_a_replica_that_is_made_again_is_destroyed_again(admin: Kms, world: World) -> None:
    """The newest tombstone of its name stays."""
    key = admin.key(MultiRegion=True)
    there = world.caller(region=OTHER_REGION)
    seen = []
    for _ in range(2):
        admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
        there.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        world.pass_time(days=8)
        assert len(world.destroy_due()) == 1
        seen.append(stated(world, OTHER_REGION, key))
    assert seen[0] != seen[1]
