"""What one write, one turn and one epoch promise."""

from pathlib import Path

import pytest

from keystead.store.protocol import Store, StoreConflict, StoreUnavailable
from keystead.store.sqlite.engine import SqliteStore, open_store
from tests.store.conftest import KEY, add, names


def test_it_is_a_store(store: SqliteStore) -> None:
    """The engine has everything that the protocol asks for."""
    engine: Store = store

    assert not engine.dirty


def test_later_calls_see_earlier_ones(store: SqliteStore) -> None:
    """A finished write is seen by the next call of the turn, before anything is durable."""
    add(store, "a")

    assert names(store) == ["a"]
    assert store.dirty


def test_flushed_is_kept(store: SqliteStore, path: Path) -> None:
    """What was flushed is there when the file is opened again, and the epoch with it."""
    add(store, "a")
    store.flush()
    epoch = store.state
    store.close()

    again = open_store(path, KEY)

    assert (names(again), again.state) == (["a"], epoch)
    again.close()


def test_a_failed_call_is_undone_alone(store: SqliteStore) -> None:
    """An exception undoes its own call, and leaves the other calls of the turn."""
    add(store, "a")
    with pytest.raises(ZeroDivisionError), store.write() as transaction:
        transaction.run("INSERT INTO item (name) VALUES ('b')")
        transaction.run("INSERT INTO item (name) VALUES (?)", (str(1 // 0),))
    add(store, "c")
    store.flush()

    assert names(store) == ["a", "c"]


def test_an_undone_turn_leaves_nothing(store: SqliteStore) -> None:
    """undo() takes back every write that is not durable, and no other."""
    add(store, "a")
    store.flush()
    add(store, "b")
    store.undo()
    store.flush()

    assert names(store) == ["a"]
    assert not store.dirty


def test_every_change_moves_the_epoch(store: SqliteStore) -> None:
    """Kept, undone by an exception, undone with its turn: three states, three numbers."""
    seen = [store.state]
    add(store, "a")
    seen.append(store.state)
    with pytest.raises(StoreConflict):
        add(store, "a")
    seen.append(store.state)
    store.undo()
    seen.append(store.state)

    assert seen == sorted(set(seen))


def test_what_changes_nothing_moves_nothing(store: SqliteStore) -> None:
    """A refused call does not make others forget what they derived."""
    before = store.state
    with pytest.raises(PermissionError), store.write() as transaction:
        assert transaction.one("SELECT name FROM item WHERE name = 'a'") is None
        raise PermissionError
    with store.write():
        pass

    assert store.state == before
    assert not store.dirty


def test_quiet_writes_keep_the_epoch(store: SqliteStore) -> None:
    """A quiet write is as durable as another one, and invalidates nothing."""
    before = store.state
    with store.write(quiet=True) as transaction:
        transaction.run("INSERT INTO item (name) VALUES ('a')")

    assert (store.state, store.dirty, names(store)) == (before, True, ["a"])


def test_no_write_inside_of_a_write(store: SqliteStore) -> None:
    """A second write inside of the first is our bug, and so is a flush."""
    with store.write(), pytest.raises(RuntimeError, match="inside"), store.write(quiet=True):
        pass
    with store.write(), pytest.raises(RuntimeError, match="inside"):
        store.flush()
    add(store, "a")

    assert names(store) == ["a"]


def test_a_transaction_ends_with_its_block(store: SqliteStore) -> None:
    """A transaction that was kept cannot change anything afterwards."""
    with store.write() as transaction:
        pass

    with pytest.raises(RuntimeError, match="outside"):
        transaction.run("INSERT INTO item (name) VALUES ('a')")


def test_a_view_only_reads(store: SqliteStore) -> None:
    """A change through a view would have neither epoch nor record: it is refused."""
    with pytest.raises(RuntimeError, match="only reads"):
        store.read().all("INSERT INTO item (name) VALUES ('a') RETURNING name")

    assert names(store) == []


def test_one_means_one(store: SqliteStore) -> None:
    """one() is for the only row; several are our bug, none is None."""
    add(store, "a", 1)
    add(store, "b", 2)

    assert store.read().one("SELECT size FROM item WHERE name = ?", ("b",)) == (2,)
    assert store.read().one("SELECT size FROM item WHERE name = ?", ("c",)) is None
    with pytest.raises(RuntimeError, match="more than one"):
        store.read().one("SELECT size FROM item")


def test_run_counts_rows(store: SqliteStore) -> None:
    """run() tells how many rows changed."""
    add(store, "a")
    add(store, "b")

    with store.write() as transaction:
        assert transaction.run("UPDATE item SET size = 7") == 2
        assert transaction.run("UPDATE item SET size = 7 WHERE name = 'c'") == 0


def test_constraints_are_conflicts(store: SqliteStore) -> None:
    """A duplicate is a StoreConflict, and the turn goes on."""
    add(store, "a")
    with pytest.raises(StoreConflict):
        add(store, "a")
    add(store, "b")
    store.flush()

    assert names(store) == ["a", "b"]


def test_closed_is_unavailable(store: SqliteStore) -> None:
    """A closed store answers nothing, and says so."""
    store.close()

    with pytest.raises(StoreUnavailable, match="closed"):
        names(store)
    assert isinstance(store.failure, StoreUnavailable)
