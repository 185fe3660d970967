"""A first start that is interrupted anywhere leaves nothing half-done."""

import os
import random
import stat
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from keystead.failures import Failure
from keystead.server.installation import founding
from keystead.server.installation.config import Config
from keystead.server.installation.installation import Installation
from keystead.server.installation.opening import lock
from keystead.store.lock import DirectoryLock
from tests.conftest import BIN, Server, free_port
from tests.server.installations import found

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class PowerLoss(BaseException):
    """The machine stopped here."""


def interrupt_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop at the step with this number: every sync, rename and removal is one."""
    left = [steps]

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            if left[0] == 0:
                raise PowerLoss
            left[0] -= 1
            return original(*arguments, **options)

        return step

    for name in ("fsync", "rename", "unlink", "rmdir"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))


def begin(directory: Path) -> DirectoryLock:
    """What `serve` does before it opens the installation."""
    held = lock(directory)
    try:
        founding.complete(directory)
        if not founding.is_founded(directory):
            found(directory, NOW)
    except BaseException:
        held.release()
        raise
    return held


def start(directory: Path) -> Installation:
    """What `serve` does before it listens."""
    return Installation(Config(data=str(directory)), begin(directory))


def test_interrupted_at_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever step a first start is stopped at, the next one ends with a whole installation."""
    finished = False
    for steps in range(200):
        directory = tmp_path / f"at-{steps}"
        with monkeypatch.context() as patched:
            interrupt_after(steps, patched)
            try:
                begin(directory).release()
                finished = True
            except PowerLoss:
                pass
        installation = start(directory)
        assert len(installation.identities.accounts.every(installation.store.read())) == 1
        installation.close()
        assert (directory / "aws" / "credentials").exists()
        assert not (directory / founding.STAGING).exists()
        if finished:
            break
    assert finished
    assert steps > 20


def test_killed_while_it_begins(tmp_path: Path) -> None:
    """A server killed at random moments of its first start becomes ready at the next."""
    chance = random.Random(20261124)
    for number in range(6):
        server = Server(tmp_path / f"data-{number}", free_port())
        process = subprocess.Popen(
            [BIN / "keystead", "serve", "--data", server.data, "--listen", "127.0.0.1:0"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(chance.uniform(0.1, 1.2))
        process.kill()
        process.wait()
        server.start()
        assert server.client("sts").get_caller_identity()["Arn"].endswith("user/admin")
        assert server.stop() == 0


def test_untold_secrets(tmp_path: Path) -> None:
    """What a start made and did not come to tell, the next one tells, and then none."""
    begin(tmp_path / "data").release()
    server = Server(tmp_path / "data", free_port())
    for times in (1, 1):
        server.start(region="us-east-1")
        assert server.log().count("recovery-key.txt") == times
        assert server.log().count("root-password.txt") == times
        assert server.stop() == 0


def test_files_are_private(tmp_path: Path) -> None:
    """Everything in the data directory is for its owner only."""
    start(tmp_path / "data").close()
    for path in (tmp_path / "data", *(tmp_path / "data").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.parametrize("missing", ["seal.json"])
def test_lost_file_is_not_an_invitation(tmp_path: Path, missing: str) -> None:
    """A directory that lost its seal is not initialised again over its database."""
    directory = tmp_path / "data"
    start(directory).close()
    (directory / missing).rename(tmp_path / missing)

    with pytest.raises(Failure, match="is not empty and holds no whole installation"):
        start(directory)
    (tmp_path / missing).rename(directory / missing)
    start(directory).close()


def test_foreign_directory_is_refused(tmp_path: Path) -> None:
    """Keystead does not move in with somebody else's files."""
    tmp_path.chmod(0o700)
    (tmp_path / "holiday.jpg").write_bytes(b"")
    with pytest.raises(Failure, match=r"holiday\.jpg"):
        start(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["holiday.jpg", "lock"]
