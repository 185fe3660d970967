"""A disk that keeps only what was synced, for tests of power loss and of failing syncs.

Everything is written to the real file, and remembered here as durable (synced) or pending. At any
moment `survivors` gives the files as a power loss may leave them: of what is pending, each write
may be there, be missing, or be torn at a sector, independently of its order.

A sync that fails does what Linux does: of what was pending something has reached the disk, and the
rest never will, though every reader finds it in the cache, and later syncs succeed.

Two layers lead to it: one below SQLite's (`vfs=VFS`), and one below `os` (`under_os`), so that the
code above runs as it is, its calls of `os.fdatasync` and `os.fsync` included.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import apsw
import pytest

from tests.freeing import give_back

VFS = "lossy"
SECTOR = 512

Operation = tuple[int, bytes | None]  # write at offset, or (size, None): truncate


@dataclass(slots=True)
class DiskFile:
    """One file, as it is on the platter and in the cache."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Operation] = field(default_factory=list)
    named: bool = False  # is its name in the directory durable?

    def sync(self) -> None:
        self.durable = self._with(self.pending)
        self.pending = []

    def forget(self) -> None:
        """Let go of the content: nobody reads it, but the driver may hold the file for long."""
        self.durable, self.pending = bytearray(), []

    def fail(self, random: Random) -> None:
        """A failed sync: what it did not write is taken for written."""
        self.durable = self._with(self._kept(random))
        self.pending = []

    def survivor(self, random: Random) -> bytes | None:
        if not self.named and random.random() < 0.5:
            return None
        return bytes(self._with(self._kept(random)))

    def _kept(self, random: Random) -> list[Operation]:
        """What of the pending operations has reached the disk."""
        kept: list[Operation] = []
        for offset, data in self.pending:
            match random.choice(("lost", "whole", "torn")), data:
                case "whole", _:
                    kept.append((offset, data))
                case "torn", bytes():
                    kept += [
                        (offset + start, data[start : start + SECTOR])
                        for start in range(0, len(data), SECTOR)
                        if random.random() < 0.5
                    ]
        return kept

    def _with(self, operations: list[Operation]) -> bytearray:
        content = bytearray(self.durable)
        for offset, data in operations:
            if data is None:
                del content[offset:]
            else:
                content.extend(bytes(max(0, offset - len(content))))
                content[offset : offset + len(data)] = data
        return content


@dataclass(slots=True)
class LossyDisk:
    """The files of one data directory."""

    files: dict[str, DiskFile] = field(default_factory=dict)
    random: Random = field(default_factory=lambda: Random(20261129))
    on_operation: Callable[[str, str], None] = lambda _operation, _path: None
    """Called before each write and sync; may raise, which is the disk's error."""

    def survivors(self, random: Random) -> dict[str, bytes]:
        """Name -> content of what a power loss leaves now."""
        left = {Path(path).name: file.survivor(random) for path, file in self.files.items()}
        return {name: content for name, content in left.items() if content is not None}

    def forget(self) -> None:
        """Let go of the content of all files, also where a failed store's error holds them."""
        for file in self.files.values():
            file.forget()
        self.files.clear()
        give_back()

    def sync(self, path: str) -> None:
        """Make a file's content durable, or fail."""
        try:
            self.on_operation("sync", path)
        except BaseException:
            self.files[path].fail(self.random)
            raise
        self.files[path].sync()

    def at(self, path: str) -> DiskFile:
        """The file with this path, which is about to be opened, and stands there already or not."""
        if path not in self.files:
            found = Path(path).read_bytes() if Path(path).exists() else b""
            self.files[path] = DiskFile(bytearray(found), named=bool(found))
        return self.files[path]


class _LossyVfs(apsw.VFS):
    """The layer itself; SQLite keeps it for the life of the process, so the disk is exchanged."""

    def __init__(self) -> None:
        self.disk = LossyDisk()
        super().__init__(VFS, "unix")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        return _LossyFile(self.disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: ARG002  # as with xSync
        super().xDelete(filename, False)
        gone = self.disk.files.pop(filename, None)
        if gone is not None:
            gone.forget()


class _LossyFile(apsw.VFSFile):
    def __init__(self, disk: LossyDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        self._file = disk.at(self._path)
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        with _as_sqlite():
            self._disk.on_operation("write", self._path)
        super().xWrite(data, offset)
        self._file.pending.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        self._file.pending.append((newsize, None))

    def xSync(self, flags: int) -> None:  # noqa: ARG002  # no test needs the platter
        with _as_sqlite():
            self._disk.sync(self._path)
        self._file.named = True  # SQLite syncs the directory of what it makes


@contextmanager
def _as_sqlite() -> Iterator[None]:
    """An error of the system as SQLite's own layer passes it on."""
    try:
        yield
    except OSError as error:
        raise (apsw.FullError if error.errno == errno.ENOSPC else apsw.IOError) from error


_vfs = _LossyVfs()


def new_disk() -> LossyDisk:
    """A fresh disk; stores opened with `vfs=VFS` are on it from now on."""
    _vfs.disk = LossyDisk()
    return _vfs.disk


def under_os(disk: LossyDisk, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the disk below the calls of `os` on the files under `root`, too."""
    calls = _SystemCalls(disk, root)
    for name in ("open", "close", "pwrite", "ftruncate", "fdatasync", "fsync"):
        monkeypatch.setattr(os, name, getattr(calls, name))


_SYSTEM = os.open, os.close, os.pwrite, os.ftruncate, os.fsync


class _SystemCalls:
    """The calls of `os` that change files."""

    def __init__(self, disk: LossyDisk, root: Path) -> None:
        self._disk, self._root = disk, root
        self._paths: dict[int, str] = {}  # of the descriptors that are open
        # The system's, also where another disk is below `os` now: that one is not told.
        self._open, self._close, self._pwrite, self._ftruncate, self._fsync = _SYSTEM

    def open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        ours = dir_fd is None and self._root in Path(path).parents
        before = self._disk.at(str(path)) if ours and not Path(path).is_dir() else None
        try:
            descriptor = self._open(path, flags, mode, dir_fd=dir_fd)
        except FileNotFoundError:
            if before is not None:
                del self._disk.files[str(path)]
            raise
        if ours:
            self._paths[descriptor] = str(path)
        return descriptor

    def close(self, descriptor: int) -> None:
        self._paths.pop(descriptor, None)
        self._close(descriptor)

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
        path = self._paths.get(descriptor)
        if path is not None:
            self._disk.on_operation("write", path)
        written = self._pwrite(descriptor, data, offset)
        if path is not None:
            self._disk.files[path].pending.append((offset, bytes(data[:written])))
        return written

    def ftruncate(self, descriptor: int, size: int) -> None:
        self._ftruncate(descriptor, size)
        if descriptor in self._paths:
            self._disk.files[self._paths[descriptor]].pending.append((size, None))

    def fdatasync(self, descriptor: int) -> None:
        if descriptor in self._paths:
            self._disk.sync(self._paths[descriptor])

    def fsync(self, descriptor: int) -> None:
        path = self._paths.get(descriptor)
        if path is None:
            self._fsync(descriptor)
        elif Path(path).is_dir():
            self._disk.on_operation("sync", path)
            for name, file in self._disk.files.items():
                file.named = file.named or Path(name).parent == Path(path)
        else:
            self._disk.sync(path)
