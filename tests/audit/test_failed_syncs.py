"""Each sync in turn fails, of the database and of the log: nothing is written after it, and the
next start goes on without a person's help, with everything that was acknowledged."""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from keystead.audit.log.sinks import FileSink
from keystead.store.protocol import StoreUnavailable
from keystead.store.sqlite import turn as sqlite_turn
from tests.audit.world import World, rows
from tests.store.lossy_disk import VFS, LossyDisk, new_disk, under_os

TURNS = 5
LOSSES = 0.02  # of the operations after a failed sync, so many are followed by a loss of power
SINK = "elsewhere.jsonl"


@dataclass(slots=True)
class Fault:
    """The disk's: the sync of this number fails, and perhaps each one after it."""

    disk: LossyDisk
    number: int
    for_good: bool
    syncs: int = 0
    made: bool = False  # is there a database?
    failed: str = ""  # the file whose sync failed
    afterwards: list[str] = field(default_factory=list)  # what was written or synced since then

    def __call__(self, operation: str, path: str) -> None:
        # While SQLite makes the file, it undoes what failed of that, and nobody depends on it.
        self.made = self.made or path.endswith("-wal")
        if self.failed and self.made:
            self.afterwards.append(Path(path).name)
        if operation != "sync":
            return
        self.syncs += 1
        if self.syncs == self.number or (self.for_good and self.failed):
            self.failed = self.failed or Path(path).name
            raise OSError(errno.EIO, os.strerror(errno.EIO))


@dataclass(slots=True)
class Life:
    """A data directory, what was acknowledged in it, and what losses of power left of it."""

    disk: LossyDisk
    world: World
    acknowledged: list[str] = field(default_factory=list)
    turns: int = 0
    lost: list[tuple[dict[str, bytes], list[str]]] = field(default_factory=list)

    def turn(self) -> bool:
        """One turn, changing or only reading; was it acknowledged?"""
        self.turns += 1
        changing = self.turns % 3 != 0
        names = [f"{'' if changing else 'read '}{self.turns:03}-{call}" for call in range(2)]
        try:
            (self.world.change if changing else self.world.record)(*names)
        except StoreUnavailable:
            return False
        self.acknowledged += names
        if self.turns % 2:
            self.world.store.rest()
        return True

    def pass_time(self) -> None:
        """A second passes, after which a checkpoint is due, and now and then a purge is."""
        self.world.clock.advance(2)
        self.world.trail.tick()
        if self.turns % 4 == 0:
            with suppress(StoreUnavailable):
                self.world.store.purge()

    def check(self, world: World, acknowledged: list[str]) -> None:
        """All that was acknowledged is there, and every change exactly if its record is."""
        world.trail.tick()  # signs at once what the last process left
        recorded = world.request_ids()
        kept = [name for name in recorded if name in set(acknowledged)]
        assert kept == acknowledged
        assert len(set(recorded)) == len(recorded)
        assert rows(world.store) == [name for name in recorded if not name.startswith("read")]
        assert world.verify(witness=world.root / SINK).holds

    def lose_power(self, operation: str, path: str) -> None:  # noqa: ARG002  # at any of them
        """Note now and then what the disk would keep, and what it has to."""
        if self.disk.random.random() < LOSSES:
            left = self.disk.survivors(self.disk.random)
            self.lost.append((left, list(self.acknowledged)))


def new_world(root: Path) -> World:
    return World(root, segment_bytes=6000, sinks=[FileSink(root / SINK)], vfs=VFS)


@pytest.fixture
def life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Life]:
    """A data directory on a lossy disk, whose database log is copied back often."""
    monkeypatch.setattr(sqlite_turn, "_CHECKPOINT_PAGES", 12)
    monkeypatch.setattr(sqlite_turn, "_SPARE_PAGES", 6)
    disk = new_disk()
    root = tmp_path / "live"
    root.mkdir()
    under_os(disk, tmp_path, monkeypatch)
    yield Life(disk, new_world(root))
    disk.on_operation = lambda _operation, _path: None


def live_until(life: Life, fault: Fault) -> None:
    """Two processes one after the other, the first of them killed; after a fault one more turn."""
    life.disk.on_operation = fault
    for killed in (True, False):
        try:
            life.world.open()
        except StoreUnavailable:
            return
        for _ in range(TURNS):
            life.turn()
            life.pass_time()
            if life.world.store.failure is not None:
                assert not life.turn(), "acknowledged by a store that had failed"
                life.world.end()
                return
        if killed:
            life.world.store.give_up(StoreUnavailable("killed"))  # nothing more is written
        with suppress(StoreUnavailable):
            life.world.end()


def go_on(life: Life, tmp_path: Path) -> None:
    """Start again on a disk that works, go on, and lose power at any moment."""
    life.disk.on_operation = life.lose_power
    life.world.open()
    life.check(life.world, life.acknowledged)
    for _ in range(3):
        assert life.turn()
        life.pass_time()
    life.lost.append((life.disk.survivors(life.disk.random), list(life.acknowledged)))
    life.disk.on_operation = lambda _operation, _path: None
    life.world.close()
    while life.lost:
        files, acknowledged = life.lost.pop()
        world = new_world(tmp_path / f"left-{life.world.root.name}-{len(life.lost)}")
        lay_out(files, world.root)
        world.open()
        life.check(world, acknowledged)
        world.end()
        life.disk.forget()


def lay_out(files: dict[str, bytes], root: Path) -> None:
    (root / "audit").mkdir(parents=True)
    for name, content in files.items():
        at_top = name.startswith("keystead") or name == SINK
        ((root if at_top else root / "audit") / name).write_bytes(content)


def syncs_of_a_life(life: Life) -> int:
    """How many syncs there are when none fails."""
    fault = Fault(life.disk, 0, for_good=False)
    live_until(life, fault)
    return fault.syncs


@pytest.mark.parametrize("for_good", [False, True])
def test_a_failed_sync_stops_no_later_start(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, for_good: bool
) -> None:
    """Whichever sync fails, once or from then on: nothing follows it, and nothing is lost."""
    files: set[str] = set()
    syncs = syncs_of_a_life(life)
    for number in range(1, syncs + 1, 4 if for_good else 1):
        root = tmp_path / f"live-{number}"
        root.mkdir()
        disk = new_disk()
        disk.random = Random(number)
        each, fault = Life(disk, new_world(root)), Fault(disk, number, for_good)
        with monkeypatch.context() as patch:
            under_os(disk, tmp_path, patch)
            live_until(each, fault)
            files.add(fault.failed)
            if fault.failed != SINK:
                assert fault.afterwards == [], f"written after the sync of {fault.failed} failed"
            go_on(each, tmp_path)

    if not for_good:
        assert {"keystead.db", "keystead.db-wal", "checkpoints.jsonl", SINK, "audit"} <= files
        assert len([name for name in files if name.startswith("records-")]) > 1
