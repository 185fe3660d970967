"""Equal key policies are stored once in each account; none is lost, and none is left."""

import random
from collections.abc import Callable

import pytest

from keystead.custody.state import examine
from tests.kms.world import (
    ACCOUNT,
    OTHER_ACCOUNT,
    REGION,
    Kms,
    World,
    allow,
    document,
    refused,
)
from tests.older_policies import as_older, assert_whole, own_policies

EVERYBODY = document({**allow("kms:*"), "Principal": "*"})
OTHERS = [
    document({**allow("kms:*"), "Principal": "*", "Sid": f"of{number}"}) for number in range(3)
]


def texts(world: World) -> list[tuple[str, int]]:
    """The account of each stored text, and how many keys have it."""
    return sorted(world.store.read().all("SELECT account, keys FROM kms_policy_uses"))


def older(world: World, *keys: str) -> None:
    """Store the policies of these keys as versions before did."""
    with world.store.write() as transaction:
        for key in keys:
            as_older(world.repository, transaction, (ACCOUNT, REGION, key))


def move(world: World, key: str) -> None:
    with world.store.write() as transaction:
        world.repository.move_policy(transaction, (ACCOUNT, REGION, key))


def assert_sound(world: World) -> None:
    """Policies and counts agree, and every row and sum is right."""
    reader = world.store.read()
    assert_whole(world.repository, reader)
    world.store.flush()
    assert examine(world.hierarchy.rows, reader, lambda _: None).problems == []


def test_equal_policies_are_one_row(admin: Kms, world: World) -> None:
    """Keys with the same policy share its text; another text is another row."""
    keys = [admin.key(Policy=EVERYBODY) for _ in range(3)]
    assert texts(world) == [(ACCOUNT, 3)]
    other = admin.key(Policy=OTHERS[0])
    assert texts(world) == [(ACCOUNT, 1), (ACCOUNT, 3)]
    assert admin.get_key_policy(KeyId=keys[2]).policy == EVERYBODY
    assert admin.get_key_policy(KeyId=other).policy == OTHERS[0]
    assert_sound(world)


def test_a_changed_policy_is_the_keys_own(admin: Kms, world: World) -> None:
    """PutKeyPolicy changes one key. The text goes with its last key, and may come again."""
    first, second = admin.key(Policy=EVERYBODY), admin.key(Policy=EVERYBODY)
    admin.put_key_policy(KeyId=first, Policy=OTHERS[0])
    assert admin.get_key_policy(KeyId=second).policy == EVERYBODY
    assert texts(world) == [(ACCOUNT, 1), (ACCOUNT, 1)]
    admin.put_key_policy(KeyId=second, Policy=OTHERS[0])
    assert texts(world) == [(ACCOUNT, 2)]
    admin.put_key_policy(KeyId=second, Policy=OTHERS[0])
    assert texts(world) == [(ACCOUNT, 2)]
    admin.put_key_policy(KeyId=second, Policy=EVERYBODY)
    world.restart()
    assert admin.get_key_policy(KeyId=second).policy == EVERYBODY
    assert_sound(world)


def test_accounts_share_nothing(admin: Kms, world: World) -> None:
    """The same text in two accounts is two rows; what one account does changes only its own."""
    theirs = world.caller("admin", OTHER_ACCOUNT)
    mine, other = admin.key(Policy=EVERYBODY), theirs.key(Policy=EVERYBODY)
    assert texts(world) == [(ACCOUNT, 1), (OTHER_ACCOUNT, 1)]
    admin.put_key_policy(KeyId=mine, Policy=OTHERS[0])
    assert texts(world) == [(ACCOUNT, 1), (OTHER_ACCOUNT, 1)]
    world.restart()
    assert theirs.get_key_policy(KeyId=other).policy == EVERYBODY
    assert_sound(world)


def test_the_same_text_about_another_user(admin: Kms, world: World) -> None:
    """A user who was made again is another one, so an equal text is another policy."""
    alice = f"arn:aws:iam::{ACCOUNT}:user/alice"
    text = document(
        {**allow("kms:*"), "Principal": {"AWS": alice}}, {**allow("kms:*"), "Principal": "*"}
    )
    world.people.add(alice)
    before = admin.key(Policy=text)
    world.people.add(alice)
    admin.key(Policy=text)
    assert texts(world) == [(ACCOUNT, 1), (ACCOUNT, 1)]
    assert admin.get_key_policy(KeyId=before).policy != text  # it shows the id of the first


def test_a_destroyed_key_gives_its_policy_back(admin: Kms, world: World) -> None:
    """The text goes with the last key that had it."""
    first, second = admin.key(Policy=EVERYBODY), admin.key(Policy=EVERYBODY)
    for number, key in enumerate((first, second)):
        admin.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        world.pass_time(days=8)
        world.destroy_due()
        assert texts(world) == [(ACCOUNT, 1)][number:]
        assert_sound(world)


def test_a_refused_call_counts_nothing(admin: Kms, world: World) -> None:
    """A CreateKey that is undone leaves neither a text nor a count."""
    admin.key(Policy=EVERYBODY)
    with refused("MalformedPolicyDocumentException"):
        admin.key(Policy=document({**allow("kms:Sign"), "Principal": "*"}))
    with pytest.raises(OSError, match="no room"), world.store.write() as transaction:
        record = world.repository.keys_after(transaction, ACCOUNT, REGION, "", 1)[0]
        world.repository.policies.add(transaction, record, EVERYBODY, {})
        raise OSError("no room")
    assert texts(world) == [(ACCOUNT, 1)]
    assert_sound(world)


def test_a_missing_count_is_found_out(admin: Kms, world: World) -> None:
    """Without its count, a policy is not given up: the rows are not those that we wrote."""
    key = admin.key(Policy=EVERYBODY)
    world.restart()
    with world.store.write() as transaction:
        transaction.run("DELETE FROM kms_policy_uses")
    with pytest.raises(Exception, match="kms_policy_uses"):
        admin.put_key_policy(KeyId=key, Policy=OTHERS[0])


# rows of older versions


@pytest.fixture
def keys(admin: Kms, world: World) -> list[str]:
    """Three keys whose policies stand in rows of their own, and one whose policy is shared."""
    made = [admin.key(Policy=EVERYBODY) for _ in range(4)]
    older(world, *made[:3])
    assert texts(world) == [(ACCOUNT, 1)]
    world.restart()
    return made


def test_older_rows_are_read(admin: Kms, world: World, keys: list[str]) -> None:
    """A key with a row of its own has its policy, also if another key shares an equal one."""
    assert all(admin.get_key_policy(KeyId=key).policy == EVERYBODY for key in keys)
    admin.put_key_policy(KeyId=keys[3], Policy=OTHERS[0])
    world.restart()
    assert admin.get_key_policy(KeyId=keys[0]).policy == EVERYBODY
    assert admin.describe_key(KeyId=keys[0]).key_metadata.key_id == keys[0]
    assert_sound(world)


@pytest.mark.parametrize("policy", [EVERYBODY, OTHERS[0]], ids=["the same", "another"])
def test_a_write_moves_a_row(admin: Kms, world: World, keys: list[str], policy: str) -> None:
    """PutKeyPolicy stores the new policy with equal ones, and removes the row."""
    admin.put_key_policy(KeyId=keys[0], Policy=policy)
    assert own_policies(world.store.read()) == 2
    assert sum(number for _, number in texts(world)) == 2
    assert_sound(world)


def test_a_destruction_removes_a_row(admin: Kms, world: World, keys: list[str]) -> None:
    """A destroyed key takes its row along, and the count of others stays."""
    admin.schedule_key_deletion(KeyId=keys[0], PendingWindowInDays=7)
    world.pass_time(days=8)
    world.destroy_due()
    assert own_policies(world.store.read()) == 2
    assert texts(world) == [(ACCOUNT, 1)]
    assert_sound(world)


def test_rows_are_moved_once(admin: Kms, world: World, keys: list[str]) -> None:
    """Each move leaves every key its policy. A second one does nothing."""
    for number, key in enumerate(keys * 2, 2):
        move(world, key)
        assert texts(world) == [(ACCOUNT, min(number, 4))]
        assert_sound(world)
    assert own_policies(world.store.read()) == 0
    world.restart()
    assert all(admin.get_key_policy(KeyId=key).policy == EVERYBODY for key in keys)


def test_random_lives(admin: Kms, world: World) -> None:
    """After any sequence of calls, moves and restarts policies and counts agree."""
    chance = random.Random(12)
    theirs = world.caller("admin", OTHER_ACCOUNT)
    policies = [EVERYBODY, *OTHERS]
    kept: list[tuple[Kms, str]] = []

    def create() -> None:
        who = chance.choice((admin, theirs))
        kept.append((who, who.key(Policy=chance.choice(policies))))

    def put() -> None:
        who, key = chance.choice(kept)
        who.put_key_policy(KeyId=key, Policy=chance.choice(policies))

    def destroy() -> None:
        who, key = kept.pop(chance.randrange(len(kept)))
        who.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        world.pass_time(days=8)
        world.destroy_due()

    def age() -> None:
        mine = [key for who, key in kept if who is admin]
        if mine:
            older(world, chance.choice(mine))

    def moved() -> None:
        for place in world.repository.policies.to_move(world.store.read(), ("", "", ""), 2):
            with world.store.write() as transaction:
                world.repository.move_policy(transaction, place)

    steps: list[Callable[[], None]] = [create, create, put, put, destroy, age, moved, world.restart]
    create()
    for _ in range(120):
        chance.choice(steps if kept else [create])()
        assert_whole(world.repository, world.store.read())
    assert_sound(world)
