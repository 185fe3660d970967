"""What was read ahead is what would be read now, until something is written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from keystead.store.cache import Noting
from keystead.store.protocol import Reading, Select, StoreUnavailable
from keystead.store.sqlite.engine import SqliteStore
from keystead.store.sqlite.turn import Turn
from tests.store.conftest import add

ITEM = Select(("name", "size"), "item WHERE name = ?")
SIZES = Select(("size",), "item WHERE size > ?")
SUM = Select(("COUNT(*)", "SUM(size)", "MAX(name)"), "item WHERE size > ?")
FEW = Select(("name", "size"), "(SELECT name, size FROM item WHERE size > ? LIMIT 1)")
READINGS: list[Reading] = [
    (ITEM, ("a",)), (ITEM, ("absent",)), (SIZES, (0,)), (SIZES, (9,)), (SUM, (0,)), (FEW, (0,)),
]  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that reach the database."""
    statements: list[str] = []
    execute = Turn.execute

    def watched(self: Turn, sql: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        statements.append(sql)
        return execute(self, sql, values)  # type: ignore[arg-type]  # any values

    monkeypatch.setattr(Turn, "execute", watched)
    return statements


def read(store: SqliteStore) -> list[list[tuple[object, ...]]]:
    reader = store.read()
    return [reader.all(select.sql, values) for select, values in READINGS]


def test_it_is_one_statement(store: SqliteStore, asked: list[str]) -> None:
    """Answers are the same as without it: other widths, sums, limits, and what is not there."""
    for number, name in enumerate("abc", 1):
        add(store, name, number)
    store.flush()
    plain = read(store)
    assert plain[:2] == [[("a", 1)], []]
    asked.clear()
    store.read().ahead(READINGS)
    assert read(store) == plain
    assert len(asked) == 1


def test_it_reads_only_what_it_does_not_know(store: SqliteStore, asked: list[str]) -> None:
    """The same readings again ask nothing, and further ones ask for themselves alone."""
    add(store, "a")
    store.read().ahead(READINGS[:2])
    asked.clear()
    store.read().ahead(READINGS[:2])
    assert asked == []
    store.read().ahead(READINGS[:3])
    assert len(asked) == 1
    assert "UNION" not in asked[0]


def test_a_caller_may_change_its_answer(store: SqliteStore) -> None:
    """An answer is the reader's own: who sorts it changes nobody else's."""
    add(store, "a")
    store.read().ahead(READINGS)
    read(store)[0].clear()
    assert read(store)[0] == [("a", 1)]


def test_a_noting_reader_needs_a_name(store: SqliteStore) -> None:
    """What was read ahead still has to be asked for by a name, to be kept."""
    add(store, "a")
    noting = Noting(store.read())
    noting.ahead(READINGS)
    assert noting.all(ITEM.sql, ("a",), b"name") == [("a", 1)]
    assert noting.names == {b"name"}


def undo(store: SqliteStore) -> None:
    store.undo()


def undo_a_call(store: SqliteStore) -> None:
    with pytest.raises(OSError, match="no room"), store.write() as transaction:
        transaction.run("UPDATE item SET size = 8")
        transaction.ahead(READINGS)
        assert transaction.all(ITEM.sql, ("a",)) == [("a", 8)]
        raise OSError("no room")


def write_many(store: SqliteStore) -> None:
    with store.write() as transaction:
        transaction.run_many("INSERT INTO item (name, size) VALUES (?, ?)", [("x", 3), ("y", 4)])


def write(store: SqliteStore) -> None:
    add(store, "absent")


@pytest.mark.parametrize("change", [write, write_many, undo, undo_a_call])
def test_a_write_forgets_it(store: SqliteStore, change: Callable[[SqliteStore], None]) -> None:
    """After every write and every undo the answers are those of the new state."""
    add(store, "a")
    store.flush()
    add(store, "b", 2)  # what `undo` undoes
    store.read().ahead(READINGS)
    change(store)
    after = read(store)
    store.flush()
    assert read(store) == after


def test_a_turn_forgets_it(store: SqliteStore, asked: list[str]) -> None:
    """The next turn reads again, also after a turn in which nothing was written."""
    add(store, "a")
    store.flush()
    store.read().ahead(READINGS)
    store.flush()
    asked.clear()
    assert read(store)[0] == [("a", 1)]
    assert len(asked) == len(READINGS)


def test_a_failed_store_answers_nothing(store: SqliteStore) -> None:
    """After a fatal error nothing is read, not even from memory (DB-4)."""
    add(store, "a")
    store.flush()
    store.read().ahead(READINGS)
    store.give_up(StoreUnavailable("the log failed"))
    with pytest.raises(StoreUnavailable):
        store.read().all(ITEM.sql, ("a",))


def test_much_is_forgotten(store: SqliteStore, path: Path) -> None:
    """A turn that reads very much ahead keeps a bounded part of it."""
    assert path.exists()
    for number in range(3000):
        store.read().ahead([(ITEM, (f"n{number}",)), (SIZES, (number,))])
    assert len(store._turn.ahead._answers) < 1100
