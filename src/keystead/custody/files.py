"""How are files kept that only their owner may read?  (threat-model DB-6)

A file is written once and whole. It has mode 0600 before its first byte, and is synced before it
gets its name. The name is synced before anybody relies on it. A file that somebody else could have
read or written is refused.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

_LARGEST = 64 * 1024


class SealError(Exception):
    """The root key cannot be made or opened.

    The message says what is wrong, and where. `hint` says what to do.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def make_directory(directory: Path) -> None:
    """Make the directory if it is missing, and refuse one that is not its user's alone."""
    with _explained(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise SealError(
            f"`{directory}` is accessible to others (mode {mode:04o})",
            f"chmod 700 {quote(str(directory))}",
        )
    _refuse_foreign(directory, status)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keep other processes from making or changing the seal of this directory meanwhile."""
    with _explained(directory):
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with _explained(directory):
            _lock(directory, handle)
        yield
    finally:
        os.close(handle)


def read_private(path: Path) -> bytes:
    """The content of a small file that only its owner can read; refuses every other."""
    with _explained(path):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            _refuse_shared(path, os.fstat(handle))
            content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise SealError(
            f"`{path}` is longer than any file that Keystead writes there",
            "restore it from a copy",
        )
    return content


def create_private(path: Path, content: bytes) -> None:
    """Write a new file, durable with its name; the name must be free."""
    with _explained(path):
        _write(path, content)
        _sync_directory(path.parent)


def replace_private(path: Path, content: bytes) -> None:
    """Write a file over the one with this name. At any moment the old or the new one is there."""
    draft = path.with_name(path.name + ".draft")
    with _explained(path):
        draft.unlink(missing_ok=True)
        _write(draft, content)
        draft.rename(path)
        _sync_directory(path.parent)


def rename(old: Path, new: Path) -> None:
    """Give a file its name, durably."""
    with _explained(new):
        old.rename(new)
        _sync_directory(new.parent)


def remove(path: Path) -> None:
    """Remove a file, durably, if it is there."""
    with _explained(path):
        path.unlink(missing_ok=True)
        _sync_directory(path.parent)


def exists(path: Path) -> bool:
    """Is the name taken, even by a link that leads nowhere?"""
    return os.path.lexists(path)


def _lock(directory: Path, handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SealError(
            f"another process is sealing `{directory}`", "wait for it to finish"
        ) from None


def _refuse_shared(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise SealError(f"`{path}` is not a regular file", "put the file itself there")
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise SealError(
            f"`{path}` is accessible to others (mode {mode:04o})",
            f"chmod 600 {quote(str(path))}, and think about who may have read it",
        )
    _refuse_foreign(path, status)


def _refuse_foreign(path: Path, status: os.stat_result) -> None:
    """Refuse a file of another user: the owner can do anything with it, with any mode."""
    if status.st_uid not in {0, os.geteuid()}:
        raise SealError(
            f"`{path}` belongs to another user (uid {status.st_uid})",
            f"chown it to the user that runs keystead (uid {os.geteuid()})",
        )


def _write(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """An error of the operating system, in our words."""
    try:
        yield
    except OSError as error:
        raise SealError(
            f"`{path}`: {(error.strerror or 'input or output error').lower()}",
            "check that it is there, and that the disk is writable and not full",
        ) from None
