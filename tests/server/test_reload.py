"""SIGHUP: certificates and settings are read again, or stay as they were; no server ends by it."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from tests import certificates
from tests.conftest import BIN, Server, free_port
from tests.patience import PATIENCE, wait_until


class Reloading:
    """A server with TLS whose settings stand in a file."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.settings = directory / "keystead.toml"
        self.authority = trustme.CA()
        self.server = Server(directory / "data", free_port())
        self.pages = free_port()

    def issue(self) -> None:
        """Put another certificate and its key in place."""
        certificates.put(self.directory, self.authority)

    def set(self, *lines: str) -> None:
        files = (f'tls_{name} = "{self.directory / file}.pem"' for name, file in
                 (("certificate", "cert"), ("key", "key")))  # fmt: skip
        self.settings.write_text("\n".join((*files, *lines)) + "\n")

    def presented(self, port: int = 0) -> bytes:
        """The certificate that a new connection is shown, at the API's port or another."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        with (
            socket.create_connection(
                ("127.0.0.1", port or self.server.port), timeout=PATIENCE
            ) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
        ):
            return secure.getpeercert(binary_form=True) or b""

    def hang_up(self, said: str) -> dict[str, object]:
        """Send SIGHUP, and wait for the line of the log that has this."""
        before = len(self.server.log())
        assert self.server.process is not None
        self.server.process.send_signal(signal.SIGHUP)
        return self.wait_for(lambda: self.server.log()[before:], said)

    def wait_for(self, log: Callable[[], str], said: str) -> dict[str, object]:
        def lines() -> list[str]:
            return [line for line in log().splitlines() if said in line and line.endswith("}")]

        wait_until(lines, log)
        told: dict[str, object] = json.loads(lines()[0])
        return told


@pytest.fixture
def reloading(tmp_path: Path) -> Iterator[Reloading]:
    made = Reloading(tmp_path)
    made.issue()
    made.set()
    server = made.server
    url = f"https://127.0.0.1:{made.pages}"
    with (tmp_path / "data.log").open("wb") as log:
        server.process = subprocess.Popen(
            [BIN / "keystead", "serve", "--data", server.data, "--config", made.settings,
             "--listen", f"127.0.0.1:{server.port}", "--console", f"127.0.0.1:{made.pages}"],
            stdout=log, stderr=log, env={**os.environ, "KEYSTEAD_CONSOLE_URL": url},
        )  # fmt: skip
    made.wait_for(server.log, "listening on")
    yield made
    assert server.stop() == 0


def test_settings_are_read_again(tmp_path: Path, reloading: Reloading) -> None:
    """A certificate, its key and the log's level change at once; what is wrong changes nothing.

    The pages for persons have the same certificate, and change with it.
    """
    first = reloading.presented()

    reloading.issue()
    reloading.set('log_level = "debug"')
    told = reloading.hang_up("the settings were read again")
    assert told["message"] == "the settings were read again"
    second = reloading.presented()
    assert second != first
    assert reloading.presented(reloading.pages) == second

    (tmp_path / "key.pem").write_text("no key")
    told = reloading.hang_up("the settings stay as they were")
    assert told["level"] == "warning"
    assert "hint" in told
    assert reloading.presented() == reloading.presented(reloading.pages) == second
    reloading.settings.write_text("nonsense = 1\n")
    assert "nonsense" in str(reloading.hang_up("the settings stay as they were")["message"])
    assert reloading.presented() == second

    reloading.issue()
    reloading.set("drain_seconds = 1", 'checkpoint_file = "elsewhere"')
    told = reloading.hang_up("the settings were read again")
    assert str(told["message"]).endswith("; only a restart changes `checkpoint_file`")
    assert reloading.presented() != second


def test_a_stop_is_not_cut_short(own_server: Server) -> None:
    """SIGHUP while a server starts, serves or ends never kills it."""
    process = own_server.process
    assert process is not None
    for _ in range(5):
        process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    while process.poll() is None:
        process.send_signal(signal.SIGHUP)
        time.sleep(0.001)
    assert process.returncode == 0
    own_server.process = None


_HANGS_UP = """
import os, signal, sys

class HangsUp:
    def find_spec(self, name, path, target=None):
        if name == "keystead.cli":
            os.kill(os.getpid(), signal.SIGHUP)

sys.meta_path.insert(0, HangsUp())
from keystead.__main__ import main
main()
"""


@pytest.mark.parametrize(("verb", "status"), [("serve", 0), ("version", -signal.SIGHUP)])
def test_from_its_first_line_on(verb: str, status: int) -> None:
    """SIGHUP does not end `serve` while it imports itself; it ends another command as any other."""
    command = [sys.executable, "-c", _HANGS_UP, verb, "--help"]
    ended = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE)
    assert ended.returncode == status


def test_a_signal_during_the_start_is_kept(tmp_path: Path) -> None:
    """Settings that changed while the server started are read again as soon as that is possible."""
    settings, server = tmp_path / "settings", Server(tmp_path / "data", free_port(), program=())
    os.mkfifo(settings)  # so it waits for us when it reads them first

    def blocked() -> int:
        found = Path(f"/proc/{process.pid}/status").read_text().partition("SigBlk:")[2]
        return int(found.split()[0], 16) & 1 << signal.SIGHUP - 1

    with (tmp_path / "data.log").open("wb") as log:
        server.process = process = subprocess.Popen(
            [BIN / "keystead", "serve", "--data", server.data, "--config", settings,
             "--listen", f"127.0.0.1:{server.port}"],
            stdout=log, stderr=log,
        )  # fmt: skip
    wait_until(blocked)
    process.send_signal(signal.SIGHUP)
    settings.write_text('log_level = "info"\n')
    (tmp_path / "changed").write_text('checkpoint_file = "elsewhere"\n')
    (tmp_path / "changed").replace(settings)
    wait_until(lambda: "settings were read again" in server.log(), server.log)

    assert server.log().count("settings were read again; only a restart") == 1
    assert not blocked()
    assert server.stop() == 0
