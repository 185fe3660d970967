"""What is derived lives as long as its epoch."""

from keystead.caches import ENTRY, OWNER, Room
from keystead.store.cache import EpochCache

LARGE = Room(10_000, 10_000)


def test_kept_within_an_epoch() -> None:
    """A value is found at its own epoch."""
    cache: EpochCache[str, int] = EpochCache(LARGE)
    cache.put(5, "a", 1, "owner", 1)

    assert cache.get(5, "a") == 1
    assert cache.get(5, "b") is None


def test_forgotten_with_the_epoch() -> None:
    """At another epoch nothing is found, and nothing comes back when the number does."""
    cache: EpochCache[str, int] = EpochCache(LARGE)
    cache.put(5, "a", 1, "owner", 1)

    assert cache.get(6, "a") is None
    assert cache.get(5, "a") is None
    assert cache.kept.cost == 0


def test_put_at_a_new_epoch_forgets_the_old() -> None:
    """Values of two epochs are never in the map together."""
    cache: EpochCache[str, int] = EpochCache(LARGE)
    cache.put(5, "a", 1, "owner", 1)
    cache.put(6, "b", 2, "owner", 1)

    assert cache.get(6, "a") is None
    assert cache.get(6, "b") == 2


def test_bounded() -> None:
    """The value used least recently goes when there is no room."""
    cache: EpochCache[str, int] = EpochCache(Room(OWNER + 2 * ENTRY + 25, 10_000))
    for name in "abc":
        cache.put(5, name, 1, "owner", 10)

    assert [cache.get(5, name) for name in "abc"] == [None, 1, 1]
