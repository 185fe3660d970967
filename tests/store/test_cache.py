"""What is derived lives as long as its epoch."""

from keystead.store.cache import EpochCache


def test_kept_within_an_epoch() -> None:
    """A value is found at its own epoch."""
    cache: EpochCache[str, int] = EpochCache(limit=2)
    cache.put(5, "a", 1)

    assert cache.get(5, "a") == 1
    assert cache.get(5, "b") is None


def test_forgotten_with_the_epoch() -> None:
    """At another epoch nothing is found, and nothing comes back when the number does."""
    cache: EpochCache[str, int] = EpochCache(limit=2)
    cache.put(5, "a", 1)

    assert cache.get(6, "a") is None
    assert cache.get(5, "a") is None


def test_put_at_a_new_epoch_forgets_the_old() -> None:
    """Values of two epochs are never in the map together."""
    cache: EpochCache[str, int] = EpochCache(limit=2)
    cache.put(5, "a", 1)
    cache.put(6, "b", 2)

    assert cache.get(6, "a") is None
    assert cache.get(6, "b") == 2


def test_bounded() -> None:
    """The oldest value goes when the map is full."""
    cache: EpochCache[str, int] = EpochCache(limit=2)
    for name in "abc":
        cache.put(5, name, 1)

    assert [cache.get(5, name) for name in "abc"] == [None, 1, 1]
