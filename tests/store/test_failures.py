"""What a disk that fails does to the calls of a turn (DB-4, DB-5)."""

from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from keystead.store.protocol import StoreConflict, StoreCorrupt, StoreUnavailable
from keystead.store.sqlite import turn
from keystead.store.sqlite.engine import SqliteStore, open_store
from keystead.store.sqlite.failures import judge
from tests.store.conftest import KEY, add, names
from tests.store.lossy_disk import LossyDisk


def failing(error: type[apsw.Error], operation: str, file: str = "") -> Callable[[str, str], None]:
    """A disk on which one kind of operation fails."""

    def check(asked: str, path: str) -> None:
        if asked == operation and path.endswith(file):
            raise error

    return check


def healthy(_operation: str, _path: str) -> None:
    """A disk on which everything works."""


def test_a_full_disk_undoes_the_turn(lossy_store: SqliteStore, disk: LossyDisk) -> None:
    """When the disk is full, the whole turn is undone and nothing of it is found any more."""
    add(lossy_store, "kept")
    lossy_store.flush()
    add(lossy_store, "a")
    add(lossy_store, "b")
    before = lossy_store.state
    disk.on_operation = failing(apsw.FullError, "write")

    with pytest.raises(StoreUnavailable, match="full"):
        lossy_store.flush()

    assert names(lossy_store) == ["kept"]
    assert lossy_store.state > before
    assert not lossy_store.dirty
    assert lossy_store.failure is None


def test_a_full_disk_recovers(lossy_store: SqliteStore, disk: LossyDisk, path: Path) -> None:
    """When there is room again, the same store goes on; nothing is lost, nothing comes back."""
    add(lossy_store, "undone")
    disk.on_operation = failing(apsw.FullError, "write")
    with pytest.raises(StoreUnavailable):
        lossy_store.flush()
    disk.on_operation = healthy
    add(lossy_store, "kept")
    lossy_store.flush()
    lossy_store.close()

    again = open_store(path, KEY)

    assert names(again) == ["kept"]
    again.close()


def test_a_failed_sync_ends_the_store(lossy_store: SqliteStore, disk: LossyDisk) -> None:
    """After a sync that failed nothing is synced, read or written again."""
    add(lossy_store, "a")
    disk.on_operation = failing(apsw.IOError, "sync")
    with pytest.raises(StoreUnavailable, match="failed"):
        lossy_store.flush()
    touched: list[str] = []
    disk.on_operation = lambda operation, _path: touched.append(operation)

    with pytest.raises(StoreUnavailable):
        names(lossy_store)
    with pytest.raises(StoreUnavailable):
        add(lossy_store, "b")
    with pytest.raises(StoreUnavailable):
        lossy_store.flush()
    lossy_store.close()

    assert isinstance(lossy_store.failure, StoreUnavailable)
    assert touched == []


def test_a_lost_transaction_is_told(lossy_store: SqliteStore, disk: LossyDisk) -> None:
    """When SQLite undoes the turn by itself, no call of it is acknowledged; the next turn is."""
    add(lossy_store, "kept")
    lossy_store.flush()
    add(lossy_store, "a")
    disk.on_operation = failing(apsw.FullError, "write")
    with pytest.raises(StoreUnavailable), lossy_store.write() as transaction:
        # More than the page cache holds, so that pages are written in the middle of the call.
        for number in range(20):
            transaction.run("INSERT INTO item (name) VALUES (?)", (f"{number}" + "x" * (4 << 20),))
    disk.on_operation = healthy

    assert names(lossy_store) == ["kept"]
    with pytest.raises(StoreUnavailable):
        add(lossy_store, "b")
    assert lossy_store.dirty
    with pytest.raises(StoreUnavailable):
        lossy_store.flush()
    add(lossy_store, "c")
    lossy_store.flush()
    assert names(lossy_store) == ["c", "kept"]


@pytest.fixture
def lossy(
    lossy_store: SqliteStore, disk: LossyDisk, path: Path
) -> tuple[SqliteStore, LossyDisk, Path]:
    """A store, the disk that it is on, and its file."""
    return lossy_store, disk, path


@pytest.mark.parametrize("error", [apsw.FullError, apsw.IOError])
@pytest.mark.parametrize("in_a_commit", [True, False])
def test_a_failed_checkpoint_fails_no_call(
    lossy: tuple[SqliteStore, LossyDisk, Path],
    monkeypatch: pytest.MonkeyPatch,
    error: type[apsw.Error],
    in_a_commit: bool,
) -> None:
    """The turn is durable before the log is copied: it is kept, whatever the copying does."""
    store, disk, path = lossy
    monkeypatch.setattr(turn, "_CHECKPOINT_PAGES" if in_a_commit else "_SPARE_PAGES", 1)
    disk.on_operation = failing(error, "write", "keystead.db")
    add(store, "kept")
    store.flush()
    store.rest()

    assert (store.failure is None) == (error is apsw.FullError)
    disk.on_operation = healthy
    store.close()
    again = open_store(path, KEY)
    assert names(again) == ["kept"]
    again.close()


def test_the_log_is_copied_while_nobody_waits(
    lossy_store: SqliteStore, disk: LossyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit leaves a short log as it is; rest copies it, once, and not inside of a turn."""
    monkeypatch.setattr(turn, "_SPARE_PAGES", 1)
    copied: list[str] = []

    def note(operation: str, path: str) -> None:
        if operation == "write" and path.endswith("keystead.db"):
            copied.append(path)

    disk.on_operation = note
    add(lossy_store, "a")
    lossy_store.flush()
    add(lossy_store, "b")
    lossy_store.rest()
    assert not copied

    lossy_store.flush()
    lossy_store.rest()
    assert copied

    copied.clear()
    lossy_store.rest()
    assert not copied


@pytest.mark.parametrize(
    ("error", "kind", "fatal"),
    [
        (apsw.ConstraintError(), StoreConflict, False),
        (apsw.FullError(), StoreUnavailable, False),
        (apsw.NoMemError(), StoreUnavailable, False),
        (apsw.IOError(), StoreUnavailable, True),
        (apsw.ReadOnlyError(), StoreUnavailable, True),
        (apsw.CorruptError(), StoreCorrupt, True),
        (apsw.NotADBError(), StoreCorrupt, True),
        (apsw.SQLError(), apsw.SQLError, False),
    ],
)
def test_what_an_error_means(error: apsw.Error, kind: type[Exception], fatal: bool) -> None:
    """Each error of the driver is a refusal, a pause, the end, or our own bug."""
    judgement = judge(error)

    assert isinstance(judgement.error, kind)
    assert judgement.fatal is fatal


def test_a_purge_that_fails_is_told_and_tried_again(
    lossy_store: SqliteStore, disk: LossyDisk, path: Path
) -> None:
    """A full disk refuses it for now, and so does a turn in progress; nothing is lost."""
    add(lossy_store, "kept")
    with pytest.raises(StoreUnavailable, match="not committed"):
        lossy_store.purge()
    lossy_store.flush()
    disk.on_operation = failing(apsw.FullError, "write", ".db")
    with pytest.raises(StoreUnavailable, match="full"):
        lossy_store.purge()
    disk.on_operation = healthy

    lossy_store.purge()

    assert path.with_name("keystead.db-wal").stat().st_size == 0
    assert names(lossy_store) == ["kept"]
