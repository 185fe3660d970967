"""What members of a set share: ciphertexts, rotation, and the role of the primary."""

from collections.abc import Callable

import pytest

from tests.kms.regions import THIRD_REGION, caller_in, in_region, metadata, replicated
from tests.kms.world import (
    ACCOUNT,
    OTHER_REGION,
    REGION,
    Kms,
    World,
    allow,
    delegation,
    deny,
    document,
    refused,
)

CONTEXT = {"tenant": "a"}


# Use


def test_a_ciphertext_of_one_opens_in_the_other(admin: Kms, there: Kms) -> None:
    """With its context, and with no other; the answer names the member that opened it."""
    key = replicated(admin)
    for made, opened in ((admin, there), (there, admin)):
        blob = made.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=CONTEXT).ciphertext_blob

        answer = opened.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)
        assert (answer.plaintext, answer.key_id) == (b"x", opened.arn(f"key/{key}"))
        named = opened.decrypt(KeyId=key, CiphertextBlob=blob, EncryptionContext=CONTEXT)
        assert named.plaintext == b"x"
        with refused("InvalidCiphertextException"):
            opened.decrypt(CiphertextBlob=blob, EncryptionContext={"tenant": "b"})


def test_data_keys_and_reencryption(admin: Kms, there: Kms) -> None:
    key, single = replicated(admin), there.key()
    made = admin.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)

    assert there.decrypt(
        CiphertextBlob=made.ciphertext_blob, EncryptionContext=CONTEXT
    ).plaintext == made.plaintext  # fmt: skip
    moved = there.re_encrypt(
        CiphertextBlob=made.ciphertext_blob, SourceEncryptionContext=CONTEXT,
        DestinationKeyId=single,
    )  # fmt: skip
    assert moved.source_key_id == there.arn(f"key/{key}")
    assert there.decrypt(CiphertextBlob=moved.ciphertext_blob).plaintext == made.plaintext
    back = there.re_encrypt(CiphertextBlob=moved.ciphertext_blob, DestinationKeyId=key)
    assert admin.decrypt(CiphertextBlob=back.ciphertext_blob).plaintext == made.plaintext


def test_a_single_region_key_stays_in_its_region(admin: Kms, there: Kms) -> None:
    blob = admin.encrypt(KeyId=admin.key(), Plaintext=b"x").ciphertext_blob

    with refused("AccessDeniedException"):
        there.decrypt(CiphertextBlob=blob)
    admin.decrypt(CiphertextBlob=blob)


def test_without_a_member_there_nothing_opens(admin: Kms, there: Kms) -> None:
    key = admin.key(MultiRegion=True)
    blob = admin.encrypt(KeyId=key, Plaintext=b"x").ciphertext_blob

    with refused("AccessDeniedException"):
        there.decrypt(CiphertextBlob=blob)
    admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    assert there.decrypt(CiphertextBlob=blob).plaintext == b"x"


def disable(member: Kms, key: str) -> None:
    member.disable_key(KeyId=key)


def enable(member: Kms, key: str) -> None:
    member.enable_key(KeyId=key)


def deny_use(member: Kms, key: str) -> None:
    no_use = document(delegation(), deny("kms:Decrypt", Principal="*"))
    member.put_key_policy(KeyId=key, Policy=no_use)


def delegate(member: Kms, key: str) -> None:
    member.put_key_policy(KeyId=key, Policy=document(delegation()))


def schedule(member: Kms, key: str) -> None:
    member.schedule_key_deletion(KeyId=key)


def cancel(member: Kms, key: str) -> None:
    member.cancel_key_deletion(KeyId=key)
    member.enable_key(KeyId=key)


@pytest.mark.parametrize(
    ("revoke", "restore", "code"),
    [
        (disable, enable, "DisabledException"),
        (deny_use, delegate, "AccessDeniedException"),
        (schedule, cancel, "KMSInvalidStateException"),
    ],
)
def test_each_member_is_revoked_alone(
    admin: Kms,
    there: Kms,
    revoke: Callable[[Kms, str], None],
    restore: Callable[[Kms, str], None],
    code: str,
) -> None:
    """Disabled, denied by its policy, or pending deletion: the other member goes on."""
    key = replicated(admin)
    blob = admin.encrypt(KeyId=key, Plaintext=b"x").ciphertext_blob
    for revoked, other in ((there, admin), (admin, there)):
        for member in (revoked, other):
            member.decrypt(CiphertextBlob=blob)
        revoke(revoked, key)
        with refused(code):
            revoked.decrypt(CiphertextBlob=blob)
        other.decrypt(CiphertextBlob=blob)
        restore(revoked, key)
        revoked.decrypt(CiphertextBlob=blob)


# What they share


def test_a_rotation_is_current_everywhere_at_once(admin: Kms, there: Kms, world: World) -> None:
    """The replica, used a moment before, encrypts with the new material; old ones still decrypt."""
    key = replicated(admin)
    old = there.encrypt(KeyId=key, Plaintext=b"old").ciphertext_blob
    former = metadata(there, key).current_key_material_id

    admin.rotate_key_on_demand(KeyId=key)

    new = metadata(admin, key).current_key_material_id
    assert metadata(there, key).current_key_material_id == new != former
    blob = there.encrypt(KeyId=key, Plaintext=b"new").ciphertext_blob
    assert world.events[-1].additional["keyMaterialId"] == new
    assert admin.decrypt(CiphertextBlob=blob).key_material_id == new
    for caller in (admin, there):
        assert caller.decrypt(CiphertextBlob=old).key_material_id == former
    rotations = there.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL").rotations
    assert [each.key_material_id for each in rotations] == [former, new]


def test_rotation_is_set_at_the_primary(admin: Kms, there: Kms, world: World) -> None:
    """A replica shows it, refuses to change it, and is rotated with its primary."""
    key = replicated(admin)
    not_primary = f"{there.arn(f'key/{key}')} is not a multi-region primary key."
    for change in (there.enable_key_rotation, there.disable_key_rotation,
                   there.rotate_key_on_demand):  # fmt: skip
        with refused("UnsupportedOperationException", not_primary):
            change(KeyId=key)

    assert not there.get_key_rotation_status(KeyId=key).key_rotation_enabled
    admin.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    status = there.get_key_rotation_status(KeyId=key)
    assert (status.key_rotation_enabled, status.rotation_period_in_days) == (True, 90)
    assert status.next_rotation_date == admin.get_key_rotation_status(KeyId=key).next_rotation_date
    world.pass_time(days=91)
    [rotated] = world.rotate_due()
    assert (rotated.key.region, rotated.key.key_id) == (REGION, key)
    assert metadata(there, key).current_key_material_id == rotated.key.material_id
    assert there.decrypt(
        CiphertextBlob=admin.encrypt(KeyId=key, Plaintext=b"x").ciphertext_blob
    ).plaintext == b"x"  # fmt: skip


def test_a_disabled_replica_is_rotated_all_the_same(admin: Kms, there: Kms) -> None:
    key = replicated(admin)
    there.disable_key(KeyId=key)

    admin.rotate_key_on_demand(KeyId=key)

    there.enable_key(KeyId=key)
    current = metadata(admin, key).current_key_material_id
    assert metadata(there, key).current_key_material_id == current


# The primary's Region


def test_a_replica_becomes_the_primary(admin: Kms, there: Kms, world: World) -> None:
    """Rotation goes with the role, and nothing else moves."""
    key = replicated(admin, Description="here")
    third = world.caller(region=THIRD_REGION)
    admin.replicate_key(KeyId=key, ReplicaRegion=THIRD_REGION)
    admin.enable_key_rotation(KeyId=key, RotationPeriodInDays=100)
    admin.rotate_key_on_demand(KeyId=key)
    blobs = [c.encrypt(KeyId=key, Plaintext=b"x").ciphertext_blob for c in (admin, there, third)]
    before = admin.get_key_rotation_status(KeyId=key)
    material = metadata(admin, key).current_key_material_id

    assert admin.update_primary_region(KeyId=key, PrimaryRegion=OTHER_REGION) is None

    for caller in (admin, there, third):
        found = metadata(caller, key)
        assert (found.key_state, found.current_key_material_id) == ("Enabled", material)
        configuration = found.multi_region_configuration
        assert configuration.primary_key.region == OTHER_REGION
        assert [each.region for each in configuration.replica_keys] == [THIRD_REGION, REGION]
        status = caller.get_key_rotation_status(KeyId=key)
        assert status.next_rotation_date == before.next_rotation_date
        for blob in blobs:
            assert caller.decrypt(CiphertextBlob=blob).plaintext == b"x"
    assert metadata(admin, key).multi_region_configuration.multi_region_key_type == "REPLICA"
    assert metadata(admin, key).description == "here"
    with refused("UnsupportedOperationException"):
        admin.rotate_key_on_demand(KeyId=key)
    there.rotate_key_on_demand(KeyId=key)
    new = metadata(there, key).current_key_material_id
    assert material != new == metadata(admin, key).current_key_material_id
    rotations = admin.list_key_rotations(KeyId=key).rotations
    assert len(rotations) == 2
    world.pass_time(days=101)
    assert [done.key.region for done in world.rotate_due()] == [OTHER_REGION]


def test_where_a_primary_can_go(admin: Kms, there: Kms) -> None:
    """To the Region of an enabled replica; from the primary, which is enabled, too."""
    single, key = admin.key(), replicated(admin)

    with refused("UnsupportedOperationException"):
        admin.update_primary_region(KeyId=single, PrimaryRegion=OTHER_REGION)
    for region, code in (
        (THIRD_REGION, "NotFoundException"), (REGION, "UnsupportedOperationException")
    ):  # fmt: skip
        with refused(code):
            admin.update_primary_region(KeyId=key, PrimaryRegion=region)
    with refused("UnsupportedOperationException"):
        there.update_primary_region(KeyId=key, PrimaryRegion=REGION)
    for caller in (admin, there):
        caller.disable_key(KeyId=key)
        with refused("DisabledException", f"{caller.arn(f'key/{key}')} is disabled."):
            admin.update_primary_region(KeyId=key, PrimaryRegion=OTHER_REGION)
        caller.enable_key(KeyId=key)
    admin.update_primary_region(KeyId=key, PrimaryRegion=OTHER_REGION)


def test_both_regions_are_asked_for_it(world: World, admin: Kms) -> None:
    key = replicated(admin)
    needed = [
        allow(
            "kms:UpdatePrimaryRegion",
            f"arn:aws:kms:{region}:{ACCOUNT}:key/*",
            **in_region(region),
        )
        for region in (REGION, OTHER_REGION)
    ]
    members = {"KeyId": key, "PrimaryRegion": OTHER_REGION}

    for number, statement in enumerate(needed):
        with refused("AccessDeniedException"):
            caller_in(world, f"only-{number}", policies=[statement]).update_primary_region(
                **members
            )
    elsewhere = {"StringEquals": {"kms:PrimaryRegion": OTHER_REGION}}
    denied = [*needed, deny("kms:*", Condition=elsewhere)]
    with refused("AccessDeniedException"):
        caller_in(world, "not-there", policies=denied).update_primary_region(**members)
    caller_in(world, "both", policies=needed).update_primary_region(**members)


def test_the_replicas_policy_can_refuse_it(admin: Kms, there: Kms) -> None:
    key = replicated(admin)
    default = there.get_key_policy(KeyId=key).policy
    stays = deny("kms:UpdatePrimaryRegion", Principal="*")
    there.put_key_policy(KeyId=key, Policy=document(delegation(), stays))

    with refused("AccessDeniedException"):
        admin.update_primary_region(KeyId=key, PrimaryRegion=OTHER_REGION)
    there.put_key_policy(KeyId=key, Policy=default)
    admin.update_primary_region(KeyId=key, PrimaryRegion=OTHER_REGION)
