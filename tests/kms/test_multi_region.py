"""Multi-Region keys: one key in several Regions, in each with a policy and a state of its own."""

from collections.abc import Callable
from typing import Any

import pytest

from keystead.custody.integrity import RowIntegrityError
from keystead.kms.grants import repository as grants
from keystead.times import microseconds
from tests.kms.world import (
    ACCOUNT,
    OTHER_ACCOUNT,
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

THIRD_REGION = "ap-south-1"
CONTEXT = {"tenant": "a"}


def caller_in(world: World, name: str, policies: list[Any]) -> Kms:
    """A user with these statements, whose requests say their Region."""
    return world.caller(name, policies=policies, **{"aws:requestedregion": REGION})


@pytest.fixture
def there(world: World) -> Kms:
    """The administrator in another Region."""
    return world.caller(region=OTHER_REGION)


def replicated(admin: Kms, **members: Any) -> str:
    """A primary in `REGION` with a replica in `OTHER_REGION`; their id."""
    key = admin.key(MultiRegion=True, **members)
    admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    return key


def metadata(caller: Kms, key: str) -> Any:
    return caller.describe_key(KeyId=key).key_metadata


def state(caller: Kms, key: str) -> str:
    found: str = metadata(caller, key).key_state
    return found


# Making them


def test_a_primary_describes_itself(admin: Kms) -> None:
    """Its id begins with `mrk-`, and it is a set of one."""
    key = admin.key(MultiRegion=True)

    found = metadata(admin, key)
    assert key.startswith("mrk-")
    assert len(key) == 36
    assert found.multi_region
    configuration = found.multi_region_configuration
    assert configuration.multi_region_key_type == "PRIMARY"
    assert (configuration.primary_key.arn, configuration.primary_key.region) == (found.arn, REGION)
    assert configuration.replica_keys == []


def test_a_single_region_key_has_no_configuration(admin: Kms) -> None:
    found = metadata(admin, admin.key())

    assert not found.multi_region
    assert found.multi_region_configuration is None


def test_the_answer_shows_a_replica_that_is_being_created(admin: Kms) -> None:
    """As AWS's does; and its policy, and its tags only when it has some."""
    key = admin.key(MultiRegion=True, Tags=[{"TagKey": "a", "TagValue": "b"}], Description="x")

    answer = admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)

    made = answer.replica_key_metadata
    assert (made.key_state, made.enabled, made.current_key_material_id) == ("Creating", False, None)
    assert made.arn == f"arn:aws:kms:{OTHER_REGION}:{ACCOUNT}:key/{key}"
    assert made.description == ""
    assert [each.region for each in made.multi_region_configuration.replica_keys] == [OTHER_REGION]
    assert '"kms:*"' in answer.replica_policy
    assert answer.replica_tags is None


def test_both_members_show_the_same_set(admin: Kms, there: Kms) -> None:
    key = replicated(admin)

    here, other = metadata(admin, key), metadata(there, key)
    assert here.multi_region_configuration.replica_keys == (
        other.multi_region_configuration.replica_keys
    )
    assert here.multi_region_configuration.primary_key.region == REGION
    assert other.multi_region_configuration.primary_key.region == REGION
    assert other.multi_region_configuration.multi_region_key_type == "REPLICA"
    assert here.current_key_material_id == other.current_key_material_id
    assert (other.key_state, other.enabled) == ("Enabled", True)


def test_what_a_replica_has_of_its_own(admin: Kms, there: Kms, world: World) -> None:
    """Policy, description, tags, aliases, state and creation date are each member's own."""
    key = admin.key(MultiRegion=True, Description="here")
    admin.create_alias(AliasName="alias/here", TargetKeyId=key)
    world.pass_time(days=1)
    policy = document(delegation(), allow("kms:Sign", Principal="*"))

    admin.replicate_key(
        KeyId=key, ReplicaRegion=OTHER_REGION, Description="there", Policy=policy,
        Tags=[{"TagKey": "team", "TagValue": "blue"}],
    )  # fmt: skip

    other = metadata(there, key)
    assert other.description == "there"
    assert (other.creation_date - metadata(admin, key).creation_date).days == 1
    assert there.get_key_policy(KeyId=key).policy == policy
    assert admin.get_key_policy(KeyId=key).policy != policy
    assert [tag.tag_value for tag in there.list_resource_tags(KeyId=key).tags] == ["blue"]
    assert admin.list_resource_tags(KeyId=key).tags == []
    with refused("NotFoundException"):
        there.describe_key(KeyId="alias/here")
    assert there.list_aliases(KeyId=key).aliases == []
    there.create_alias(AliasName="alias/here", TargetKeyId=key)
    assert metadata(there, "alias/here").arn == there.arn(f"key/{key}")
    assert metadata(admin, "alias/here").arn == admin.arn(f"key/{key}")


def test_lists_are_of_one_region(admin: Kms, there: Kms) -> None:
    single, key = admin.key(), replicated(admin)

    assert {each.key_id for each in admin.list_keys().keys} == {single, key}
    assert [each.key_arn for each in there.list_keys().keys] == [there.arn(f"key/{key}")]


def test_an_arn_of_another_region_names_nothing(admin: Kms, there: Kms) -> None:
    key = replicated(admin)

    with refused("NotFoundException", f"Invalid arn {OTHER_REGION}"):
        admin.describe_key(KeyId=there.arn(f"key/{key}"))


# Refusals


def test_only_a_primary_is_replicated(admin: Kms, there: Kms) -> None:
    single, key = admin.key(), replicated(admin)

    for caller, name in ((admin, single), (there, key)):
        text = f"{caller.arn(f'key/{name}')} is not a multi-region primary key."
        with refused("UnsupportedOperationException", text):
            caller.replicate_key(KeyId=name, ReplicaRegion=THIRD_REGION)


def test_one_member_in_a_region(admin: Kms) -> None:
    key = replicated(admin)

    for region in (REGION, OTHER_REGION):
        with refused("AlreadyExistsException"):
            admin.replicate_key(KeyId=key, ReplicaRegion=region)
    admin.replicate_key(KeyId=key, ReplicaRegion=THIRD_REGION)


def test_regions_that_are_not_served(admin: Kms) -> None:
    key = admin.key(MultiRegion=True)

    with refused("UnsupportedOperationException"):
        admin.replicate_key(KeyId=key, ReplicaRegion="eu-north-1")
    admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)


def test_a_disabled_primary_is_not_replicated(admin: Kms) -> None:
    key = admin.key(MultiRegion=True)
    admin.disable_key(KeyId=key)

    with refused("DisabledException"):
        admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    admin.enable_key(KeyId=key)
    admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)


def test_aliases_are_no_names_here(admin: Kms) -> None:
    key = replicated(admin)
    admin.create_alias(AliasName="alias/a", TargetKeyId=key)

    with refused("NotFoundException"):
        admin.replicate_key(KeyId="alias/a", ReplicaRegion=THIRD_REGION)
    admin.replicate_key(KeyId=key, ReplicaRegion=THIRD_REGION)
    with refused("NotFoundException"):
        admin.update_primary_region(KeyId="alias/a", PrimaryRegion=OTHER_REGION)
    admin.update_primary_region(KeyId=key, PrimaryRegion=OTHER_REGION)


def test_tags_and_policies_are_checked(admin: Kms) -> None:
    key = admin.key(MultiRegion=True)
    twice = [{"TagKey": "a", "TagValue": "b"}] * 2

    for code, members in (
        ("TagException", {"Tags": twice}),
        ("MalformedPolicyDocumentException", {"Policy": "{}"}),
        ("LimitExceededException", {"Policy": " " * 32_769}),
    ):
        with refused(code):
            admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION, **members)


def test_the_lockout_check_is_about_the_replica(admin: Kms) -> None:
    """A policy that allows the next one only in the primary's Region locks the replica."""
    key = admin.key(MultiRegion=True)
    here_only = allow(
        "kms:*", Principal={"AWS": ACCOUNT},
        Condition={"StringEquals": {"aws:RequestedRegion": REGION}},
    )  # fmt: skip
    there_only = {
        **here_only,
        "Condition": {"StringEquals": {"aws:RequestedRegion": OTHER_REGION}},
    }
    replicate = {"KeyId": key, "ReplicaRegion": OTHER_REGION}

    with refused("MalformedPolicyDocumentException"):
        admin.replicate_key(**replicate, Policy=document(here_only))
    admin.replicate_key(**replicate, Policy=document(there_only))
    admin.replicate_key(
        KeyId=key, ReplicaRegion=THIRD_REGION, Policy=document(here_only),
        BypassPolicyLockoutSafetyCheck=True,
    )  # fmt: skip


def test_the_quota_is_of_the_replicas_region(world: World, admin: Kms, there: Kms) -> None:
    key = admin.key(MultiRegion=True)
    there.key()
    world.quotas.use(["KMS keys=1"], requests=True)

    with refused("LimitExceededException"):
        admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    admin.replicate_key(KeyId=key, ReplicaRegion=THIRD_REGION)


# Who may


def in_region(region: str) -> dict[str, Any]:
    return {"Condition": {"StringEquals": {"aws:RequestedRegion": region}}}


def test_both_sides_are_asked(world: World, admin: Kms) -> None:
    """kms:ReplicateKey in the primary's Region, kms:CreateKey and kms:TagResource in the other."""
    primary = admin.arn("key/*")
    replica = f"arn:aws:kms:{OTHER_REGION}:{ACCOUNT}:key/*"
    needed = [
        allow("kms:ReplicateKey", primary, **in_region(REGION)),
        allow("kms:CreateKey", **in_region(OTHER_REGION)),
        allow("kms:TagResource", replica, **in_region(OTHER_REGION)),
    ]
    key = admin.key(MultiRegion=True)
    members = {"KeyId": key, "ReplicaRegion": OTHER_REGION,
               "Tags": [{"TagKey": "a", "TagValue": "b"}]}  # fmt: skip

    for number, statement in enumerate(needed):
        others = [each for each in needed if each is not statement]
        with refused("AccessDeniedException"):
            caller_in(world, f"lacks-{number}", policies=others).replicate_key(**members)
        elsewhere = {**statement, **in_region(THIRD_REGION)}
        with refused("AccessDeniedException"):
            caller_in(world, f"has-{number}", policies=[*others, elsewhere]).replicate_key(
                **members
            )
    caller_in(world, "has-all", policies=needed).replicate_key(**members)


def test_the_replicas_region_can_be_a_condition(world: World, admin: Kms) -> None:
    key = admin.key(MultiRegion=True)
    asia = {"StringEquals": {"kms:ReplicaRegion": THIRD_REGION}}
    caller = world.caller(
        "asia", policies=[allow("kms:*"), deny("kms:ReplicateKey", Condition=asia)]
    )

    with refused("AccessDeniedException"):
        caller.replicate_key(KeyId=key, ReplicaRegion=THIRD_REGION)
    caller.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)


def test_what_a_replica_is_can_be_a_condition(world: World, admin: Kms) -> None:
    """kms:MultiRegion and kms:MultiRegionKeyType, at creation and in use."""
    replica = {"StringEquals": {"kms:MultiRegionKeyType": "REPLICA"}}
    multi = {"Bool": {"kms:MultiRegion": "true"}}
    single = world.caller("single", policies=[allow("*"), deny("kms:CreateKey", Condition=multi)])
    no_replicas = [allow("*"), deny(["kms:CreateKey", "kms:Encrypt"], Condition=replica)]
    primaries = world.caller("primaries", policies=no_replicas)

    with refused("AccessDeniedException"):
        single.key(MultiRegion=True)
    single.key()
    key = primaries.key(MultiRegion=True)
    with refused("AccessDeniedException"):
        primaries.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    primaries.encrypt(KeyId=key, Plaintext=b"x")
    with refused("AccessDeniedException"):
        world.caller("primaries", policies=no_replicas, region=OTHER_REGION).encrypt(
            KeyId=key, Plaintext=b"x"
        )


def test_another_account_replicates_nothing(world: World, admin: Kms) -> None:
    """Whatever the key policy says: the operation does not work across accounts."""
    stranger = world.caller("stranger", account=OTHER_ACCOUNT)
    policy = document(delegation(), allow("kms:*", Principal={"AWS": OTHER_ACCOUNT}))
    key = admin.key(MultiRegion=True, Policy=policy)
    admin.replicate_key(KeyId=key, ReplicaRegion=THIRD_REGION)
    arn = admin.arn(f"key/{key}")

    stranger.encrypt(KeyId=arn, Plaintext=b"x")
    with refused("AccessDeniedException"):
        stranger.replicate_key(KeyId=arn, ReplicaRegion=OTHER_REGION)
    with refused("AccessDeniedException"):
        stranger.update_primary_region(KeyId=arn, PrimaryRegion=THIRD_REGION)


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
