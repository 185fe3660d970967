"""A disk that keeps only what was synced, for tests of power loss: a layer below SQLite's.

Everything is written to the real file, and remembered here as durable (synced) or pending. At any
moment `survivors` gives the files as a power loss may leave them: of what is pending, each write
may be there, be missing, or be torn at a sector, independently of its order.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import apsw

VFS = "lossy"
SECTOR = 512

Operation = tuple[int, bytes | None]  # write at offset, or (size, None): truncate


@dataclass(slots=True)
class DiskFile:
    """One file, as it is on the platter and in the cache."""

    durable: bytearray | None = None  # None: not even the name
    pending: list[Operation] = field(default_factory=list)

    def sync(self) -> None:
        self.durable = self._with(self.pending)
        self.pending = []

    def survivor(self, random: Random) -> bytes | None:
        if self.durable is None and random.random() < 0.5:
            return None
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
        return bytes(self._with(kept))

    def _with(self, operations: list[Operation]) -> bytearray:
        content = bytearray(self.durable or b"")
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
    on_operation: Callable[[str, str], None] = lambda _operation, _path: None
    """Called before each write and sync; may raise, which is the disk's error."""

    def survivors(self, random: Random) -> dict[str, bytes]:
        """Name -> content of what a power loss leaves now."""
        left = {Path(path).name: file.survivor(random) for path, file in self.files.items()}
        return {name: content for name, content in left.items() if content is not None}


class _LossyVfs(apsw.VFS):
    """The layer itself; SQLite keeps it for the life of the process, so the disk is exchanged."""

    def __init__(self) -> None:
        self.disk = LossyDisk()
        super().__init__(VFS, "unix")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        return _LossyFile(self.disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        self.disk.files.pop(filename, None)


class _LossyFile(apsw.VFSFile):
    def __init__(self, disk: LossyDisk, name: Any, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        self._file = disk.files.get(self._path) or DiskFile()
        if self._path not in disk.files:
            found = Path(self._path).read_bytes()
            self._file.durable = bytearray(found) if found else None
            disk.files[self._path] = self._file

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.on_operation("write", self._path)
        super().xWrite(data, offset)
        self._file.pending.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        self._file.pending.append((newsize, None))

    def xSync(self, flags: int) -> None:
        self._disk.on_operation("sync", self._path)
        super().xSync(flags)
        self._file.sync()


_vfs = _LossyVfs()


def new_disk() -> LossyDisk:
    """A fresh disk; stores opened with `vfs=VFS` are on it from now on."""
    _vfs.disk = LossyDisk()
    return _vfs.disk
