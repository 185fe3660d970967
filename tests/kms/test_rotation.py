"""Rotation: new material for old keys."""

from datetime import timedelta

import pytest

from keystead.custody.rows.rows import RowIntegrityError
from keystead.wire.models import kms as api
from tests.kms.world import ACCOUNT, REGION, START, Kms, World, allow, refused


def material(client: Kms, key: str) -> str:
    current: str = client.describe_key(KeyId=key).key_metadata.current_key_material_id
    return current


def test_status(admin: Kms) -> None:
    """Rotation is off until it is enabled, then says when, and is off again."""
    key = admin.key()
    arn = admin.arn(f"key/{key}")
    off = api.GetKeyRotationStatusResponse(key_id=arn, key_rotation_enabled=False)
    assert admin.get_key_rotation_status(KeyId=key) == off
    admin.enable_key_rotation(KeyId=key)
    assert admin.get_key_rotation_status(KeyId=key) == api.GetKeyRotationStatusResponse(
        key_id=arn,
        key_rotation_enabled=True,
        rotation_period_in_days=365,
        next_rotation_date=START + timedelta(days=365),
    )
    admin.disable_key_rotation(KeyId=key)
    assert admin.get_key_rotation_status(KeyId=key) == off


def test_another_period_begins_anew(admin: Kms, world: World) -> None:
    """Enabling again with the same period keeps the date; another period sets a new one."""
    key = admin.key()
    admin.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    world.pass_time(days=10)
    admin.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    status = admin.get_key_rotation_status(KeyId=key)
    assert status.next_rotation_date == START + timedelta(days=90)
    admin.enable_key_rotation(KeyId=key, RotationPeriodInDays=100)
    status = admin.get_key_rotation_status(KeyId=key)
    assert status.next_rotation_date == START + timedelta(days=110)


def test_the_period_can_be_a_condition(admin: Kms, world: World) -> None:
    """Policies see the period, the default included."""
    most = {"NumericLessThanEquals": {"kms:RotationPeriodInDays": "365"}}
    alice = world.caller("alice", policies=[allow("kms:EnableKeyRotation", Condition=most)])
    key = admin.key()
    alice.enable_key_rotation(KeyId=key)
    with refused("AccessDeniedException"):
        alice.enable_key_rotation(KeyId=key, RotationPeriodInDays=366)


def test_rotation_on_demand(admin: Kms) -> None:
    """New blobs are made with the new material; old ones still open, and tell theirs."""
    key = admin.key()
    first = material(admin, key)
    old = admin.encrypt(KeyId=key, Plaintext=b"old").ciphertext_blob
    assert admin.rotate_key_on_demand(KeyId=key).key_id == admin.arn(f"key/{key}")
    second = material(admin, key)
    new = admin.encrypt(KeyId=key, Plaintext=b"new").ciphertext_blob
    assert first != second
    opened = [admin.decrypt(CiphertextBlob=blob, KeyId=key) for blob in (old, new)]
    assert [(o.plaintext, o.key_material_id) for o in opened] == [(b"old", first), (b"new", second)]


def test_rotation_on_demand_is_recorded_twice(admin: Kms, world: World) -> None:
    """The call has its record, and the rotation that it makes has one as every rotation has."""
    key = admin.key()
    first = material(admin, key)
    admin.rotate_key_on_demand(KeyId=key)
    second = material(admin, key)
    called = next(each for each in world.events if each.name == "RotateKeyOnDemand")
    assert called.additional == {"keyMaterialId": second}
    (event,) = called.also
    assert (event.name, event.event_type, event.principal) == ("RotateKey", "AwsServiceEvent", None)
    assert event.service_details == {
        "keyId": admin.arn(f"key/{key}"),
        "rotationType": "ON_DEMAND",
        "keyOrigin": "AWS_KMS",
        "currentKeyMaterialId": second,
        "previousKeyMaterialId": first,
    }


def test_a_refused_rotation_is_recorded_once(admin: Kms, world: World) -> None:
    """Nothing was rotated, and no record says so."""
    key = admin.key()
    admin.disable_key(KeyId=key)
    with refused("DisabledException"):
        admin.rotate_key_on_demand(KeyId=key)
    assert not world.events[-1].also


def test_blobs_of_materials_do_not_mix(admin: Kms) -> None:
    """A blob that names another material of its key is refused."""
    key = admin.key()
    old = admin.encrypt(KeyId=key, Plaintext=b"x").ciphertext_blob
    admin.rotate_key_on_demand(KeyId=key)
    new = admin.encrypt(KeyId=key, Plaintext=b"x").ciphertext_blob
    cut = len(old) - (16 + 12 + 32 + 1 + 16)
    with refused("InvalidCiphertextException"):
        admin.decrypt(CiphertextBlob=new[:cut] + old[cut:])


def test_history(admin: Kms, world: World) -> None:
    """ListKeyRotations shows the rotations, or every material, oldest first."""
    key = admin.key()
    first = material(admin, key)
    assert admin.list_key_rotations(KeyId=key).rotations == []
    world.pass_time(days=1)
    admin.rotate_key_on_demand(KeyId=key)
    (rotation,) = admin.list_key_rotations(KeyId=key).rotations
    assert rotation == api.RotationsListEntry(
        key_id=key,
        key_material_id=material(admin, key),
        key_material_state="CURRENT",
        rotation_date=START + timedelta(days=1),
        rotation_type="ON_DEMAND",
    )
    whole = admin.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL").rotations
    assert whole == [
        api.RotationsListEntry(key_id=key, key_material_id=first, key_material_state="NON_CURRENT"),
        rotation,
    ]


def test_pages_of_history(admin: Kms) -> None:
    """The history can be read a page at a time."""
    key = admin.key()
    for _ in range(11):
        admin.rotate_key_on_demand(KeyId=key)
    whole = admin.list_key_rotations(KeyId=key).rotations
    page = admin.list_key_rotations(KeyId=key, Limit=10)
    assert page.truncated
    rest = admin.list_key_rotations(KeyId=key, Limit=10, Marker=page.next_marker)
    assert page.rotations + rest.rotations == whole
    assert len(whole) == 11


def test_twenty_five_on_demand(admin: Kms) -> None:
    """A key is rotated on demand at most 25 times."""
    key = admin.key()
    for _ in range(25):
        admin.rotate_key_on_demand(KeyId=key)
    with refused(
        "LimitExceededException",
        "The on-demand rotations limit has been reached for the given keyId. No more on-demand"
        f" rotations can be performed for this key: {admin.arn(f'key/{key}')}",
    ):
        admin.rotate_key_on_demand(KeyId=key)


def test_automatic_rotation(admin: Kms, world: World) -> None:
    """When its date has come, a key is rotated once, and the next date is one period on."""
    key = admin.key()
    first = material(admin, key)
    admin.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    world.pass_time(days=89)
    assert world.rotate_due() == []
    world.pass_time(days=2)
    (rotated,) = world.rotate_due()
    assert world.rotate_due() == []
    assert (rotated.former_material_id, rotated.key.material_id) == (first, material(admin, key))
    status = admin.get_key_rotation_status(KeyId=key)
    assert status.next_rotation_date == START + timedelta(days=180)
    event = rotated.event("id", world.now)
    assert (event.name, event.event_type, event.principal) == ("RotateKey", "AwsServiceEvent", None)
    assert event.service_details == {
        "keyId": admin.arn(f"key/{key}"),
        "rotationType": "AUTOMATIC",
        "keyOrigin": "AWS_KMS",
        "currentKeyMaterialId": material(admin, key),
        "previousKeyMaterialId": first,
    }


def test_what_is_not_due_or_not_ours_stops_no_other(admin: Kms, world: World) -> None:
    """The job leaves a key that an index wrongly leads to, and one that was edited, and goes on."""
    edited, early, due = admin.key(), admin.key(), admin.key()
    for key, days in ((edited, 90), (early, 365), (due, 90)):
        admin.enable_key_rotation(KeyId=key, RotationPeriodInDays=days)
    first = material(admin, early)
    with world.store.write() as transaction:
        transaction.run("UPDATE kms_keys SET description = 'x' WHERE key_id = ?", (edited,))
    world.pass_time(days=91)
    world.seem_due = [(ACCOUNT, REGION, key) for key in (edited, early, due)]
    assert [rotated.key.key_id for rotated in world.rotate_due()] == [due]
    assert world.failed == [(edited, RowIntegrityError), (early, RowIntegrityError)]
    assert material(admin, early) == first


@pytest.mark.parametrize("waiting", ["disabled", "pending deletion"])
def test_keys_that_wait(admin: Kms, world: World, waiting: str) -> None:
    """A key that is not enabled is rotated as soon as it is again, and then on schedule."""
    key = admin.key()
    admin.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    world.pass_time(days=80)
    if waiting == "disabled":
        admin.disable_key(KeyId=key)
    else:
        admin.schedule_key_deletion(KeyId=key)
        assert admin.get_key_rotation_status(KeyId=key).key_rotation_enabled is False
        world.pass_time(days=20)
        assert world.rotate_due() == []
        admin.cancel_key_deletion(KeyId=key)
        assert admin.get_key_rotation_status(KeyId=key).key_rotation_enabled is True
    world.pass_time(days=300)
    assert world.rotate_due() == []
    admin.enable_key(KeyId=key)
    assert len(world.rotate_due()) == 1
    status = admin.get_key_rotation_status(KeyId=key)
    assert status.next_rotation_date == world.now + timedelta(days=90)


def test_on_demand_beside_automatic(admin: Kms, world: World) -> None:
    """On-demand rotation does not move the schedule, and is refused when that is near."""
    key = admin.key()
    admin.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    admin.rotate_key_on_demand(KeyId=key)
    status = admin.get_key_rotation_status(KeyId=key)
    assert status.next_rotation_date == START + timedelta(days=90)
    world.pass_time(days=89, hours=23, minutes=45)
    with refused("ConflictException"):
        admin.rotate_key_on_demand(KeyId=key)
    world.pass_time(minutes=20)
    world.rotate_due()
    admin.rotate_key_on_demand(KeyId=key)


def test_disabled_keys_are_not_rotated(admin: Kms) -> None:
    """Rotation needs an enabled key; its status does not."""
    key = admin.key()
    admin.disable_key(KeyId=key)
    for attempt in (
        admin.enable_key_rotation, admin.disable_key_rotation, admin.rotate_key_on_demand,
    ):  # fmt: skip
        with refused("DisabledException", f"{admin.arn(f'key/{key}')} is disabled."):
            attempt(KeyId=key)
    admin.get_key_rotation_status(KeyId=key)
    admin.list_key_rotations(KeyId=key)
