"""Where is a lookup counted, and how many places are remembered?"""

import tracemalloc

import pytest

from keystead.custody import lookups
from keystead.custody.lookups import BoundLookup, Lookup, Places

KEY = bytes(range(32))
COLUMNS = ("account", "name")


def bound(places: Places, table: str) -> BoundLookup:
    return BoundLookup(places, table, COLUMNS, Lookup(COLUMNS))


def test_what_callers_name_is_remembered_in_one_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names for ever more tables take the memory of so many places in all, not for each table."""
    monkeypatch.setattr(lookups, "REMEMBERED", 64)
    places = Places(KEY)
    tables = [bound(places, f"table_{number}") for number in range(40)]

    def ask(first: int) -> None:
        for number in range(first, first + 64):
            for each in tables:
                each.place(("111122223333", f"{number:04}" + "x" * 500))

    ask(0)
    tracemalloc.start(1)
    try:
        ask(1000)
        grown = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert grown < 64 * 1_500 + 64 * 1024


def test_long_names_are_bounded_by_their_bytes() -> None:
    """Names that no row has may be as long as a policy: they take no more memory than others."""
    one = bound(Places(KEY), "one")
    before = one.place(("111122223333", "x" * 30_000))
    tracemalloc.start(1)
    try:
        for number in range(1000):
            one.place(("111122223333", f"{number:04}" + "x" * 30_000))
        grown = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert grown < 2 * 1024**2
    assert one.place(("111122223333", "x" * 30_000)) == before


def test_a_place_is_the_same_when_it_is_found_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is forgotten is found again, by each table its own; a missing value has no place."""
    monkeypatch.setattr(lookups, "REMEMBERED", 2)
    places = Places(KEY)
    one, other = bound(places, "one"), bound(places, "other")
    before = one.place(("111122223333", "a")), other.place(("111122223333", "a"))
    for number in range(5):
        one.place(("111122223333", f"b{number}"))

    assert (one.place(("111122223333", "a")), other.place(("111122223333", "a"))) == before
    assert before[0] != before[1]
    assert before == (bound(Places(KEY), "one").place(("111122223333", "a")), before[1])
    assert one.place(("111122223333", None)) is None
