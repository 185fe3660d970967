"""Power fails at any moment, below the store and the log together."""

import shutil
from pathlib import Path
from random import Random

import pytest

from tests.audit.world import World, rows
from tests.store.lossy_disk import VFS, LossyDisk, new_disk, under_os

TURNS = 60


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LossyDisk:
    """A lossy disk below the store and below the system's calls of the log."""
    disk = new_disk()
    under_os(disk, tmp_path / "live", monkeypatch)
    return disk


def put(files: dict[str, bytes], root: Path) -> None:
    """Lay out a data directory as the power loss left it."""
    shutil.rmtree(root, ignore_errors=True)
    (root / "audit").mkdir(parents=True)
    for name, content in files.items():
        directory = root if name.startswith("keystead") else root / "audit"
        (directory / name).write_bytes(content)


def test_store_and_log_agree_after_any_loss(tmp_path: Path, disk: LossyDisk) -> None:
    """What was acknowledged is in the log, and a change is there exactly if its record is."""
    random = Random(20261124)
    acknowledged: list[str] = []
    left: list[tuple[dict[str, bytes], list[str]]] = []

    def perhaps_lose(_operation: str, _path: str) -> None:
        if random.random() < 0.3:
            left.append((disk.survivors(random), list(acknowledged)))

    (tmp_path / "live").mkdir()
    world = World(tmp_path / "live", segment_bytes=8000, vfs=VFS).open()
    disk.on_operation = perhaps_lose
    for turn in range(TURNS):
        names = [f"{turn:03}-{call}" for call in range(random.randint(1, 3))]
        if random.random() < 0.5:
            world.change(*names)
        else:
            names = [f"read {name}" for name in names]
            world.record(*names)
        acknowledged += names
        if random.random() < 0.2:
            world.clock.advance(2)
            world.trail.tick()
    disk.on_operation = lambda _operation, _path: None
    world.close()

    after = World(tmp_path / "after")
    for files, promised in left:
        put(files, after.root)
        after.open()
        recorded = after.request_ids()
        assert recorded[: len(promised)] == promised
        assert rows(after.store) == [name for name in recorded if not name.startswith("read")]
        after.close()
        assert after.verify().holds
    assert len(left) >= 100
