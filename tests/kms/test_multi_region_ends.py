"""How members of a set are destroyed, recorded and stored."""

import pytest

from keystead.custody.integrity import RowIntegrityError
from keystead.kms.grants import repository as grants
from keystead.times import microseconds
from tests.kms.regions import THIRD_REGION, metadata, replicated, state
from tests.kms.world import (
    ACCOUNT,
    OTHER_REGION,
    REGION,
    Kms,
    World,
    refused,
)

# Deletion


def test_a_primary_outlives_its_replicas(admin: Kms, there: Kms, world: World) -> None:
    """Its waiting period begins when the last of them is gone, and then the material goes."""
    key = replicated(admin)
    admin.replicate_key(KeyId=key, ReplicaRegion=THIRD_REGION)
    blob = admin.encrypt(KeyId=key, Plaintext=b"x").ciphertext_blob
    third = world.caller(region=THIRD_REGION)

    answer = admin.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)

    assert answer.key_state == "PendingReplicaDeletion"
    assert (answer.deletion_date, answer.pending_window_in_days) == (None, 7)
    waiting = metadata(admin, key)
    assert (waiting.key_state, waiting.deletion_date) == ("PendingReplicaDeletion", None)
    assert waiting.pending_deletion_window_in_days == 7
    text = f"{admin.arn(f'key/{key}')} is pending replica deletion."
    with refused("KMSInvalidStateException", text):
        admin.decrypt(CiphertextBlob=blob)
    world.pass_time(days=400)
    assert world.destroy_due() == []
    assert there.decrypt(CiphertextBlob=blob).plaintext == b"x"

    for caller in (there, third):
        caller.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        world.pass_time(days=8)
        assert [done.key.region for done in world.destroy_due()] == [caller.region]
        with refused("NotFoundException"):
            caller.describe_key(KeyId=key)
    begun = metadata(admin, key)
    assert begun.key_state == "PendingDeletion"
    assert (begun.deletion_date - world.now).days == 7
    assert begun.pending_deletion_window_in_days is None
    assert begun.multi_region_configuration.replica_keys == []
    assert world.destroy_due() == []
    assert material_rows(world, key) == 1
    world.pass_time(days=8)
    assert [done.key.region for done in world.destroy_due()] == [REGION]
    assert material_rows(world, key) == 0
    with refused("NotFoundException"):
        admin.describe_key(KeyId=key)


def material_rows(world: World, key: str) -> int:
    """How many generations of a key's material are there?"""
    [found] = world.store.read().all(
        "SELECT count(*) FROM key_materials WHERE account = ? AND key_id = ?", (ACCOUNT, key)
    )
    return int(found[0])


def test_deletion_of_a_primary_can_be_cancelled(admin: Kms, there: Kms, world: World) -> None:
    """Before and after its waiting period has begun."""
    key = replicated(admin)
    admin.schedule_key_deletion(KeyId=key)
    admin.cancel_key_deletion(KeyId=key)
    assert state(admin, key) == "Disabled"

    there.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    world.pass_time(days=8)
    assert len(world.destroy_due()) == 1
    assert state(admin, key) == "Disabled"  # the cancelled waiting period does not begin

    admin.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert state(admin, key) == "PendingDeletion"
    admin.cancel_key_deletion(KeyId=key)
    admin.enable_key(KeyId=key)
    admin.encrypt(KeyId=key, Plaintext=b"x")


def test_a_replica_is_destroyed_alone(admin: Kms, there: Kms, world: World) -> None:
    """Its ciphertexts open in the other Regions, and it can be made again from the primary."""
    key = replicated(admin)
    blob = there.encrypt(KeyId=key, Plaintext=b"x").ciphertext_blob
    for _ in range(2):
        there.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        with refused("AlreadyExistsException"):
            admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
        world.pass_time(days=8)
        assert [done.key.region for done in world.destroy_due()] == [OTHER_REGION]
        with refused("AccessDeniedException"):
            there.decrypt(CiphertextBlob=blob)
        assert admin.decrypt(CiphertextBlob=blob).plaintext == b"x"
        assert metadata(admin, key).multi_region_configuration.replica_keys == []

        admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
        assert there.decrypt(CiphertextBlob=blob).plaintext == b"x"


def test_a_replica_is_made_again_without_the_grants_before(
    admin: Kms, there: Kms, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While many grants of the destroyed one are left, it is not made; then none of them counts."""
    monkeypatch.setattr(grants, "REMOVED_AT_ONCE", 2)
    key, bob = replicated(admin), world.caller("bob", policies=(), region=OTHER_REGION)
    for number in range(5):
        there.create_grant(
            KeyId=key, GranteePrincipal=bob.principal.arn, Operations=["Encrypt"], Name=f"{number}"
        )
    bob.encrypt(KeyId=there.arn(f"key/{key}"), Plaintext=b"x")
    there.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    world.pass_time(days=8)
    world.destroy_due()

    place = (there.principal.account, OTHER_REGION, key)
    with refused("KMSInvalidStateException"):
        admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    with world.store.write() as transaction:
        world.repository.grants.remove_doomed(transaction, place)
    admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    assert there.list_grants(KeyId=key).grants == []
    with refused("AccessDeniedException"):
        bob.encrypt(KeyId=there.arn(f"key/{key}"), Plaintext=b"x")


def test_a_former_primary_is_destroyed_as_a_replica(admin: Kms, there: Kms, world: World) -> None:
    key = replicated(admin)
    blob = admin.encrypt(KeyId=key, Plaintext=b"x").ciphertext_blob
    admin.update_primary_region(KeyId=key, PrimaryRegion=OTHER_REGION)

    admin.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    world.pass_time(days=8)
    assert [done.key.region for done in world.destroy_due()] == [REGION]

    assert there.decrypt(CiphertextBlob=blob).plaintext == b"x"
    there.rotate_key_on_demand(KeyId=key)
    assert there.decrypt(CiphertextBlob=blob).plaintext == b"x"


def test_after_a_restart(admin: Kms, there: Kms, world: World) -> None:
    key = replicated(admin)
    blob = admin.encrypt(KeyId=key, Plaintext=b"x").ciphertext_blob
    admin.rotate_key_on_demand(KeyId=key)

    world.restart()

    assert there.decrypt(CiphertextBlob=blob).plaintext == b"x"
    assert metadata(there, key).multi_region_configuration.primary_key.region == REGION


# Records


def test_a_replica_has_two_records(admin: Kms, world: World) -> None:
    """ReplicateKey in the primary's Region, CreateKey in the replica's, each with its decisions."""
    key = admin.key(MultiRegion=True, KeySpec="SYMMETRIC_DEFAULT")
    tag = {"TagKey": "team", "TagValue": "blue"}

    admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION, Description="d", Tags=[tag])

    asked, made = world.events[-2:]
    assert (asked.name, asked.region) == ("ReplicateKey", REGION)
    assert [each.action for each in asked.decisions] == [
        "kms:ReplicateKey", "kms:CreateKey", "kms:TagResource"
    ]  # fmt: skip
    assert [each.arn for each in asked.resources] == [admin.arn(f"key/{key}")]
    assert (made.name, made.region) == ("CreateKey", OTHER_REGION)
    assert [each.action for each in made.decisions] == ["kms:CreateKey", "kms:TagResource"]
    assert [each.arn for each in made.resources] == [
        f"arn:aws:kms:{OTHER_REGION}:{ACCOUNT}:key/{key}"
    ]
    assert made.request_parameters is not None
    assert made.request_parameters["multiRegion"] is True
    assert made.request_parameters["description"] == "d"
    assert made.response_elements is not None
    assert made.response_elements["keyMetadata"]["keyId"] == key


def test_a_refused_replica_has_one_record(admin: Kms, world: World) -> None:
    key = admin.key(MultiRegion=True)
    before = len(world.events)

    with refused("UnsupportedOperationException"):
        admin.replicate_key(KeyId=key, ReplicaRegion="eu-north-1")

    assert [each.name for each in world.events[before:]] == ["ReplicateKey"]


def test_a_new_primary_is_recorded_in_both_regions(admin: Kms, world: World) -> None:
    key = replicated(admin)

    admin.update_primary_region(KeyId=key, PrimaryRegion=OTHER_REGION)

    records = world.events[-2:]
    assert [(each.name, each.region) for each in records] == [
        ("UpdatePrimaryRegion", REGION), ("UpdatePrimaryRegion", OTHER_REGION)
    ]  # fmt: skip
    arns = [f"arn:aws:kms:{region}:{ACCOUNT}:key/{key}" for region in (REGION, OTHER_REGION)]
    for each in records:
        assert [resource.arn for resource in each.resources] == arns


# Stored


def test_what_is_shared_is_stored_once(admin: Kms, world: World) -> None:
    """A replica's own row has none of it, whatever is changed there."""
    key = replicated(admin)
    there = world.caller(region=OTHER_REGION)
    admin.enable_key_rotation(KeyId=key)
    there.update_key_description(KeyId=key, Description="x")
    there.disable_key(KeyId=key)

    rows = world.store.read().all(
        "SELECT region, material_id, rotation_days, next_rotation_us FROM kms_keys"
        " WHERE key_id = ? ORDER BY region", (key,)
    )  # fmt: skip
    assert [row[0] for row in rows] == [REGION, OTHER_REGION]
    assert rows[1][1:] == ("", 0, None)
    assert rows[0][2] == 365
    assert rows[0][3] == microseconds(world.now) + 365 * 86_400 * 1_000_000


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM kms_related_keys", "DELETE FROM kms_keys WHERE multi_region = 'PRIMARY'"],
)
def test_a_set_that_is_not_whole_is_refused(
    admin: Kms, there: Kms, world: World, statement: str
) -> None:
    """Without the row of its primary, or of the set, a replica is not used."""
    blob = there.encrypt(KeyId=replicated(admin), Plaintext=b"x").ciphertext_blob
    with world.store.write() as transaction:
        transaction.run(statement)
    world.store.changes.forget()

    with pytest.raises(RowIntegrityError):
        there.decrypt(CiphertextBlob=blob)


def test_a_primary_with_replicas_is_never_destroyed(admin: Kms, world: World) -> None:
    """Whatever the job is led to."""
    key = replicated(admin)
    row = world.repository.row(world.store.read(), ACCOUNT, REGION, key)
    assert row is not None

    with pytest.raises(RowIntegrityError), world.store.write() as transaction:
        world.repository.destroy_key(transaction, row)
    admin.encrypt(KeyId=key, Plaintext=b"x")
