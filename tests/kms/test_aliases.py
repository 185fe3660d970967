"""Aliases: names for keys, and who may give them."""

from datetime import timedelta

import pytest

from tests.kms.world import (
    ACCOUNT,
    OTHER_ACCOUNT,
    START,
    Kms,
    World,
    allow,
    document,
    refused,
)  # fmt: skip

ALIAS = "alias/mine"
NO_PREFIX = (
    'Alias must start with the prefix "alias/". Please see'
    " https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
)


def test_an_alias_names_a_key(admin: Kms, world: World) -> None:
    """An alias is made, moved and deleted, and each is seen at once."""
    one, other = admin.key(), admin.key()
    admin.create_alias(AliasName=ALIAS, TargetKeyId=one)
    assert admin.describe_key(KeyId=ALIAS).key_metadata.key_id == one
    world.pass_time(hours=1)
    admin.update_alias(AliasName=ALIAS, TargetKeyId=admin.arn(f"key/{other}"))
    assert admin.describe_key(KeyId=ALIAS).key_metadata.key_id == other
    (entry,) = admin.list_aliases().aliases
    assert (entry.alias_name, entry.alias_arn, entry.target_key_id) == (
        ALIAS,
        admin.arn(ALIAS),
        other,
    )
    assert entry.creation_date == START
    assert entry.last_updated_date == START + timedelta(hours=1)
    admin.delete_alias(AliasName=ALIAS)
    with refused("NotFoundException"):
        admin.describe_key(KeyId=ALIAS)


def test_a_name_is_taken_once(admin: Kms, world: World) -> None:
    """A name is unique in an account and Region, also for the same key."""
    key = admin.key()
    admin.create_alias(AliasName=ALIAS, TargetKeyId=key)
    taken = f"An alias with the name {admin.arn(ALIAS)} already exists"
    for target in (key, admin.key()):
        with refused("AlreadyExistsException", taken):
            admin.create_alias(AliasName=ALIAS, TargetKeyId=target)
    for client in (world.caller(region="eu-west-1"), world.caller("bob", OTHER_ACCOUNT)):
        client.create_alias(AliasName=ALIAS, TargetKeyId=client.key())


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("mine", "ValidationException", NO_PREFIX),
        ("alias/a:b", "ValidationException", "alias/a:b contains invalid characters for an alias"),
        ("alias/", "InvalidAliasNameException", None),
        ("alias/aws/s3", "NotAuthorizedException", None),
    ],
)  # fmt: skip
def test_names_that_cannot_be(admin: Kms, name: str, code: str, message: str | None) -> None:
    """A name that is no alias, or AWS's, can be neither made nor moved nor deleted."""
    key = admin.key()
    with refused(code, message):
        admin.create_alias(AliasName=name, TargetKeyId=key)
    with refused(code, message):
        admin.update_alias(AliasName=name, TargetKeyId=key)
    with refused(code, message):
        admin.delete_alias(AliasName=name)


def test_aliases_of_nothing(admin: Kms) -> None:
    """An alias that is not there can be neither moved nor deleted."""
    missing = f"Alias {admin.arn(ALIAS)} is not found."
    with refused("NotFoundException", missing):
        admin.update_alias(AliasName=ALIAS, TargetKeyId=admin.key())
    with refused("NotFoundException", missing):
        admin.delete_alias(AliasName=ALIAS)


def test_permission_on_alias_and_key(admin: Kms, world: World) -> None:
    """Making and deleting an alias needs permission on the alias and on the key."""
    key = admin.key()
    arns = {"alias": admin.arn(ALIAS), "key": admin.arn(f"key/{key}")}
    for only in arns.values():
        partial = world.caller("partial", policies=[allow("kms:*", only)])
        with refused("AccessDeniedException"):
            partial.create_alias(AliasName=ALIAS, TargetKeyId=key)
    alice = world.caller("alice", policies=[allow("kms:*", arn) for arn in arns.values()])
    alice.create_alias(AliasName=ALIAS, TargetKeyId=key)
    for only in arns.values():
        partial = world.caller("partial", policies=[allow("kms:*", only)])
        with refused("AccessDeniedException"):
            partial.delete_alias(AliasName=ALIAS)
    alice.delete_alias(AliasName=ALIAS)


def test_moving_needs_permission_on_all_three(admin: Kms, world: World) -> None:
    """UpdateAlias is asked on the alias, the old key and the new key."""
    old, new = admin.key(), admin.key()
    admin.create_alias(AliasName=ALIAS, TargetKeyId=old)
    arns = [admin.arn(ALIAS), admin.arn(f"key/{old}"), admin.arn(f"key/{new}")]
    for missing in arns:
        partial = world.caller(
            "partial", policies=[allow("kms:*", arn) for arn in arns if arn != missing]
        )
        with refused("AccessDeniedException"):
            partial.update_alias(AliasName=ALIAS, TargetKeyId=new)
    alice = world.caller("alice", policies=[allow("kms:UpdateAlias", arn) for arn in arns])
    alice.update_alias(AliasName=ALIAS, TargetKeyId=new)
    assert [r.arn for r in world.events[-1].resources] == arns


def test_key_policies_cannot_name_aliases(admin: Kms, world: World) -> None:
    """The key policy allows the key; the alias still needs an identity policy."""
    alice = world.caller("alice", policies=[])
    statement = allow("kms:CreateAlias", Principal={"AWS": alice.principal.arn})
    key = admin.key(Policy=document(statement), BypassPolicyLockoutSafetyCheck=True)
    with refused("AccessDeniedException"):
        alice.create_alias(AliasName=ALIAS, TargetKeyId=key)
    with_alias = world.caller("alice", policies=[allow("kms:CreateAlias", admin.arn("alias/*"))])
    with_alias.create_alias(AliasName=ALIAS, TargetKeyId=key)


def test_an_alias_leaves_but_does_not_join_a_dying_key(admin: Kms) -> None:
    """An alias may be moved away from a key pending deletion, not to one."""
    dying, living = admin.key(), admin.key()
    admin.create_alias(AliasName=ALIAS, TargetKeyId=dying)
    admin.schedule_key_deletion(KeyId=dying)
    admin.update_alias(AliasName=ALIAS, TargetKeyId=living)
    with refused("KMSInvalidStateException"):
        admin.update_alias(AliasName=ALIAS, TargetKeyId=dying)
    with refused("KMSInvalidStateException"):
        admin.create_alias(AliasName="alias/other", TargetKeyId=dying)


def test_an_alias_may_name_a_disabled_key(admin: Kms) -> None:
    """A disabled key has aliases as any other."""
    key = admin.key()
    admin.disable_key(KeyId=key)
    admin.create_alias(AliasName=ALIAS, TargetKeyId=key)
    admin.delete_alias(AliasName=ALIAS)


def test_fifty_aliases(admin: Kms) -> None:
    """A key has at most 50 aliases; moving one onto itself is no new one."""
    full, other = admin.key(), admin.key()
    for number in range(50):
        admin.create_alias(AliasName=f"alias/{number}", TargetKeyId=full)
    admin.create_alias(AliasName="alias/other", TargetKeyId=other)
    with refused("LimitExceededException"):
        admin.create_alias(AliasName="alias/more", TargetKeyId=full)
    with refused("LimitExceededException"):
        admin.update_alias(AliasName="alias/other", TargetKeyId=full)
    admin.update_alias(AliasName="alias/1", TargetKeyId=full)
    admin.update_alias(AliasName="alias/1", TargetKeyId=other)


def test_listing(admin: Kms, world: World) -> None:
    """ListAliases shows the account's aliases of the Region, or those of one key."""
    one, other = admin.key(), admin.key()
    admin.create_alias(AliasName="alias/b", TargetKeyId=one)
    admin.create_alias(AliasName="alias/a", TargetKeyId=other)
    abroad = world.caller(region="eu-west-1")
    abroad.create_alias(AliasName="alias/c", TargetKeyId=abroad.key())

    def names(**members: str) -> list[str]:
        return [entry.alias_name for entry in admin.list_aliases(**members).aliases]

    assert names() == ["alias/a", "alias/b"]
    assert names(KeyId=one) == ["alias/b"]
    assert names(KeyId=admin.arn(f"key/{other}")) == ["alias/a"]
    assert names(KeyId=admin.key()) == []


def test_listing_aliases_of_strangers(admin: Kms, world: World) -> None:
    """A key of another account, there or not, does not exist for ListAliases."""
    stranger = world.caller("bob", OTHER_ACCOUNT)
    for key in (admin.key(), "1234abcd-12ab-34cd-56ef-1234567890ab"):
        arn = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/{key}"
        with refused("NotFoundException", f"Key '{arn}' does not exist"):
            stranger.list_aliases(KeyId=arn)
