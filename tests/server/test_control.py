"""The control socket: its owner only, one line in, one line out."""

import asyncio
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keystead.failures import Failure
from keystead.server.installation import control
from tests.patience import PATIENCE


def perform(command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    if command == "fail":
        raise Failure("it is wrong", "do it right")
    if command == "break":
        raise RuntimeError("secret")
    return {"command": command, **arguments}


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory with a socket that is served; its path is longer than a socket's may be."""
    directory = tmp_path / ("d" * 60) / ("e" * 60)
    directory.mkdir(parents=True)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = control.ControlServer(control.listen(directory), perform)
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(PATIENCE)
    yield directory
    loop.call_soon_threadsafe(server.stop, directory)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_ceremony(directory: Path) -> None:
    """A command with arguments gets its result, from wherever it is asked."""
    before = Path.cwd()
    assert control.ask(directory, "status", {"a": 1}) == {"command": "status", "a": 1}
    assert Path.cwd() == before


def test_failures_have_words(directory: Path) -> None:
    """A failure keeps its hint; a bug keeps its details for the log; the server goes on."""
    with pytest.raises(Failure, match=r"^it is wrong$") as caught:
        control.ask(directory, "fail", {})
    assert caught.value.hint == "do it right"
    with pytest.raises(Failure, match="the server failed") as caught:
        control.ask(directory, "break", {})
    assert "secret" not in caught.value.message
    assert control.ask(directory, "status", {}) is not None


def test_only_the_owner_may_open_it(directory: Path) -> None:
    """The socket has mode 0600, and another user's process is turned away."""
    assert stat.S_IMODE((directory / control.SOCKET).stat().st_mode) == 0o600
    assert control.is_owner(os.getuid())
    assert control.is_owner(0)
    assert not control.is_owner(os.getuid() + 12_345)


def test_nonsense_is_answered(directory: Path) -> None:
    """A line that is no request is refused; one that is too long ends the connection."""
    for sent, expected in ((b"nonsense\n", b"not a request"), (b"x" * 100_000 + b"\n", b"")):
        with socket.socket(socket.AF_UNIX) as client, control._inside(directory):
            client.settimeout(PATIENCE)
            client.connect(control.SOCKET)
            client.sendall(sent)
            received = client.recv(4096)
        assert expected in received
        assert bool(received) == bool(expected)


def test_nobody_there(tmp_path: Path) -> None:
    """Without a server there is no answer; a socket that a dead server left behind is none."""
    assert control.ask(tmp_path, "status", {}) is None
    assert control.ask(tmp_path / "missing", "status", {}) is None
    control.listen(tmp_path).close()
    assert control.ask(tmp_path, "status", {}) is None
    control.listen(tmp_path).close()
