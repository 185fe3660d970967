"""Encrypt, Decrypt, ReEncrypt."""

from typing import Any

import pytest

from keystead.arns import iam_arn
from keystead.custody.rows.rows import RowIntegrityError
from tests.kms.world import (
    ACCOUNT,
    OTHER_ACCOUNT,
    REGION,
    Kms,
    World,
    allow,
    delegation,
    deny,
    document,
    refused,
)  # fmt: skip

UNKNOWN = (
    "because the resource does not exist in this Region, no resource-based policies allow access,"
    " or a resource-based policy explicitly denies access"
)
LACKS = "because no identity-based policy allows the kms:Decrypt action"


def not_yours(client: Kms, why: str = UNKNOWN) -> str:
    """The refusal to decrypt for who did not name the key."""
    return (
        f"User: {client.principal.arn} is not authorized to perform: kms:Decrypt on the resource"
        f" associated with this ciphertext {why}"
    )


WRONG_KEY = "The key ID in the request does not identify a CMK that can perform this operation."
MISSING = "1234abcd-12ab-34cd-56ef-1234567890ab"


def blob_of(client: Kms, key: str, plaintext: bytes = b"x", **members: object) -> bytes:
    blob: bytes = client.encrypt(KeyId=key, Plaintext=plaintext, **members).ciphertext_blob
    return blob


def test_round_trip(admin: Kms) -> None:
    """What was encrypted is decrypted, and both answers name the key by its ARN."""
    key = admin.key()
    sealed = admin.encrypt(KeyId=key, Plaintext=b"secret")
    opened = admin.decrypt(CiphertextBlob=sealed.ciphertext_blob)
    assert opened.plaintext == b"secret"
    assert sealed.key_id == opened.key_id == admin.arn(f"key/{key}")
    assert sealed.encryption_algorithm == opened.encryption_algorithm == "SYMMETRIC_DEFAULT"
    metadata = admin.describe_key(KeyId=key).key_metadata
    assert opened.key_material_id == metadata.current_key_material_id


def test_equal_plaintexts_give_different_blobs(admin: Kms) -> None:
    """Every blob is new."""
    key = admin.key()
    assert blob_of(admin, key) != blob_of(admin, key)


def test_context_is_bound(admin: Kms) -> None:
    """Decrypt refuses a blob with another context, one byte more, or none; order is nothing."""
    context = {"tenant": "a", "purpose": "b"}
    blob = blob_of(admin, admin.key(), EncryptionContext=context)
    for other in ({}, {"tenant": "a"}, {**context, "tenant": "A"}, {**context, "x": ""}):
        with refused("InvalidCiphertextException"):
            admin.decrypt(CiphertextBlob=blob, EncryptionContext=other)
    with refused("InvalidCiphertextException"):
        admin.decrypt(CiphertextBlob=blob)
    turned = dict(reversed(context.items()))
    assert admin.decrypt(CiphertextBlob=blob, EncryptionContext=turned).plaintext == b"x"


def test_no_context_is_bound_too(admin: Kms) -> None:
    """A blob that was made without a context opens with none, or an empty one."""
    blob = blob_of(admin, admin.key())
    with refused("InvalidCiphertextException"):
        admin.decrypt(CiphertextBlob=blob, EncryptionContext={"tenant": "a"})
    assert admin.decrypt(CiphertextBlob=blob, EncryptionContext={}).plaintext == b"x"


@pytest.mark.parametrize("form", ["id", "arn", "alias", "alias arn"])
def test_the_key_can_be_named_in_four_ways(admin: Kms, form: str) -> None:
    """Key id, key ARN, alias name and alias ARN name the same key."""
    key = admin.key()
    admin.create_alias(AliasName="alias/mine", TargetKeyId=key)
    name = {
        "id": key,
        "arn": admin.arn(f"key/{key}"),
        "alias": "alias/mine",
        "alias arn": admin.arn("alias/mine"),
    }[form]
    sealed = admin.encrypt(KeyId=name, Plaintext=b"x")
    assert sealed.key_id == admin.arn(f"key/{key}")
    assert admin.decrypt(CiphertextBlob=sealed.ciphertext_blob, KeyId=name).plaintext == b"x"


def test_another_key_named(admin: Kms) -> None:
    """With a key named, only that key is tried."""
    key, other = admin.key(), admin.key()
    blob = blob_of(admin, key)
    with refused("IncorrectKeyException", WRONG_KEY):
        admin.decrypt(CiphertextBlob=blob, KeyId=other)
    assert admin.decrypt(CiphertextBlob=blob, KeyId=key).plaintext == b"x"


def test_a_malformed_blob_is_judged_after_permission(admin: Kms, world: World) -> None:
    """Who names a key that they may not use learns nothing about the blob."""
    key = admin.key()
    nobody = world.caller("nobody", policies=[])
    with refused("AccessDeniedException"):
        nobody.decrypt(CiphertextBlob=b"garbage", KeyId=key)
    with refused("InvalidCiphertextException"):
        admin.decrypt(CiphertextBlob=b"garbage", KeyId=key)


def test_a_blob_is_required(admin: Kms) -> None:
    """The model makes the ciphertext optional; the operation does not."""
    with refused("ValidationException"):
        admin.decrypt(KeyId=admin.key())


def test_one_text_for_a_key_that_is_not_there_or_not_yours(admin: Kms, world: World) -> None:
    """Who may not use a blob's key reads the same as for a key that was destroyed."""
    key, gone = admin.key(), admin.key()
    blob, orphan = blob_of(admin, key), blob_of(admin, gone)
    nobody = world.caller("nobody", policies=[])
    stranger = world.caller("admin", OTHER_ACCOUNT)
    hears = ((nobody, LACKS), (stranger, UNKNOWN))
    for caller, why in hears:
        with refused("AccessDeniedException", not_yours(caller, why)):
            caller.decrypt(CiphertextBlob=blob)
    admin.schedule_key_deletion(KeyId=gone, PendingWindowInDays=7)
    world.pass_time(days=8)
    world.destroy_due()
    for caller, why in ((admin, UNKNOWN), *hears):
        with refused("AccessDeniedException", not_yours(caller, why)):
            caller.decrypt(CiphertextBlob=orphan)
    assert admin.decrypt(CiphertextBlob=blob).plaintext == b"x"


def test_a_blob_of_another_region(admin: Kms, world: World) -> None:
    """A blob opens only in the Region of its key."""
    blob = blob_of(admin, admin.key())
    abroad = world.caller(region="eu-west-1")
    with refused("AccessDeniedException", not_yours(abroad)):
        abroad.decrypt(CiphertextBlob=blob)
    assert admin.decrypt(CiphertextBlob=blob).plaintext == b"x"


def test_across_accounts(admin: Kms, world: World) -> None:
    """A stranger opens a blob when the key policy and the stranger's own policies allow it."""
    arn = iam_arn(OTHER_ACCOUNT, "user/bob")
    bob = world.caller("bob", OTHER_ACCOUNT)
    unarmed = world.caller("bob", OTHER_ACCOUNT, policies=[])
    policy = document(delegation(), allow("kms:Decrypt", Principal={"AWS": arn}))
    shared, private = admin.key(Policy=policy), admin.key()
    blob = blob_of(admin, shared)
    assert bob.decrypt(CiphertextBlob=blob).plaintext == b"x"
    assert bob.decrypt(CiphertextBlob=blob, KeyId=shared).plaintext == b"x"
    assert bob.decrypt(CiphertextBlob=blob, KeyId=admin.arn(f"key/{shared}")).plaintext == b"x"
    with refused("AccessDeniedException", not_yours(unarmed, LACKS)):
        unarmed.decrypt(CiphertextBlob=blob)
    with refused("AccessDeniedException", not_yours(bob)):
        bob.decrypt(CiphertextBlob=blob_of(admin, private))
    with refused("AccessDeniedException"):
        bob.encrypt(KeyId=admin.arn(f"key/{shared}"), Plaintext=b"x")


def test_strangers_do_not_learn_which_keys_exist(admin: Kms, world: World) -> None:
    """A stranger's refusal for a key or alias that exists reads as for one that does not."""
    key = admin.key()
    admin.create_alias(AliasName="alias/mine", TargetKeyId=key)
    stranger = world.caller("bob", OTHER_ACCOUNT)
    for resource in (f"key/{key}", f"key/{MISSING}", "alias/mine", "alias/none"):
        named = admin.arn(resource)
        with refused(
            "AccessDeniedException",
            f"User: {stranger.principal.arn} is not authorized to perform: kms:Encrypt on"
            f" this resource {UNKNOWN}",
        ):
            stranger.encrypt(KeyId=named, Plaintext=b"x")


@pytest.mark.parametrize(
    "asking",
    [
        {"Condition": {"StringLike": {"aws:ResourceTag/project": "s*"}}},
        {"Condition": {"Null": {"aws:ResourceTag/project": "true"}}},
        {"Condition": {"Null": {"kms:RequestAlias": "false"}}},
        {"Condition": {"Null": {"kms:RequestAlias": "true"}}},
        {"Condition": {"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/m*"}}},
        {"Condition": {"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT"}}},
        {"resource": "arn:aws:kms:*:*:key/*"},
        {"resource": "arn:aws:kms:*:*:alias/*"},
    ],
)
def test_strangers_learn_nothing_by_denying_themselves(
    admin: Kms, world: World, asking: dict[str, Any]
) -> None:
    """Whatever a stranger's own Deny asks of a key: the answer is the same when there is none."""
    key = admin.key(Tags=[{"TagKey": "project", "TagValue": "secret"}])
    admin.create_alias(AliasName="alias/mine", TargetKeyId=key)
    mallory = stranger(world, deny("kms:Encrypt", **asking))
    there = told(mallory, admin.arn("alias/mine"))
    admin.delete_alias(AliasName="alias/mine")
    assert told(mallory, admin.arn("alias/mine")) == there


def test_strangers_are_refused_from_memory(admin: Kms, world: World) -> None:
    """Asked again, neither what exists nor what does not costs a look into the store."""
    admin.create_alias(AliasName="alias/mine", TargetKeyId=admin.key())
    mallory = stranger(world)
    for alias in ("alias/mine", "alias/none"):
        told(mallory, admin.arn(alias))
        asked = len(world.statements)
        told(mallory, admin.arn(alias))
        assert len(world.statements) == asked
    admin.create_alias(AliasName="alias/none", TargetKeyId=admin.key())
    assert admin.encrypt(KeyId=admin.arn("alias/none"), Plaintext=b"x").ciphertext_blob


def test_denials_of_ones_own_are_told(admin: Kms, world: World) -> None:
    """A Deny that asks nothing of the stranger's key is told, as is any about one's own key."""
    key = admin.key(Tags=[{"TagKey": "project", "TagValue": "secret"}])
    admin.create_alias(AliasName="alias/mine", TargetKeyId=key)
    explicit = "with an explicit deny in an identity-based policy"
    context = {"Null": {"kms:EncryptionContext:app": "true"}}
    for statement in (deny("kms:*"), deny("kms:*", Condition=context)):
        mallory = stranger(world, statement)
        assert told(mallory, admin.arn("alias/mine")).endswith(explicit)
        assert told(mallory, admin.arn(f"key/{key}")).endswith(explicit)
    tagged = deny("kms:*", Condition={"StringLike": {"aws:ResourceTag/project": "s*"}})
    assert told(world.caller("carol", policies=[allow("kms:*"), tagged]), key).endswith(explicit)


def stranger(world: World, *policies: Any) -> Kms:
    """Somebody of another account, allowed everything there but for these statements."""
    return world.caller("mallory", OTHER_ACCOUNT, policies=[allow("kms:*"), *policies])


def told(caller: Kms, key_id: str) -> str:
    """The sentence of the refusal to encrypt."""
    with refused("AccessDeniedException") as refusal:
        caller.encrypt(KeyId=key_id, Plaintext=b"x")
    return refusal.value.message or ""


def test_a_bare_id_is_the_callers_own(admin: Kms, world: World) -> None:
    """A key of another account is not found by its bare id."""
    key = admin.key()
    stranger = world.caller("bob", OTHER_ACCOUNT)
    arn = f"arn:aws:kms:{REGION}:{OTHER_ACCOUNT}:key/{key}"
    with refused("NotFoundException", f"Key '{arn}' does not exist"):
        stranger.encrypt(KeyId=key, Plaintext=b"x")
    admin.encrypt(KeyId=key, Plaintext=b"x")


def test_permission_comes_before_state(admin: Kms, world: World) -> None:
    """Who may not use a key does not learn its state."""
    key = admin.key()
    blob = blob_of(admin, key)
    admin.disable_key(KeyId=key)
    nobody = world.caller("nobody", policies=[])
    with refused("AccessDeniedException"):
        nobody.encrypt(KeyId=key, Plaintext=b"x")
    disabled = f"{admin.arn(f'key/{key}')} is disabled."
    with refused("DisabledException", disabled):
        admin.encrypt(KeyId=key, Plaintext=b"x")
    with refused("DisabledException", disabled):
        admin.decrypt(CiphertextBlob=blob)
    admin.enable_key(KeyId=key)
    assert admin.decrypt(CiphertextBlob=blob).plaintext == b"x"


def test_policies_see_the_context(world: World, admin: Kms) -> None:
    """A policy can ask for a value of the encryption context, whatever the case of its name."""
    condition = {"StringEquals": {"kms:EncryptionContext:Tenant": "a"}}
    alice = world.caller("alice", policies=[allow("kms:Encrypt", Condition=condition)])
    key = admin.key()
    blob_of(alice, key, EncryptionContext={"tenant": "a"})
    for context in ({"tenant": "b"}, {}, {"tenant2": "a"}):
        with refused("AccessDeniedException"):
            blob_of(alice, key, EncryptionContext=context)


def test_policies_see_the_names_of_the_context(world: World, admin: Kms) -> None:
    """kms:EncryptionContextKeys holds the names, and is absent without a context."""
    condition = {
        "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["tenant"]},
        "Null": {"kms:EncryptionContextKeys": "false"},
    }
    alice = world.caller("alice", policies=[allow("kms:Encrypt", Condition=condition)])
    key = admin.key()
    blob_of(alice, key, EncryptionContext={"tenant": "a"})
    for context in ({"tenant": "a", "more": "b"}, {}):
        with refused("AccessDeniedException"):
            blob_of(alice, key, EncryptionContext=context)


def test_policies_see_the_algorithm_that_was_not_said(world: World, admin: Kms) -> None:
    """kms:EncryptionAlgorithm has its default when the request says nothing."""
    condition = {"StringEquals": {"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}}
    alice = world.caller("alice", policies=[allow("kms:Encrypt", Condition=condition)])
    blob_of(alice, admin.key())


def test_policies_see_how_the_key_was_named(world: World, admin: Kms) -> None:
    """kms:RequestAlias is there when the request used the alias, and then only."""
    condition = {"StringEquals": {"kms:RequestAlias": "alias/mine"}}
    alice = world.caller("alice", policies=[allow("kms:*", Condition=condition)])
    key = admin.key()
    for name in ("alias/mine", "alias/other"):
        admin.create_alias(AliasName=name, TargetKeyId=key)
    blob = blob_of(alice, "alias/mine")
    assert alice.decrypt(CiphertextBlob=blob, KeyId=alice.arn("alias/mine")).plaintext == b"x"
    for name in (key, "alias/other"):
        with refused("AccessDeniedException"):
            blob_of(alice, name)
    with refused("AccessDeniedException", not_yours(alice, LACKS)):
        alice.decrypt(CiphertextBlob=blob)


def test_policies_see_the_aliases_and_tags_of_the_key(world: World, admin: Kms) -> None:
    """kms:ResourceAliases and aws:ResourceTag hold what the key has now."""
    condition = {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/mine"},
        "StringEquals": {"aws:ResourceTag/team": "red"},
    }
    alice = world.caller("alice", policies=[allow("kms:Encrypt", Condition=condition)])
    key = admin.key(Tags=[{"TagKey": "Team", "TagValue": "red"}])
    with refused("AccessDeniedException"):
        blob_of(alice, key)
    admin.create_alias(AliasName="alias/mine", TargetKeyId=key)
    blob_of(alice, key)
    admin.tag_resource(KeyId=key, Tags=[{"TagKey": "Team", "TagValue": "blue"}])
    with refused("AccessDeniedException"):
        blob_of(alice, key)


def test_policies_see_who_calls_and_what_the_key_is(admin: Kms) -> None:
    """kms:CallerAccount and the properties of the key are there for key policies."""
    for key, value in {
        "kms:CallerAccount": ACCOUNT,
        "kms:KeySpec": "SYMMETRIC_DEFAULT",
        "kms:KeyUsage": "ENCRYPT_DECRYPT",
        "kms:KeyOrigin": "AWS_KMS",
        "kms:MultiRegion": "false",
    }.items():
        operator = "Bool" if key == "kms:MultiRegion" else "StringEquals"
        good = deny("kms:Encrypt", Principal="*", Condition={operator: {key: "no such"}})
        bad = deny("kms:Encrypt", Principal="*", Condition={operator: {key: value}})
        blob_of(admin, admin.key(Policy=document(delegation(), good)))
        with refused("AccessDeniedException"):
            blob_of(admin, admin.key(Policy=document(delegation(), bad)))


def test_grant_tokens_that_nobody_made(admin: Kms, world: World) -> None:
    """No grant exists, so every token is unknown; but first the caller must have permission."""
    key = admin.key()
    with refused("InvalidGrantTokenException"):
        blob_of(admin, key, GrantTokens=["abc"])
    with refused("AccessDeniedException"):
        blob_of(world.caller("nobody", policies=[]), key, GrantTokens=["abc"])
    blob_of(admin, key, GrantTokens=[])


def test_dry_run(admin: Kms, world: World) -> None:
    """A dry run never succeeds: it is refused as the call would be, or because it is one."""
    key = admin.key()
    blob = blob_of(admin, key)
    would = "The request would have succeeded, but the DryRun option is set."
    with refused("DryRunOperationException", would):
        admin.encrypt(KeyId=key, Plaintext=b"x", DryRun=True)
    with refused("DryRunOperationException", would):
        admin.decrypt(CiphertextBlob=blob, DryRun=True)
    with refused("DryRunOperationException", would):
        admin.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key, DryRun=True)
    with refused("AccessDeniedException"):
        world.caller("nobody", policies=[]).encrypt(KeyId=key, Plaintext=b"x", DryRun=True)
    with refused("InvalidCiphertextException"):
        admin.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"}, DryRun=True)
    admin.disable_key(KeyId=key)
    with refused("DisabledException"):
        admin.encrypt(KeyId=key, Plaintext=b"x", DryRun=True)


def test_dry_run_without_ciphertext(admin: Kms) -> None:
    """IGNORE_CIPHERTEXT asks only for permission; it needs a key and a dry run."""
    key = admin.key()
    ignoring = {"DryRunModifiers": ["IGNORE_CIPHERTEXT"]}
    with refused("DryRunOperationException"):
        admin.decrypt(KeyId=key, DryRun=True, **ignoring)
    with refused("DryRunOperationException"):
        admin.decrypt(KeyId=key, CiphertextBlob=b"garbage", DryRun=True, **ignoring)
    with refused("DryRunOperationException"):
        admin.re_encrypt(SourceKeyId=key, DestinationKeyId=key, DryRun=True, **ignoring)
    with refused("ValidationException"):
        admin.decrypt(DryRun=True, **ignoring)
    with refused("ValidationException"):
        admin.decrypt(KeyId=key, CiphertextBlob=blob_of(admin, key), **ignoring)


def test_recipients_are_refused(admin: Kms) -> None:
    """An attested recipient is never answered in clear."""
    blob = blob_of(admin, admin.key())
    with refused("ValidationException"):
        admin.decrypt(CiphertextBlob=blob, Recipient={"AttestationDocument": b"x"})
    admin.decrypt(CiphertextBlob=blob)


def test_reencrypt(admin: Kms) -> None:
    """ReEncrypt moves a blob to another key and context, and tells both materials."""
    old, new = admin.key(), admin.key()
    blob = blob_of(admin, old, EncryptionContext={"a": "1"})
    moved = admin.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext={"a": "1"},
        DestinationKeyId=new,
        DestinationEncryptionContext={"b": "2"},
    )
    assert (moved.source_key_id, moved.key_id) == (admin.arn(f"key/{old}"), admin.arn(f"key/{new}"))
    assert moved.source_key_material_id != moved.destination_key_material_id
    opened = admin.decrypt(CiphertextBlob=moved.ciphertext_blob, EncryptionContext={"b": "2"})
    assert (opened.plaintext, opened.key_id) == (b"x", admin.arn(f"key/{new}"))
    with refused("InvalidCiphertextException"):
        admin.decrypt(CiphertextBlob=moved.ciphertext_blob, EncryptionContext={"a": "1"})
    with refused("IncorrectKeyException", WRONG_KEY):
        admin.re_encrypt(CiphertextBlob=blob, SourceKeyId=new, DestinationKeyId=new)


def test_reencrypt_asks_twice(admin: Kms, world: World) -> None:
    """ReEncryptFrom on the source and ReEncryptTo on the destination are both needed."""
    old, new = admin.key(), admin.key()
    blob = blob_of(admin, old)
    from_old = allow("kms:ReEncryptFrom", admin.arn(f"key/{old}"))
    to_new = allow("kms:ReEncryptTo", admin.arn(f"key/{new}"))
    both = world.caller("both", policies=[from_old, to_new])
    both.re_encrypt(CiphertextBlob=blob, DestinationKeyId=new)
    with refused("AccessDeniedException"):
        world.caller("to", policies=[to_new]).re_encrypt(CiphertextBlob=blob, DestinationKeyId=new)
    with refused("AccessDeniedException"):
        world.caller("from", policies=[from_old]).re_encrypt(
            CiphertextBlob=blob, DestinationKeyId=new
        )
    with refused("AccessDeniedException"):
        both.re_encrypt(CiphertextBlob=blob_of(admin, new), DestinationKeyId=old)


def test_reencrypt_on_the_same_key(admin: Kms, world: World) -> None:
    """Policies see whether source and destination are one key."""
    key, other = admin.key(), admin.key()
    blob = blob_of(admin, key)
    same = {"Bool": {"kms:ReEncryptOnSameKey": "true"}}
    alice = world.caller("alice", policies=[allow("kms:ReEncrypt*", Condition=same)])
    alice.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key)
    with refused("AccessDeniedException"):
        alice.re_encrypt(CiphertextBlob=blob, DestinationKeyId=other)


def test_reencrypt_needs_both_keys_enabled(admin: Kms) -> None:
    """A disabled source or destination refuses."""
    old, new = admin.key(), admin.key()
    blob = blob_of(admin, old)
    for key in (old, new):
        admin.disable_key(KeyId=key)
        with refused("DisabledException", f"{admin.arn(f'key/{key}')} is disabled."):
            admin.re_encrypt(CiphertextBlob=blob, DestinationKeyId=new)
        admin.enable_key(KeyId=key)
    admin.re_encrypt(CiphertextBlob=blob, DestinationKeyId=new)


def test_events_name_the_key_and_the_material(admin: Kms, world: World) -> None:
    """An event lists every key that was asked about, and what its material was."""
    old, new = admin.key(), admin.key()
    blob = blob_of(admin, old)
    event = world.events[-1]
    material = admin.describe_key(KeyId=old).key_metadata.current_key_material_id
    assert [r.arn for r in event.resources] == [admin.arn(f"key/{old}")]
    assert event.additional == {"keyMaterialId": material}
    admin.re_encrypt(CiphertextBlob=blob, DestinationKeyId=new)
    event = world.events[-1]
    assert [r.arn for r in event.resources] == [admin.arn(f"key/{k}") for k in (old, new)]
    assert event.request_parameters == {
        "sourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "destinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    }


def test_a_hot_key_costs_no_look_up(admin: Kms, world: World) -> None:
    """A key that was used at this epoch is used again without asking the store."""
    key = admin.key()
    admin.create_alias(AliasName="alias/mine", TargetKeyId=key)
    names = [key, "alias/mine", admin.arn(f"key/{key}")]
    blobs = [blob_of(admin, name) for name in names]
    for blob in blobs:
        admin.decrypt(CiphertextBlob=blob)
    assert world.statements != []
    world.statements.clear()
    for name, blob in zip(names, blobs, strict=True):
        blob_of(admin, name)
        admin.decrypt(CiphertextBlob=blob)
        admin.generate_data_key(KeyId=name, KeySpec="AES_256")
    assert world.statements == []


def test_rows_that_we_did_not_write(admin: Kms, world: World) -> None:
    """An alias that was turned to another key in the database stops its account."""
    key, other = admin.key(), admin.key()
    admin.create_alias(AliasName="alias/mine", TargetKeyId=key)
    blob_of(admin, "alias/mine")
    with world.store.write() as transaction:
        transaction.run("UPDATE kms_aliases SET key_id = ?", (other,))
    with pytest.raises(RowIntegrityError):
        blob_of(admin, "alias/mine")
    with pytest.raises(RowIntegrityError):  # whose list of aliases is not whole either
        blob_of(admin, key)
