"""Power fails at any moment, below the store and the log together."""

import shutil
from pathlib import Path
from random import Random

import pytest

from keystead.audit.files import LogFile
from tests.audit.world import World, rows
from tests.store.lossy_disk import VFS, DiskFile, LossyDisk, new_disk

TURNS = 60


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> LossyDisk:
    """A lossy disk that the files of the log are on, too."""
    disk = new_disk()
    opened, write, truncate, sync = (
        LogFile.__init__, LogFile._write, LogFile._truncate, LogFile.sync,
    )  # fmt: skip

    def file(log: LogFile) -> DiskFile:
        return disk.files[str(log.path)]

    def lossy_open(log: LogFile, path: Path) -> None:
        opened(log, path)
        disk.files.setdefault(str(path), DiskFile(bytearray(path.read_bytes())))

    def lossy_write(log: LogFile, data: bytes) -> None:
        disk.on_operation("write", str(log.path))
        write(log, data)
        file(log).pending.append((log.size, data))

    def lossy_truncate(log: LogFile, size: int) -> None:
        truncate(log, size)
        file(log).pending.append((size, None))

    def lossy_sync(log: LogFile) -> None:
        disk.on_operation("sync", str(log.path))
        sync(log)
        file(log).sync()

    monkeypatch.setattr(LogFile, "__init__", lossy_open)
    monkeypatch.setattr(LogFile, "_write", lossy_write)
    monkeypatch.setattr(LogFile, "_truncate", lossy_truncate)
    monkeypatch.setattr(LogFile, "sync", lossy_sync)
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
