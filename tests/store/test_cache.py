"""What is derived lives until one of the lookups that it came from is announced."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import pytest

from keystead.caches import ENTRY, OWNER, Room
from keystead.store.cache import NAME, NAMED, NamedCache, Noting, NotNamed
from keystead.store.changes import MOST_EVICTED, Changes, Name
from keystead.store.protocol import Reader
from keystead.store.sqlite.engine import SqliteStore

LARGE = Room(10_000_000, 10_000_000)
A, B, C = b"a", b"b", b"c"


def put(
    cache: NamedCache[str, int], store: SqliteStore, key: str, *names: Name, cost: int = 1
) -> None:
    """Keep a value that these lookups found."""
    noting = Noting(store.read())
    noting.note(names)
    cache.put(noting, key, 1, "owner", cost)


def write(store: SqliteStore, names: Sequence[Name] | None) -> None:
    """A call that changes what these lookups find."""
    with store.write() as transaction:
        transaction.run("INSERT INTO item (name) VALUES (?)", (str(store.state),), names)


def kept(cache: NamedCache[str, int], store: SqliteStore) -> list[str]:
    """What is found."""
    return [key for key in "abcdef" if cache.get(store.read(), key) is not None]


@pytest.fixture
def cache(store: SqliteStore) -> NamedCache[str, int]:
    """A cache with three entries."""
    cache: NamedCache[str, int] = NamedCache(LARGE)
    put(cache, store, "a", A, B)
    put(cache, store, "b", B)
    put(cache, store, "c", C)
    return cache


@pytest.mark.parametrize(
    ("names", "left"),
    [([A], "bc"), ([B], "c"), ([C], "ab"), ([A, C], "b"), ([b"d"], "abc"), ([], "abc"), (None, "")],
)
def test_what_is_announced_goes(
    store: SqliteStore, cache: NamedCache[str, int], names: list[Name] | None, left: str
) -> None:
    """Entries with an announced name go, others stay; what cannot be named takes everything."""
    epoch = store.changes.epoch
    write(store, names)

    assert kept(cache, store) == list(left)
    assert store.changes.epoch == epoch + (names is None)


def test_an_undone_call_announces_its_names(
    store: SqliteStore, cache: NamedCache[str, int]
) -> None:
    """Whether its changes stay or go, and nothing else goes with them."""
    state = store.state
    with pytest.raises(ZeroDivisionError), store.write() as transaction:
        transaction.run("INSERT INTO item (name) VALUES ('x')", (), [B])
        raise ZeroDivisionError

    assert kept(cache, store) == ["c"]
    assert store.state > state


def test_a_call_that_has_written_has_no_caches(
    store: SqliteStore, cache: NamedCache[str, int]
) -> None:
    """After its first write a call finds nothing that is kept and keeps nothing."""
    with store.write() as transaction:
        put(cache, store, "d", b"d")
        assert cache.get(transaction, "d") == 1
        transaction.run("INSERT INTO item (name) VALUES ('x')", (), [])
        assert cache.get(transaction, "a") is None
        put(cache, store, "e", b"e")

    assert kept(cache, store) == ["a", "b", "c", "d"]


def test_what_was_read_before_a_write_is_not_kept_after_it(
    store: SqliteStore, cache: NamedCache[str, int]
) -> None:
    """A value that is put late may be outdated already."""
    noting = Noting(store.read())
    write(store, [A])
    cache.put(noting, "d", 1, "owner", 1)

    assert cache.get(store.read(), "d") is None


def test_an_undone_turn_takes_everything(store: SqliteStore, cache: NamedCache[str, int]) -> None:
    """The epoch moves; a durable turn takes nothing."""
    write(store, [b"d"])
    store.flush()
    assert kept(cache, store) == ["a", "b", "c"]

    write(store, [b"d"])
    epoch = store.changes.epoch
    store.undo()
    assert (kept(cache, store), store.changes.epoch) == ([], epoch + 1)


@pytest.mark.parametrize(("more", "moves"), [(0, 0), (1, 1)])
def test_an_announcement_that_hits_too_many_moves_the_epoch(
    store: SqliteStore, more: int, moves: int
) -> None:
    """Up to a thousand entries go one by one."""
    cache: NamedCache[str, int] = NamedCache(LARGE)
    for number in range(MOST_EVICTED + more):
        put(cache, store, str(number), A)
    put(cache, store, "b", B)
    epoch = store.changes.epoch
    write(store, [A])

    assert cache.get(store.read(), "0") is None
    assert store.changes.epoch == epoch + moves
    assert kept(cache, store) == ([] if moves else ["b"])


def test_only_declared_lookups_are_kept(store: SqliteStore) -> None:
    """What is read by another condition cannot be kept; by name it can."""
    noting = Noting(store.read())
    for read in (noting.one, noting.all):
        with pytest.raises(NotNamed):
            read("SELECT name FROM item WHERE name = 'x'")
        read("SELECT name FROM item WHERE name = 'x'", (), A)
    assert noting.names == {A}


def test_what_is_kept_is_found_with_its_names(
    store: SqliteStore, cache: NamedCache[str, int]
) -> None:
    """What is made of something that is kept depends on the same lookups."""
    outer = Noting(store.read())
    assert cache.get(Noting(outer), "a") == 1
    cache.put(outer, "d", 1, "owner", 1)
    write(store, [A])

    assert kept(cache, store) == ["b", "c"]


def test_the_index_is_bounded_with_the_entries(store: SqliteStore) -> None:
    """What goes because there is no room leaves nothing in the index, which costs room itself."""
    entry = ENTRY + NAMED + 2 * NAME + 10
    cache: NamedCache[str, int] = NamedCache(Room(OWNER + 2 * entry, 10_000))
    for key in "abc":
        put(cache, store, key, key.encode(), b"shared", cost=10)

    assert kept(cache, store) == ["b", "c"]
    assert cache._index == {b"b": "b", b"c": "c", b"shared": {"b", "c"}}
    assert cache.kept.cost == OWNER + 2 * entry
    write(store, [b"shared"])
    assert (cache._index, cache.kept.cost) == ({}, 0)


def test_another_store_is_another_state(store: SqliteStore, cache: NamedCache[str, int]) -> None:
    """What was kept of one store is not found through the view of another."""
    other = cast("Reader", SimpleNamespace(changes=Changes()))

    assert cache.get(other, "a") is None
    assert cache.get(store.read(), "a") == 1
