"""Sums over rows: they follow every change, survive what undoes it, and miss nothing (RK-5)."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random

import msgspec
import pytest

from keystead.caches import Room as Bytes
from keystead.caches import weigh
from keystead.custody.hierarchy import Hierarchy
from keystead.custody.rows.rows import Lookup, NotTheNewest, Record, SealedTable
from keystead.custody.state import examine, open_sums
from keystead.custody.sums import sum_rows, sums
from keystead.custody.sums.sum_rows import MOST_NEAR
from keystead.custody.sums.sums import BUCKET, FOLDED
from keystead.store.sqlite.engine import SqliteStore, open_store

from .conftest import ACCOUNT, OTHER_ACCOUNT, change, root

KEY, COLOUR = ("account", "name"), ("account", "colour")
TABLE = (
    "CREATE TABLE things (account TEXT NOT NULL, name TEXT NOT NULL, colour TEXT,"
    " row_version INTEGER NOT NULL, mac BLOB NOT NULL, PRIMARY KEY (account, name)) STRICT"
)
SUMS = ("state_lookups", "state_buckets", "state_accounts", "state_journal")


class Thing(Record, frozen=True, kw_only=True, gc=False):
    """Something that is found by its name and by its colour."""

    account: str
    name: str
    colour: str | None


class Room:
    """A table of things in a store that can be opened again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.open()

    def open(self) -> None:
        self.hierarchy = Hierarchy(root())
        self.store: SqliteStore = open_store(self._path, self.hierarchy.store_key)
        with self.store.write() as transaction:
            transaction.run(TABLE.replace("TABLE", "TABLE IF NOT EXISTS"))
        self.store.flush()
        lookups = (Lookup(KEY), Lookup(COLOUR))
        self.things = SealedTable(self.hierarchy.rows, "things", Thing, KEY, lookups)
        open_sums(self.hierarchy.rows, self.store)

    def crash(self) -> None:
        """What is not durable is gone, and everything is opened again."""
        self.store.undo()
        self.store.close()
        self.open()

    def add(self, *names: str, account: str = ACCOUNT, colour: str | None = "red") -> None:
        with self.store.write() as transaction:
            for name in names:
                self.things.insert(transaction, Thing(account=account, name=name, colour=colour))

    def named(self, colour: str, account: str = ACCOUNT) -> list[str]:
        found = self.things.of(self.store.read(), COLOUR, account, colour, order="name")
        return [thing.name for thing in found]

    @property
    def problems(self) -> list[str]:
        return examine(self.hierarchy.rows, self.store.read(), lambda _: None).problems

    @property
    def newest(self) -> str:
        return self.hierarchy.sums.newest()

    def buckets(self) -> int:
        return sum_rows.of_account(self.store.read(), ACCOUNT).buckets


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    opened = Room(tmp_path / "keystead.db")
    yield opened
    opened.store.undo()
    opened.store.close()


def test_a_lookup_finds_all_and_only_its_rows(room: Room) -> None:
    """By name and by colour, before and after it is durable; nothing is found by no colour."""
    room.add("a", "b")
    room.add("c", colour=None)
    room.add("a", account=OTHER_ACCOUNT)
    for _ in range(2):
        assert room.named("red") == ["a", "b"]
        assert room.named("red", OTHER_ACCOUNT) == ["a"]
        assert room.named("blue") == []
        assert room.things.get(room.store.read(), ACCOUNT, "c") is not None
        room.store.flush()
    assert room.problems == []


def test_a_row_that_moves_leaves_its_lookup(room: Room) -> None:
    """A new colour takes the row out of one sum and puts it into the other."""
    room.add("a", "b")
    with room.store.write() as transaction:
        [thing, _] = room.things.of(transaction, COLOUR, ACCOUNT, "red", order="name")
        room.things.update(transaction, msgspec.structs.replace(thing, colour="blue"))
        assert room.named("red") == ["b"]
    room.store.flush()

    assert (room.named("red"), room.named("blue")) == (["b"], ["a"])
    assert room.problems == []


def test_what_is_undone_is_not_counted(room: Room) -> None:
    """A call that fails and a turn that is undone leave the sums as they were, exactly."""
    room.add("a")
    room.store.flush()
    before = room.newest
    with pytest.raises(ZeroDivisionError), room.store.write() as transaction:
        room.things.delete(transaction, ACCOUNT, "a")
        raise ZeroDivisionError
    assert (room.newest, room.named("red")) == (before, ["a"])

    room.add("b")
    assert room.newest != before
    room.store.undo()
    assert (room.newest, room.named("red")) == (before, ["a"])


def test_a_name_is_free_while_no_row_counts_for_it(room: Room) -> None:
    """The sum tells it at each moment; a row that somebody removed leaves its name taken."""

    def is_free(name: str) -> bool:
        with room.store.write() as transaction:
            return room.things.has_none(transaction, KEY, ACCOUNT, name)

    assert is_free("a")
    with pytest.raises(ZeroDivisionError), room.store.write() as transaction:
        room.things.insert(transaction, Thing(account=ACCOUNT, name="a", colour="red"))
        assert not room.things.has_none(transaction, KEY, ACCOUNT, "a")
        raise ZeroDivisionError
    assert is_free("a")
    room.add("a")
    assert not is_free("a")
    room.store.undo()
    assert is_free("a")
    room.add("a")
    room.store.flush()
    with room.store.write() as transaction:
        transaction.run("DELETE FROM things")  # not as the table would do it
    room.crash()

    assert not is_free("a")
    assert is_free("b")


@pytest.mark.parametrize("number", [MOST_NEAR // 2, MOST_NEAR, MOST_NEAR + 1])
def test_lookups_that_lie_together(
    room: Room, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Few are read together and many one by one: as written, and with the changes since."""
    monkeypatch.setattr(sums, "FOLDED", 1)  # written with each commit
    both = ("account", "colour", "name")
    lookups = (Lookup(KEY), Lookup(both, near="colour"))
    room.things = SealedTable(room.hierarchy.rows, "things", Thing, KEY, lookups)
    names = [f"n{position}" for position in range(number)]
    room.add(*names)
    room.store.flush()
    monkeypatch.undo()
    read = partial(room.things.only, room.store.read(), both, ACCOUNT, "red")
    room.hierarchy.sums.open(room.store)  # nothing is remembered

    assert [thing.name for name in names if (thing := read(name))] == names
    assert read("another") is None

    with room.store.write() as transaction:
        room.things.delete(transaction, ACCOUNT, names[0])
    room.add("another")
    for _ in range(2):
        assert (read(names[0]), read("another") is None) == (None, False)
        room.store.flush()
        room.hierarchy.sums.open(room.store)  # the journal has it now


def test_sums_follow_a_long_life(room: Room) -> None:
    """Thousands of changes, turns that are undone, crashes: the sums are those of the rows.

    The account grows into many buckets and the journal is folded several times.
    """
    random = Random(4)
    names: set[str] = set()
    while len(names) < 10 * BUCKET:
        before = set(names)
        for _ in range(random.randrange(1, 120)):
            name = f"n{random.randrange(30 * BUCKET)}"
            with room.store.write() as transaction:
                thing = room.things.get(transaction, ACCOUNT, name)
                if thing is None:
                    new = Thing(account=ACCOUNT, name=name, colour=f"c{random.randrange(99)}")
                    room.things.insert(transaction, new)
                    names.add(name)
                elif random.random() < 0.7:
                    other = f"c{random.randrange(99)}"
                    room.things.update(transaction, msgspec.structs.replace(thing, colour=other))
                else:
                    room.things.delete(transaction, ACCOUNT, name)
                    names.discard(name)
        if random.random() < 0.1:
            room.store.undo()
            names = before
        else:
            room.store.flush()
        if random.random() < 0.1:
            newest = room.newest
            room.crash()
            assert room.newest == newest
    assert room.buckets() >= 4
    assert room.problems == []
    found = [name for colour in range(99) for name in room.named(f"c{colour}")]
    assert sorted(found) == sorted(names)


def test_sums_made_later_are_the_same(room: Room) -> None:
    """Rows that were there before sums were kept get the sums that they would have."""
    for start in range(0, 2 * FOLDED, 128):
        room.add(*(f"n{number}" for number in range(start, start + 128)))
        room.store.flush()
    newest = room.newest
    with room.store.write() as transaction:
        for table in (*SUMS, "state_summed"):
            transaction.run(f"DELETE FROM {table}")  # from above
    room.store.flush()
    room.crash()

    assert room.newest == newest
    assert room.problems == []
    assert len(room.named("red")) == 2 * FOLDED


@pytest.mark.parametrize(
    "edit",
    [
        "DELETE FROM state_lookups WHERE rowid_of_one",
        "UPDATE state_lookups SET s0 = (s0 + 1) % 1000000 WHERE rowid_of_one",
        "UPDATE state_buckets SET s3 = (s3 + 1) % 1000000",
        "UPDATE state_accounts SET s1 = (s1 + 1) % 1000000",
        "DELETE FROM state_accounts",
        "DELETE FROM state_buckets",
    ],
)
def test_an_edited_sum_is_found_out(room: Room, edit: str) -> None:
    """Sums that do not add up prove nothing: nothing of the account is served."""
    room.add(*(f"n{number}" for number in range(FOLDED)))  # which folds the journal
    room.store.flush()
    assert room.named("red") != []
    one = f"place = (SELECT MIN(place) FROM state_lookups WHERE account = '{ACCOUNT}')"
    change_all(room.store, edit.replace("rowid_of_one", one))
    room.crash()

    def ask() -> None:
        for number in range(FOLDED):
            room.things.get(room.store.read(), ACCOUNT, f"n{number}")

    if "DELETE FROM state_accounts" in edit:
        room.add("another", account=OTHER_ACCOUNT)  # a later start is refused by the log
    assert room.problems != []
    with pytest.raises(NotTheNewest):
        ask()


def change_all(store: SqliteStore, sql: str) -> None:
    with store.write() as transaction:
        assert transaction.run(sql) >= 1
    store.flush()


def test_one_account_does_not_stop_another(room: Room) -> None:
    """What is found in one account is refused there, whatever is asked, and nowhere else."""
    room.add("a", "b")
    room.add("a", account=OTHER_ACCOUNT)
    room.store.flush()
    epoch = room.store.changes.epoch
    change(room.store, f"DELETE FROM things WHERE account = '{ACCOUNT}' AND name = 'a'")

    for _ in range(2):
        with pytest.raises(NotTheNewest):
            room.named("red")
    with pytest.raises(NotTheNewest):
        room.things.get(room.store.read(), ACCOUNT, "b")
    assert room.store.changes.epoch > epoch  # nothing cached is found again
    assert room.hierarchy.sums.failure is None
    assert room.named("red", OTHER_ACCOUNT) == ["a"]


def test_a_page_that_changes_while_it_runs(room: Room) -> None:
    """What was proved once is held against later reads, also when rows and sums change together."""
    room.add("a")
    room.store.flush()
    saved = {
        table: room.store.read().all(f"SELECT * FROM {table}")  # from above
        for table in ("things", *SUMS)
    }
    with room.store.write() as transaction:
        [thing] = room.things.of(transaction, COLOUR, ACCOUNT, "red", order="name")
        room.things.update(transaction, msgspec.structs.replace(thing, colour="blue"))
    room.store.flush()
    with room.store.write() as transaction:
        for table, rows in saved.items():
            transaction.run(f"DELETE FROM {table}")
            for row in rows:
                marks = ", ".join("?" for _ in row)
                transaction.run(f"INSERT INTO {table} VALUES ({marks})", row)

    with pytest.raises(NotTheNewest):
        room.named("red")


def test_a_table_needs_sums(tmp_path: Path) -> None:
    """A counted table on a store without sums refuses to work; one with them does."""
    hierarchy = Hierarchy(root())
    things = SealedTable(hierarchy.rows, "things", Thing, KEY, (Lookup(KEY),))
    with closing(open_store(tmp_path / "keystead.db", hierarchy.store_key)) as store:
        with store.write() as transaction:
            transaction.run(TABLE)
        with pytest.raises(RuntimeError, match="needs sums"):
            things.get(store.read(), ACCOUNT, "a")
        store.flush()
        open_sums(hierarchy.rows, store)
        assert things.get(store.read(), ACCOUNT, "a") is None


@pytest.mark.parametrize("buckets", [1, 2, 3, 7, 8, 1000])
def test_every_place_has_one_bucket(buckets: int) -> None:
    """Buckets follow each other without gap or overlap, and a split halves the next one."""
    starts, start = [], 0
    while start < 1 << 32:
        starts.append(start)
        found, end = sum_rows.bucket(start.to_bytes(4) + bytes(12), buckets)
        assert found == start
        assert sum_rows.bucket((end - 1).to_bytes(4) + b"\xff" * 12, buckets) == (start, end)
        start = end
    assert len(starts) == buckets
    first, middle, last = sum_rows.next_split(buckets)
    assert sum_rows.bucket(first.to_bytes(4), buckets) == (first, last)
    assert sum_rows.bucket(first.to_bytes(4), buckets + 1) == (first, middle)
    assert sum_rows.bucket(middle.to_bytes(4), buckets + 1) == (middle, last)


def test_what_is_remembered_keeps_to_its_room(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that looks up much forgets its own sums; forgotten sums are proved anew."""
    monkeypatch.setattr(sums, "LOOKUPS", Bytes(of_owner=20_000, in_all=60_000))
    room.crash()
    room.add("a", account=OTHER_ACCOUNT)
    room.add(*(f"n{number}" for number in range(200)))
    room.store.flush()
    assert room.named("red", OTHER_ACCOUNT) == ["a"]
    remembered = room.hierarchy.sums._known  # what no answer shows
    before = remembered.cost_of(OTHER_ACCOUNT)
    for number in range(200):
        assert room.things.get(room.store.read(), ACCOUNT, f"n{number}") is not None
        assert room.things.get(room.store.read(), ACCOUNT, f"m{number}") is None
    assert 10_000 < remembered.cost_of(ACCOUNT) <= 20_000
    assert remembered.cost_of(OTHER_ACCOUNT) == before > 0
    with room.store.write() as transaction:
        for number in range(200):
            room.things.delete(transaction, ACCOUNT, f"n{number}")
    room.store.flush()
    assert room.named("red") == []
    assert room.things.get(room.store.read(), ACCOUNT, "n0") is None
    assert room.problems == []


def test_remembered_sums_cost_what_they_take(room: Room) -> None:
    """The bytes that the sums are charged with are no less than those that they take."""
    room.add(*(f"n{number}" for number in range(100)))
    room.store.flush()
    for number in range(100):
        room.things.get(room.store.read(), ACCOUNT, f"n{number}")
    remembered = room.hierarchy.sums
    taken = weigh((remembered._known, remembered._buckets, remembered._accounts))
    assert taken <= remembered.kept_bytes <= 3 * taken
