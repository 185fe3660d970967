"""What a hostile server says to the command line: nothing of it harms person or terminal."""

import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from keystead.agent.server import Server, Unreachable
from keystead.cli import run
from keystead.cli.credentials import login as command

ESCAPE = "\x1b]0;title\x07\x1b[2J"
PAGE = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class Hostile:
    """Answers `/v1/authorize` as a server does, and everything else with these pieces."""

    listening: socket.socket
    pieces: Iterable[bytes] = field(default_factory=tuple)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def serve(self) -> None:
        with contextlib.suppress(OSError):  # the end of the test
            while True:
                connection, _ = self.listening.accept()
                with connection, contextlib.suppress(OSError):  # the other side has had enough
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        file = connection.makefile("rb")
        first, length = file.readline(), 0
        while (line := file.readline()).strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        file.read(length)
        for piece in (PAGE,) if b" /v1/authorize" in first else self.pieces:
            connection.sendall(piece)


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    server = Hostile(socket.create_server(("127.0.0.1", 0)))
    threading.Thread(target=server.serve, daemon=True).start()
    yield server
    server.listening.shutdown(socket.SHUT_RDWR)
    server.listening.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KEYSTEAD_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(command, "on_this_device", lambda *_: "code")
    return tmp_path / "home"


def given(subject: str = "arn:aws:iam::111122223333:user/ann", **changed: Any) -> bytes:
    """An answer with credentials."""
    claims = base64.urlsafe_b64encode(json.dumps({"sub": subject}).encode()).decode()
    access = {"accessKeyId": "ASIA", "secretAccessKey": "s", "sessionToken": "t"}
    answer = {
        "accessToken": access, "expiresIn": 900, "refreshToken": "r", "idToken": f"h.{claims}.s",
        **changed,
    }  # fmt: skip
    body = json.dumps(answer).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def dripping(start: bytes) -> Iterator[bytes]:
    """A byte now and then, for as long as somebody waits for the next one."""
    for octet in chain(start, repeat(b"x"[0])):
        yield bytes([octet])
        time.sleep(0.005)  # the hostile server's


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (given(f"arn:aws:iam::111122223333:user/ann{ESCAPE}"), 0, "user/ann ]0;title  [2J\n"),
        (f"{ESCAPE}\r\n\r\n".encode(), 2, "does not answer:  ]0;title  [2J\n"),
        (f"HTTP/1.1 x {ESCAPE}\r\n\r\n".encode(), 2, "does not answer: HTTP/1.1 x"),
        (given("\ud800"), 2, "is no id token"),
    ],
)
def test_no_control_character_reaches_the_terminal(
    hostile: Hostile, capfd: pytest.CaptureFixture[str], answer: bytes, status: int, said: str
) -> None:
    """In the name of the person, and in what is no HTTP at all."""
    hostile.pieces = [answer]
    assert run(["login", "--endpoint-url", hostile.url]) == status
    told = capfd.readouterr()
    assert said in told.err
    assert not {c for c in told.out + told.err if not c.isprintable()} - {"\n"}


@pytest.mark.parametrize("seconds", [-1, 10**9, 10**18, 1.5, None])
def test_credentials_end_some_day(
    hostile: Hostile, home: Path, capfd: pytest.CaptureFixture[str], seconds: float | None
) -> None:
    """What lives for ever is kept nowhere: the next run could not even say until when."""
    hostile.pieces = [given(expiresIn=seconds)]
    assert run(["login", "--endpoint-url", hostile.url]) == 2
    assert "holds no credentials" in capfd.readouterr().err
    assert not (home / "logins" / "default.json").exists()


@pytest.mark.parametrize("head", [b"", b"Connection: close\r\n"])
def test_an_answer_has_its_time_as_a_whole(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    """Each byte comes soon enough, and the last one never."""
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n%s\r\n" % head
    for seconds in (0.2, 2.0, 20.0):  # on a busy machine the head, too, may come too late
        monkeypatch.setattr("keystead.agent.server._SECONDS", seconds)
        hostile.pieces = chain([start], dripping(b""))
        with pytest.raises(Unreachable, match="does not answer") as unreachable:
            Server(hostile.url).post({}, b"{}")
        if "to the end" in str(unreachable.value):
            break
    assert unreachable.match("does not answer to the end")
    monkeypatch.setattr("keystead.agent.server._SECONDS", 0.2)
    hostile.pieces = dripping(b"HTTP/1.1 200 OK\r\nA: ")
    with contextlib.suppress(Unreachable):  # when not even its first line came in time
        assert not Server(hostile.url).has_pages("/")
