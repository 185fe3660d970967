"""Keys are made, described, listed, disabled, and sent to their end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest

from keystead.custody.backends.software.families import FAMILIES
from keystead.wire.models import kms as api
from tests.kms.world import (
    ACCOUNT,
    OTHER_ACCOUNT,
    START,
    Kms,
    World,
    allow,
    delegation,
    deny,
    document,
    refused,
)  # fmt: skip

NO_USAGE = (
    "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
)
MISSING = "1234abcd-12ab-34cd-56ef-1234567890ab"


def test_a_new_key(admin: Kms) -> None:
    """A key made without parameters is what AWS makes, with AWS's metadata and no more."""
    made = admin.create_key().key_metadata
    described = admin.describe_key(KeyId=made.key_id).key_metadata
    assert described == made
    assert made == api.KeyMetadata(
        aws_account_id=ACCOUNT,
        key_id=made.key_id,
        arn=admin.arn(f"key/{made.key_id}"),
        creation_date=START,
        enabled=True,
        description="",
        key_usage="ENCRYPT_DECRYPT",
        key_state="Enabled",
        origin="AWS_KMS",
        key_manager="CUSTOMER",
        customer_master_key_spec="SYMMETRIC_DEFAULT",
        key_spec="SYMMETRIC_DEFAULT",
        encryption_algorithms=["SYMMETRIC_DEFAULT"],
        multi_region=False,
        current_key_material_id=made.current_key_material_id,
    )
    assert len(made.current_key_material_id) == 64


def test_what_creation_records(admin: Kms, world: World) -> None:
    """The event of CreateKey has the new key, and what the request left to be assumed."""
    key = admin.key()
    event = world.events[-1]
    assert [r.arn for r in event.resources] == [admin.arn(f"key/{key}")]
    assert event.request_parameters == {
        "description": "",
        "origin": "AWS_KMS",
        "keySpec": "SYMMETRIC_DEFAULT",
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "keyUsage": "ENCRYPT_DECRYPT",
        "multiRegion": False,
        "bypassPolicyLockoutSafetyCheck": False,
    }


def test_refused_tags_name_no_key(world: World) -> None:
    """Who may create keys and not tag them is told so without the ARN of a key that never was."""
    maker = world.caller("maker", policies=[allow("kms:CreateKey")])
    sentence = (
        f"User: {maker.principal.arn} is not authorized to perform: kms:TagResource because no"
        " identity-based policy allows the kms:TagResource action"
    )
    with refused("AccessDeniedException", sentence):
        maker.create_key(Tags=[{"TagKey": "a", "TagValue": "b"}])
    assert maker.create_key().key_metadata is not None


@pytest.mark.parametrize("member", ["KeySpec", "CustomerMasterKeySpec"])
def test_the_default_may_be_said(admin: Kms, member: str) -> None:
    """Either name of the spec says what is the default anyway."""
    admin.key(**{member: "SYMMETRIC_DEFAULT"}, KeyUsage="ENCRYPT_DECRYPT", Origin="AWS_KMS")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"KeySpec": "RSA_2048"}, NO_USAGE),
        ({"KeySpec": "HMAC_256"}, NO_USAGE),
        ({"KeySpec": "RSA_2048", "KeyUsage": "KEY_AGREEMENT"},
         "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048"),
        ({"KeyUsage": "SIGN_VERIFY"},
         "KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT"),
        ({"KeySpec": "RSA_2048", "CustomerMasterKeySpec": "RSA_3072", "KeyUsage": "SIGN_VERIFY"},
         "KeySpec and CustomerMasterKeySpec must not differ."),
    ],
)  # fmt: skip
def test_keys_that_cannot_be(admin: Kms, members: dict[str, str], message: str) -> None:
    """A spec and a usage that do not go together are refused in AWS's words."""
    with refused("ValidationException", message):
        admin.create_key(**members)


@pytest.mark.parametrize("member", ["KeySpec", "CustomerMasterKeySpec"])
def test_sm2_is_offered_in_china_only(admin: Kms, member: str) -> None:
    """Elsewhere SM2 is refused as a spec that does not exist, and not proposed."""
    with refused("ValidationException") as told:
        admin.create_key(KeyUsage="SIGN_VERIFY", **{member: "SM2"})
    start, _, offered = str(told.value).partition("enum value set: [")
    assert f"Value 'SM2' at '{member[0].lower()}{member[1:]}'" in start
    assert "RSA_2048" in offered
    assert "SM2" not in offered


def test_specs_that_are_not_had(admin: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spec of which this installation has no material is refused plainly, and nothing is made."""
    monkeypatch.delitem(cast("dict[str, Any]", FAMILIES), "RSA_2048")
    asked = {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}
    unsupported = "Keys with the KeySpec RSA_2048 are not supported."
    with refused("UnsupportedOperationException", unsupported):
        admin.create_key(**asked)
    assert admin.list_keys().keys == []
    monkeypatch.undo()
    admin.create_key(**asked)


@pytest.mark.parametrize(
    "members",
    [
        {"Origin": "EXTERNAL_KEY_STORE"},
        {"Origin": "AWS_CLOUDHSM"},
        {"XksKeyId": "x"},
    ],
)
def test_kinds_that_are_not_served(admin: Kms, members: dict[str, object]) -> None:
    """Keys of custom stores are refused plainly."""
    with refused("UnsupportedOperationException"):
        admin.create_key(**members)
    admin.create_key(Origin="AWS_KMS")


def test_creation_is_asked(world: World) -> None:
    """CreateKey needs an identity policy, which sees what is asked for."""
    condition = {"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT", "aws:RequestTag/a": "1"}}
    alice = world.caller(
        "alice", policies=[allow("kms:CreateKey", Condition=condition), allow("kms:TagResource")]
    )
    tags = {"Tags": [{"TagKey": "a", "TagValue": "1"}]}
    alice.create_key(**tags)
    with refused("AccessDeniedException"):
        alice.create_key()
    with refused("AccessDeniedException"):
        alice.create_key(**tags, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")


ALPHA = {"Tags": [{"TagKey": "Project", "TagValue": "Alpha"}]}
OF_ALPHA = {"aws:ResourceTag/Project": "Alpha"}


def test_tags_of_the_request_are_no_tags_of_a_resource(world: World, admin: Kms) -> None:
    """Power over keys that carry a tag makes no such keys: no key is there yet to carry it."""
    alice = world.caller("alice", policies=[allow("kms:*", Condition={"StringEquals": OF_ALPHA})])
    with refused("AccessDeniedException"):
        alice.create_key(**ALPHA)
    asked_for = {"StringEquals": {"aws:RequestTag/Project": "Alpha"}}
    bob = world.caller("bob", policies=[allow("kms:*", Condition=asked_for)])
    bob.create_key(**ALPHA)
    alice.describe_key(KeyId=admin.key(**ALPHA))


@pytest.mark.parametrize("action", ["kms:CreateKey", "kms:TagResource", "kms:*"])
def test_a_deny_for_other_resources_holds_for_new_keys(world: World, action: str) -> None:
    """A Deny unless the resource has a tag denies what makes resources, and their tags."""
    others = deny(action, Condition={"StringNotEquals": OF_ALPHA})
    alice = world.caller("alice", policies=[allow("kms:*"), others])
    with refused("AccessDeniedException"):
        alice.create_key(**ALPHA)
    aliased = deny(action, Condition={"Null": {"kms:ResourceAliases": "true"}})
    bob = world.caller("bob", policies=[allow("kms:*"), aliased])
    with refused("AccessDeniedException"):
        bob.create_key(**ALPHA)
    unasked = deny(action, Condition={"StringNotEquals": {"aws:RequestTag/Project": "Alpha"}})
    world.caller("carol", policies=[allow("kms:*"), unasked]).create_key(**ALPHA)


def test_tags_at_creation_are_asked_too(world: World) -> None:
    """Tags need kms:TagResource as well, on the key that will be."""
    tags = {"Tags": [{"TagKey": "a", "TagValue": "1"}]}
    alice = world.caller("alice", policies=[allow("kms:CreateKey")])
    alice.create_key()
    with refused("AccessDeniedException"):
        alice.create_key(**tags)
    on_keys = allow("kms:TagResource", f"arn:aws:kms:*:{ACCOUNT}:key/*")
    world.caller("bob", policies=[allow("kms:CreateKey"), on_keys]).create_key(**tags)


def test_the_quota(admin: Kms, world: World) -> None:
    """An account has so many keys in a Region, in any state, and no more."""
    world.quotas.use(["KMS keys=2"], requests=True)
    first = admin.key()
    admin.key()
    admin.schedule_key_deletion(KeyId=first)
    with refused("LimitExceededException"):
        admin.create_key()
    world.caller(region="eu-west-1").create_key()
    world.pass_time(days=31)
    world.destroy_due()
    admin.create_key()


def test_description(admin: Kms) -> None:
    """The description is what was written last."""
    key = admin.key(Description="old")
    admin.update_key_description(KeyId=key, Description="new")
    assert admin.describe_key(KeyId=key).key_metadata.description == "new"


def test_disable_and_enable(admin: Kms) -> None:
    """Both are idempotent, and Enabled is true in one state only."""
    key = admin.key()
    for _ in range(2):
        admin.disable_key(KeyId=key)
        metadata = admin.describe_key(KeyId=key).key_metadata
        assert (metadata.key_state, metadata.enabled) == ("Disabled", False)
    for _ in range(2):
        admin.enable_key(KeyId=key)
        metadata = admin.describe_key(KeyId=key).key_metadata
        assert (metadata.key_state, metadata.enabled) == ("Enabled", True)


def test_schedule_and_cancel(admin: Kms) -> None:
    """A key pending deletion says when, refuses use, and comes back disabled."""
    key = admin.key()
    arn = admin.arn(f"key/{key}")
    answer = admin.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    date = START + timedelta(days=7)
    assert answer == api.ScheduleKeyDeletionResponse(
        key_id=arn, deletion_date=date, key_state="PendingDeletion", pending_window_in_days=7
    )
    metadata = admin.describe_key(KeyId=key).key_metadata
    assert (metadata.key_state, metadata.enabled) == ("PendingDeletion", False)
    assert metadata.deletion_date == date
    with refused("KMSInvalidStateException", f"{arn} is pending deletion."):
        admin.schedule_key_deletion(KeyId=key)
    with refused("KMSInvalidStateException", f"{arn} is pending deletion."):
        admin.encrypt(KeyId=key, Plaintext=b"x")
    assert admin.cancel_key_deletion(KeyId=key).key_id == arn
    metadata = admin.describe_key(KeyId=key).key_metadata
    assert (metadata.key_state, metadata.deletion_date) == ("Disabled", None)
    with refused("KMSInvalidStateException", f"{arn} is not pending deletion."):
        admin.cancel_key_deletion(KeyId=key)


@pytest.mark.parametrize("days", [1, 6, 31, 365])
def test_windows_that_are_not(admin: Kms, days: int) -> None:
    """The waiting period is 7 to 30 days."""
    key = admin.key()
    with refused("ValidationException"):
        admin.schedule_key_deletion(KeyId=key, PendingWindowInDays=days)
    assert admin.describe_key(KeyId=key).key_metadata.key_state == "Enabled"


@pytest.mark.parametrize("days", [7, 30])
def test_windows_that_are(admin: Kms, days: int) -> None:
    """Both ends belong to it."""
    answer = admin.schedule_key_deletion(KeyId=admin.key(), PendingWindowInDays=days)
    assert answer.pending_window_in_days == days


def test_the_window_can_be_a_condition(world: World, admin: Kms) -> None:
    """Policies see the window, the default included."""
    least = {"NumericGreaterThanEquals": {"kms:ScheduleKeyDeletionPendingWindowInDays": "30"}}
    alice = world.caller("alice", policies=[allow("kms:*", Condition=least)])
    with refused("AccessDeniedException"):
        alice.schedule_key_deletion(KeyId=admin.key(), PendingWindowInDays=29)
    alice.schedule_key_deletion(KeyId=admin.key())


def test_management_stays_in_the_account(admin: Kms, world: World) -> None:
    """A stranger may be allowed to describe a key, but never to manage it."""
    stranger = world.caller("bob", OTHER_ACCOUNT)
    everybody = allow("kms:*", Principal={"AWS": stranger.principal.arn})
    key = admin.arn("key/" + admin.key(Policy=document(delegation(), everybody)))
    assert stranger.describe_key(KeyId=key).key_metadata.arn == key
    assert stranger.get_key_rotation_status(KeyId=key).key_rotation_enabled is False
    attempts: list[Callable[[], object]] = [
        lambda: stranger.disable_key(KeyId=key),
        lambda: stranger.schedule_key_deletion(KeyId=key),
        lambda: stranger.get_key_policy(KeyId=key),
        lambda: stranger.put_key_policy(KeyId=key, Policy=document(delegation())),
        lambda: stranger.tag_resource(KeyId=key, Tags=[]),
        lambda: stranger.create_alias(AliasName="alias/theirs", TargetKeyId=key),
        lambda: stranger.list_resource_tags(KeyId=key),
        lambda: stranger.enable_key_rotation(KeyId=key),
    ]
    for attempt in attempts:
        with refused("AccessDeniedException"):
            attempt()
    assert admin.describe_key(KeyId=key).key_metadata.key_state == "Enabled"


def test_nobody_manages_keys_that_are_not_there(world: World) -> None:
    """For management a stranger's key that is missing reads as one that is not."""
    stranger = world.caller("bob", OTHER_ACCOUNT)
    missing = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/{MISSING}"
    attempts: list[Callable[[], object]] = [
        lambda: stranger.disable_key(KeyId=missing),
        lambda: stranger.schedule_key_deletion(KeyId=missing),
        lambda: stranger.create_alias(AliasName="alias/x", TargetKeyId=missing),
    ]
    for attempt in attempts:
        with refused("AccessDeniedException"):
            attempt()


def test_a_refused_change_changes_nothing(admin: Kms, world: World) -> None:
    """Who may not disable a key does not."""
    key = admin.key()
    with refused(
        "AccessDeniedException",
        f"User: arn:aws:iam::{ACCOUNT}:user/nobody is not authorized to perform: kms:DisableKey on"
        f" resource: {admin.arn(f'key/{key}')} because no identity-based policy allows the"
        " kms:DisableKey action",
    ):
        world.caller("nobody", policies=[]).disable_key(KeyId=key)
    assert admin.describe_key(KeyId=key).key_metadata.key_state == "Enabled"


def test_keys_of_one_region_and_account(admin: Kms, world: World) -> None:
    """ListKeys shows the caller's own keys in this Region."""
    mine = admin.key()
    world.caller(region="eu-west-1").key()
    world.caller("bob", OTHER_ACCOUNT).key()
    listed = admin.list_keys()
    assert [entry.key_id for entry in listed.keys] == [mine]
    assert listed.keys[0].key_arn == admin.arn(f"key/{mine}")
    assert (listed.truncated, listed.next_marker) == (False, None)
    assert admin.list_keys(ResourceOwners=["OTHER_ACCOUNTS_VIA_RAM"]).keys == []


def test_everything_survives_a_restart(admin: Kms, world: World) -> None:
    """Keys, policies, aliases, tags and ciphertext are there after a restart."""
    key = admin.key(Tags=[{"TagKey": "a", "TagValue": "1"}])
    admin.create_alias(AliasName="alias/mine", TargetKeyId=key)
    blob = admin.encrypt(KeyId="alias/mine", Plaintext=b"x").ciphertext_blob
    world.restart()
    assert admin.decrypt(CiphertextBlob=blob).plaintext == b"x"
    assert admin.describe_key(KeyId="alias/mine").key_metadata.key_id == key
    assert [t.tag_key for t in admin.list_resource_tags(KeyId=key).tags] == ["a"]
