"""Who may use a data directory."""

import os
import signal
from pathlib import Path

import pytest

from keystead.store.lock import DirectoryInUse, DirectoryLock


def _hold_in_another_process(directory: Path) -> int:
    """The id of a process that holds the lock until it is killed."""
    ready, told = os.pipe()
    process = os.fork()
    if process == 0:
        lock = DirectoryLock(directory)
        os.write(told, b"x")
        signal.pause()
        lock.release()
    os.read(ready, 1)
    os.close(ready)
    os.close(told)
    return process


def test_the_other_process_is_named(tmp_path: Path) -> None:
    """The refusal says which process has the directory; a killed one has it no more."""
    process = _hold_in_another_process(tmp_path)
    try:
        with pytest.raises(DirectoryInUse, match=rf"process {process}\b"):
            DirectoryLock(tmp_path)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)

    DirectoryLock(tmp_path).release()


def test_release_twice(tmp_path: Path) -> None:
    """Releasing again does nothing, to us or to the next holder."""
    first = DirectoryLock(tmp_path)
    first.release()
    second = DirectoryLock(tmp_path)
    first.release()

    with pytest.raises(DirectoryInUse):
        DirectoryLock(tmp_path)
    second.release()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A link in the place of the lock does not make us write somewhere else."""
    target = tmp_path / "target"
    (tmp_path / "lock").symlink_to(target)

    with pytest.raises(OSError, match="symbolic"):
        DirectoryLock(tmp_path)
    assert not target.exists()
