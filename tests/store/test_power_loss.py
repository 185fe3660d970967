"""Power fails at any moment, and the disk keeps only what was synced, and parts of the rest."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from keystead.store.protocol import StoreConflict
from keystead.store.sqlite import turn as sqlite_turn
from keystead.store.sqlite.engine import SqliteStore, open_store
from tests.store.conftest import KEY
from tests.store.lossy_disk import VFS, LossyDisk, new_disk

ROUNDS = 12
TURNS = 12
PARTS = 3  # rows that one call writes: all of them or none


@dataclass(frozen=True, slots=True)
class Loss:
    """What a power loss left of the files, and what had been promised then."""

    files: dict[str, bytes]
    acknowledged: int  # turns that flush() had made durable
    epoch: int


@dataclass(slots=True)
class Workload:
    """Turns of random calls on one store, with power losses in the middle of everything."""

    random: Random
    disk: LossyDisk
    store: SqliteStore
    acknowledged: int
    epoch: int
    after: Path  # where each loss is looked at, at once: all together would take a gigabyte
    losses: int = 0
    kept: tuple[Loss, int] | None = None  # any one of them, and the newest turn in it

    def run(self, first: int) -> None:
        self.disk.on_operation = lambda _operation, _path: self._perhaps_lose()
        for turn in range(first, first + TURNS):
            for call in range(self.random.randint(1, 4)):
                self._call(turn, call)
            self.store.flush()
            self.acknowledged, self.epoch = turn, self.store.state
            if turn % 2:
                self.store.rest()

    def _call(self, turn: int, call: int) -> None:
        """Three rows of one call; now and then a later one fails after them, and leaves none."""
        fails = call > 0 and self.random.random() < 0.3
        try:
            with self.store.write() as transaction:
                for part in range(PARTS):
                    transaction.run(
                        "INSERT INTO item VALUES (?, ?, ?, ?)",
                        (turn, call, part, self.random.randbytes(self.random.randint(1, 6000))),
                    )
                transaction.run("UPDATE total SET calls = calls + 1")
                if fails:
                    transaction.run("INSERT INTO item VALUES (?, ?, 0, x'')", (turn, call))
        except StoreConflict:
            assert fails

    def _perhaps_lose(self) -> None:
        if self.random.random() < 0.12:
            loss = Loss(self.disk.survivors(self.random), self.acknowledged, self.epoch)
            newest = check(loss, self.after)
            self.losses += 1
            if self.random.randrange(self.losses) == 0:
                self.kept = loss, newest


def create(store: SqliteStore) -> None:
    with store.write() as transaction:
        transaction.run(
            "CREATE TABLE item (turn INTEGER NOT NULL, call INTEGER NOT NULL,"
            " part INTEGER NOT NULL, filler BLOB NOT NULL, UNIQUE (turn, call, part)) STRICT"
        )
        transaction.run("CREATE TABLE total (calls INTEGER NOT NULL) STRICT")
        transaction.run("INSERT INTO total VALUES (0)")
    store.flush()


def lay_out(files: dict[str, bytes], directory: Path) -> None:
    """Put these files, and no others, into a directory."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for name, content in files.items():
        (directory / name).write_bytes(content)


def check(loss: Loss, directory: Path) -> int:
    """Open what is left; the newest turn that is there, after all that must hold does."""
    lay_out(loss.files, directory)
    store = open_store(directory / "keystead.db", KEY)
    rows = store.read().all("SELECT turn, call, count(*) FROM item GROUP BY turn, call")
    newest = max((turn for turn, _, _ in rows), default=0)

    assert newest in (loss.acknowledged, loss.acknowledged + 1)
    assert {turn for turn, _, _ in rows} == set(range(1, newest + 1)), "a turn is missing"
    assert all(parts == PARTS for _, _, parts in rows), "half a call is there"
    assert store.read().one("SELECT calls FROM total") == (len(rows),), "half a turn is there"
    assert store.state >= loss.epoch
    assert store.read().all("SELECT integrity_check FROM pragma_integrity_check") == [("ok",)]
    store.close()
    return newest


def test_acknowledged_writes_survive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a power loss leaves: what was flushed is there, and no half of anything."""
    monkeypatch.setattr(sqlite_turn, "_CHECKPOINT_PAGES", 40)
    monkeypatch.setattr(sqlite_turn, "_SPARE_PAGES", 20)
    random = Random(20261124)
    live, after = tmp_path / "live", tmp_path / "after"
    live.mkdir()
    newest = losses = 0
    for number in range(ROUNDS):
        disk = new_disk()
        store = open_store(live / "keystead.db", KEY, vfs=VFS)
        if number == 0:
            create(store)
        work = Workload(random, disk, store, newest, store.state, after)
        work.run(newest + 1)
        losses += work.losses
        disk.on_operation = lambda _operation, _path: None
        store.close()
        # The next round goes on from what one of the losses left.
        assert work.kept is not None
        loss, newest = work.kept
        lay_out(loss.files, live)

    assert losses >= 300


def test_power_fails_while_the_store_is_made(tmp_path: Path) -> None:
    """A first start that was cut off anywhere is finished by the next one."""
    random, live, after = Random(20261125), tmp_path / "live", tmp_path / "after"
    disk = new_disk()
    losses = 0

    def lose_power(_operation: str, _path: str) -> None:  # another file, and another connection
        nonlocal losses
        losses += 1
        lay_out(disk.survivors(random), after)
        open_store(after / "keystead.db", KEY).close()

    disk.on_operation = lose_power
    live.mkdir()
    open_store(live / "keystead.db", KEY, vfs=VFS).close()

    assert losses > 20


def test_the_disk_does_lose(tmp_path: Path) -> None:
    """The simulated disk is not too kind: without the sync, the write may be gone."""
    disk = new_disk()
    store = open_store(tmp_path / "keystead.db", KEY, vfs=VFS)
    create(store)
    durable = disk.files[str(tmp_path / "keystead.db-wal")].durable
    pending: list[int] = []
    disk.on_operation = lambda operation, path: (
        pending.append(len(disk.files[path].pending)) if operation == "sync" else None
    )
    with store.write() as transaction:
        transaction.run("UPDATE total SET calls = 1")
    store.flush()

    assert [count > 0 for count in pending] == [True]
    assert durable != disk.files[str(tmp_path / "keystead.db-wal")].durable
    store.close()
