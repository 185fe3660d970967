"""What is kept is bounded by what it costs, for each account and in all."""

import gc
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest

from keystead.caches import ENTRY, OWNER, BoundedCache, Room, weigh
from keystead.policy.language.document import DocumentKind, stored_policy
from tests.documents import LARGE

ONE = ENTRY + 100
"""What an entry that costs 100 is charged."""


def cache(of_owner: int, in_all: int) -> BoundedCache[str, str]:
    """A cache with room for so many entries that cost 100, of one owner and in all."""
    return BoundedCache(Room(OWNER + of_owner * ONE, 3 * OWNER + in_all * ONE))


def put(kept: BoundedCache[str, str], names: str, owner: str) -> None:
    for name in names:
        kept.put(name, name.upper(), owner, 100)


def held(kept: BoundedCache[str, str]) -> str:
    return "".join(sorted(name for name, _ in kept.items()))


def test_what_was_used_least_recently_goes_first() -> None:
    """A value that is used stays; the one that nobody asked for makes room."""
    kept = cache(3, 9)
    put(kept, "abc", "alice")
    assert kept.get("a") == "A"
    put(kept, "d", "alice")

    assert held(kept) == "acd"
    assert kept.get("b") is None


def test_an_account_that_fills_its_room_displaces_only_its_own() -> None:
    """However much one account puts, what another has stays."""
    kept = cache(3, 9)
    put(kept, "ab", "alice")
    put(kept, "nopqrstuvw", "mallory")

    assert held(kept) == "abuvw"
    assert kept.cost_of("mallory") == OWNER + 3 * ONE


def test_all_accounts_together_have_a_room() -> None:
    """Beyond the room of all, what anybody used least recently goes."""
    kept = cache(3, 4)
    put(kept, "ab", "alice")
    put(kept, "cd", "bob")
    assert kept.get("a") == "A"
    put(kept, "ef", "carol")

    assert held(kept) == "adef"
    assert kept.cost == 3 * OWNER + 4 * ONE


def test_what_is_larger_than_a_room_is_not_kept() -> None:
    """It is given back, and nothing makes way for it."""
    kept = cache(3, 9)
    put(kept, "abc", "alice")

    assert kept.put("x", "X", "alice", 4 * ONE) == "X"
    assert held(kept) == "abc"


def test_a_shared_part_is_counted_once_for_its_owner() -> None:
    """A document that several values have costs once, and is let go with the last of them."""
    kept: BoundedCache[str, str] = BoundedCache(Room(100_000, 200_000))
    part = object()
    for name, owner in (("a", "alice"), ("b", "alice"), ("c", "bob")):
        kept.put(name, name, owner, 100, ((part, 5_000),))
    assert kept.cost_of("alice") == OWNER + 2 * ONE + 5_000
    assert kept.cost_of("bob") == OWNER + ONE + 5_000

    kept.discard("a")
    assert kept.cost_of("alice") == OWNER + ONE + 5_000
    kept.discard("b")
    assert kept.cost_of("alice") == 0
    kept.discard("c")
    assert kept.cost == 0


def test_a_value_that_is_put_again_is_charged_once() -> None:
    """The new value takes the place of the old, also when it is another owner's."""
    kept = cache(3, 9)
    put(kept, "aaa", "alice")
    assert kept.cost == OWNER + ONE
    put(kept, "a", "bob")
    assert (kept.cost_of("alice"), kept.cost_of("bob")) == (0, OWNER + ONE)
    kept.clear()
    assert (kept.cost, len(kept)) == (0, 0)


def test_an_entry_costs_what_is_charged() -> None:
    """The place of an entry, and of an owner who has one, takes no more than is counted for it."""
    for owners in (1, 3_000):
        kept: BoundedCache[int, str] = BoundedCache(Room(10**9, 10**9))
        names = [str(i % owners) for i in range(3_000)]
        taken = measured(partial(fill, kept, names))
        assert kept.cost / 2 < taken < kept.cost


def fill(kept: BoundedCache[int, str], owners: list[str]) -> None:
    for number, owner in enumerate(owners):
        kept.put(number, "", owner, 32)
        kept.get(number)


def test_what_is_in_use_makes_room_too() -> None:
    """When every value was used, the room is kept all the same, and one put takes few steps."""
    kept = cache(300, 300)
    names = [f"{number}" for number in range(300)]
    for name in names:
        kept.put(name, name, "alice", 100)
    for name in names:
        assert kept.get(name) == name
    kept.put("new", "new", "alice", 100)

    assert len(kept) == 300
    assert len(kept.used) == 300 - 64 - 1
    assert kept.get("new") == "new"


def measured(work: Callable[[], object]) -> int:
    """The bytes that are taken by what this leaves behind."""
    gc.collect()
    tracemalloc.start(1)
    try:
        work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", sorted(LARGE))
def test_a_document_weighs_what_it_takes(name: str) -> None:
    """What `weigh` says of a compiled document is what it takes, and rather too much."""
    kept = []
    taken = measured(lambda: kept.append(stored_policy(LARGE[name](1), DocumentKind.IDENTITY)))

    assert not kept[0].broken
    assert taken <= kept[0].weight <= 1.5 * taken


@pytest.mark.parametrize("name", sorted(LARGE))
def test_a_document_takes_a_moderate_multiple_of_its_text(name: str) -> None:
    """Actions take at most ten times their text, and nothing more than sixty times."""
    text = LARGE[name](2)
    most = 10 if "actions" in name else 60

    assert stored_policy(text, DocumentKind.IDENTITY).weight < most * len(text)


@dataclass(frozen=True, slots=True)
class _Other:
    text: str


def test_what_is_not_known_weighs_what_its_slots_hold() -> None:
    """A value of any class counts with what it holds, once."""
    text = "x" * 1_000
    assert 1_000 < weigh([_Other(text), _Other(text)]) < 1_400
