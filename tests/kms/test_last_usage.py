"""GetKeyLastUsage: the last successful cryptographic operation with a key."""

from datetime import timedelta
from typing import Any, get_args

import pytest

from keystead.audit.records.event import Event, EventResource
from keystead.kms import usage
from keystead.kms.keys.uses import BETWEEN, MOST, MOST_OF_ACCOUNT, OPERATIONS, LastUses
from keystead.kms.rules import KMS
from keystead.wire.models import kms as api
from tests.kms.world import (
    ACCOUNT,
    EVENT_IDS,
    OTHER_ACCOUNT,
    START,
    Kms,
    World,
    allow,
    deny,
    refused,
)


def last(client: Kms, key: str) -> api.KeyLastUsageData:
    found: api.KeyLastUsageData = client.get_key_last_usage(KeyId=key).key_last_usage
    return found


def write(world: World) -> int:
    """What the server's job does; how many uses it writes."""
    uses = world.last_uses.due(world.now, MOST)
    with world.store.write(quiet=True) as transaction:
        for use in uses.values():
            world.repository.record_use(transaction, use)
    world.last_uses.written(uses)
    return len(uses)


def test_never_used(admin: Kms, world: World) -> None:
    """A key that was not used has an empty answer, and the dates that tell what that means."""
    world.pass_time(days=1)
    key = admin.key()
    assert admin.get_key_last_usage(KeyId=key) == api.GetKeyLastUsageResponse(
        key_id=admin.arn(f"key/{key}"),
        key_last_usage=api.KeyLastUsageData(),
        tracking_start_date=world.now,
        key_creation_date=world.now,
    )


def test_a_key_from_before(admin: Kms, world: World) -> None:
    """For a key from before uses were noted, the answer says since when they are."""
    key = admin.key()
    world.last_uses = LastUses(START + timedelta(days=3))
    answer = admin.get_key_last_usage(KeyId=key)
    assert answer.tracking_start_date == START + timedelta(days=3)
    assert answer.key_creation_date == START


def test_each_use_is_the_last(admin: Kms, world: World) -> None:
    """The newest operation is told, with its time and the ids of its record and request."""
    key = admin.key()
    blob = admin.encrypt(KeyId=key, Plaintext=b"x").ciphertext_blob
    assert last(admin, key).operation == "Encrypt"
    world.pass_time(minutes=1)
    admin.decrypt(CiphertextBlob=blob)
    number = len(world.events) - 1
    assert last(admin, key) == api.KeyLastUsageData(
        operation="Decrypt",
        timestamp=world.now,
        cloud_trail_event_id=f"{EVENT_IDS}{number:012x}",
        kms_request_id="request",
    )


def test_reencrypt_uses_both(admin: Kms) -> None:
    """ReEncrypt is a use of the old key and of the new one."""
    old, new = admin.key(), admin.key()
    blob = admin.encrypt(KeyId=old, Plaintext=b"x").ciphertext_blob
    admin.re_encrypt(CiphertextBlob=blob, DestinationKeyId=new)
    assert [last(admin, key).operation for key in (old, new)] == ["ReEncrypt", "ReEncrypt"]


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("operation", ["DisableKey", "ScheduleKeyDeletion"])
def test_days_without_a_use(admin: Kms, world: World, operation: str, written: bool) -> None:
    """A policy may forbid to disable or delete a key that was used within so many whole days."""
    guarded = {"NumericLessThan": {"kms:TrailingDaysWithoutKeyUsage": "90"}}
    keeper = world.caller(
        "keeper", policies=[allow("kms:*"), deny(f"kms:{operation}", Condition=guarded)]
    )
    key, other = admin.key(), admin.key()
    world.pass_time(days=30)
    admin.encrypt(KeyId=key, Plaintext=b"x")
    if written:
        world.pass_time(hours=2)
        assert write(world) == 1
        world.pass_time(hours=-2)
    world.pass_time(days=60)
    keeper.call(operation, {"KeyId": other})  # never used: the days since its creation count
    world.pass_time(days=29, hours=23)
    with refused("AccessDeniedException"):
        keeper.call(operation, {"KeyId": key})
    world.pass_time(hours=1)
    keeper.call(operation, {"KeyId": key})


@pytest.mark.parametrize("operation", ["DisableKey", "ScheduleKeyDeletion"])
@pytest.mark.parametrize("asking", [
    {"NumericLessThan": {"kms:TrailingDaysWithoutKeyUsage": "90"}},
    {"Null": {"kms:TrailingDaysWithoutKeyUsage": "false"}},
])  # fmt: skip
def test_strangers_learn_no_use(
    admin: Kms, world: World, operation: str, asking: dict[str, Any]
) -> None:
    """A stranger's own Deny does not tell whether a key is there, and whether it was used."""
    used, idle = admin.key(), admin.key()
    world.pass_time(days=100)
    admin.encrypt(KeyId=used, Plaintext=b"x")
    own = [allow("kms:*"), deny("kms:*", Condition=asking)]
    mallory = world.caller("mallory", OTHER_ACCOUNT, policies=own)
    sentences = set()
    for key in (used, idle, "11111111-2222-3333-4444-555555555555"):
        with refused("AccessDeniedException") as caught:
            mallory.call(operation, {"KeyId": admin.arn(f"key/{key}")})
        sentences.add(caught.value.message)
    assert len(sentences) == 1


def test_days_since_uses_are_noted(admin: Kms, world: World) -> None:
    """Before uses were noted, nobody knows whether a key was used: those days do not count."""
    keeper = world.caller("keeper", policies=[allow("kms:DisableKey", Condition={
        "NumericEquals": {"kms:TrailingDaysWithoutKeyUsage": "2"}})])  # fmt: skip
    key = admin.key()
    world.last_uses = LastUses(START + timedelta(days=3))
    world.pass_time(days=5)
    keeper.disable_key(KeyId=key)


@pytest.mark.parametrize("way", ["refused", "dry run", "not cryptographic", "disabled"])
def test_what_is_no_use(admin: Kms, world: World, way: str) -> None:
    """Refusals, dry runs and what only reads the key are no use; the same call that succeeds is."""
    key = admin.key()
    if way == "refused":
        with refused("AccessDeniedException"):
            world.caller("eve", policies=[]).encrypt(KeyId=key, Plaintext=b"x")
    elif way == "dry run":
        with refused("DryRunOperationException"):
            admin.encrypt(KeyId=key, Plaintext=b"x", DryRun=True)
    elif way == "disabled":
        admin.disable_key(KeyId=key)
        with refused("DisabledException"):
            admin.encrypt(KeyId=key, Plaintext=b"x")
        admin.enable_key(KeyId=key)
    else:
        admin.describe_key(KeyId=key)
        admin.rotate_key_on_demand(KeyId=key)
    assert last(admin, key) == api.KeyLastUsageData()
    admin.encrypt(KeyId=key, Plaintext=b"x")
    assert last(admin, key).operation == "Encrypt"


def test_every_cryptographic_operation_counts() -> None:
    """AWS's list of operations is that of our rows with a use of the key."""
    ours = {name for name, row in KMS.items() if row.use is not usage.NONE}
    assert ours == OPERATIONS == set(get_args(api.KeyLastUsageTrackingOperation))


def test_it_is_written_once_an_hour(admin: Kms, world: World) -> None:
    """The first use is written at once, later ones within the hour. They survive a restart."""
    key = admin.key()
    admin.encrypt(KeyId=key, Plaintext=b"x")
    assert write(world) == 1
    admin.encrypt(KeyId=key, Plaintext=b"x")
    seen = last(admin, key)
    assert write(world) == 0
    world.now += BETWEEN
    assert write(world) == 1
    assert last(admin, key) == seen
    world.restart()
    assert last(admin, key) == seen
    world.last_uses = LastUses(START)  # a crash
    assert last(admin, key) == seen
    admin.encrypt(KeyId=key, Plaintext=b"x")
    world.now += BETWEEN
    assert write(world) == 1
    assert last(admin, key).timestamp != seen.timestamp


def test_a_crash_hides_no_key_that_is_used_again(admin: Kms, world: World) -> None:
    """Of a key that was not in use for an hour the next use is written at once, as the first."""
    idle, busy = admin.key(), admin.key()
    for key in (idle, busy):
        admin.encrypt(KeyId=key, Plaintext=b"x")
    assert write(world) == 2
    admin.encrypt(KeyId=busy, Plaintext=b"x")
    world.now += BETWEEN
    assert write(world) == 1
    world.pass_time(minutes=30)
    for key in (idle, busy):
        admin.encrypt(KeyId=key, Plaintext=b"x")
    assert write(world) == 1
    world.last_uses = LastUses(START)  # a crash
    assert last(admin, idle).timestamp == world.now
    assert last(admin, busy).timestamp == world.now - timedelta(minutes=30) - BETWEEN


def test_an_edited_use_is_refused(admin: Kms, world: World) -> None:
    """What stands in the store is authenticated."""
    key = admin.key()
    admin.encrypt(KeyId=key, Plaintext=b"x")
    world.now += BETWEEN
    write(world)
    with world.store.write() as transaction:
        transaction.run("UPDATE kms_key_uses SET used_us = 0")
    with pytest.raises(Exception, match="kms_key_uses"):
        last(admin, key)


def test_of_a_destroyed_key_nothing_stays(admin: Kms, world: World) -> None:
    """The use goes with the key, and a use that waited is not written afterwards."""
    written, waiting = admin.key(), admin.key()
    admin.encrypt(KeyId=written, Plaintext=b"x")
    world.now += BETWEEN
    write(world)
    admin.encrypt(KeyId=waiting, Plaintext=b"x")
    for key in (written, waiting):
        admin.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    world.pass_time(days=8)
    assert len(world.destroy_due()) == 2
    assert write(world) == 1
    assert world.store.read().all("SELECT key_id FROM kms_key_uses") == []


def encrypted(number: int, account: str = ACCOUNT) -> Event:
    """The event of an Encrypt with another key each time."""
    arn = f"arn:aws:kms:eu-central-1:{account}:key/{number}"
    resources = [EventResource(account, "AWS::KMS::Key", arn)]
    return Event(f"{number}", START, "kms.amazonaws.com", "Encrypt", resources=resources)


def test_memory_is_bounded_for_each_account() -> None:
    """An account that uses very many keys loses its own uses, and no other account's."""
    uses = LastUses(START)
    uses.note([encrypted(number) for number in range(MOST_OF_ACCOUNT + 5)], EVENT_IDS, 0)
    assert uses.lost == 5
    uses.note([encrypted(1, "444455556666")], EVENT_IDS, 0)
    assert uses.of("444455556666", encrypted(1, "444455556666").resources[0].arn) is not None
    uses.note([encrypted(1)], EVENT_IDS, 7)  # a key that is known stays up to date
    found = uses.of(ACCOUNT, encrypted(1).resources[0].arn)
    assert found is not None
    assert found.event_id.endswith("7")
    kept = uses.kept_bytes
    for account in range(10):
        other = f"{account:012}"
        uses.note([encrypted(n, other) for n in range(MOST_OF_ACCOUNT)], EVENT_IDS, 0)
    assert uses.kept_bytes <= kept * MOST / MOST_OF_ACCOUNT


def written(uses: LastUses) -> list[str]:
    """What the job writes now."""
    seen: list[str] = []
    while some := uses.due(START, 300):
        seen += some
        if not uses.written(some):
            break
    return seen


def test_much_that_waits_is_written_at_once() -> None:
    """Half of an account's room is a reason to write; each use is written once."""
    uses = LastUses(START)
    half = [encrypted(number) for number in range(MOST_OF_ACCOUNT // 2)]
    uses.note(half, EVENT_IDS, 0)
    assert len(written(uses)) == len(half)  # they were not in use
    uses.note(half[1:], EVENT_IDS, 0)
    assert written(uses) == []
    uses.note(half[:1], EVENT_IDS, 0)
    seen = written(uses)
    assert len(seen) == len(set(seen)) == len(half)
    assert uses.is_empty


def test_names_of_keys_in_use_are_bounded() -> None:
    """However many keys are used in an hour, memory holds the names of some."""
    uses = LastUses(START)
    for first in range(0, 4 * MOST, 1000):
        uses.note([encrypted(first + number) for number in range(1000)], EVENT_IDS, 0)
        assert len(written(uses)) == 1000
    assert uses.kept_bytes < 240 * (MOST + 1001)
