"""How does a set of keys of several Regions come to be, and who may make it?"""

from tests.kms.regions import THIRD_REGION, caller_in, in_region, metadata, replicated
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
