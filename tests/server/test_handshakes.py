"""Over TLS, who connects is counted before anything is said, until it comes to nothing."""

import asyncio
import errno
import resource
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import pytest
import trustme
import uvloop

from keystead.server.door import tls as accepting
from keystead.server.door.connection import SECONDS, WRITE_SECONDS, Connection, Door, State
from keystead.server.door.listeners import bound
from keystead.server.door.tls import TlsListener
from keystead.server.installation.process import OTHER_FILES, connections_within_file_limit
from keystead.wire.http import Endpoint
from tests.patience import PATIENCE, wait_until
from tests.server.conftest import RunningDoor, read_all, statuses
from tests.server.tls_records import Crafted

GET = b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
AUTHORITY = trustme.CA()


class Listening(socket.socket):
    """A listening socket that may have run out of descriptors."""

    exhausted = 0  # how many calls of accept fail

    def accept(self) -> tuple[socket.socket, object]:
        if self.exhausted:
            self.exhausted -= 1
            raise OSError(errno.EMFILE, "too many open files")
        return super().accept()


class TlsDoor(RunningDoor):
    """The door behind TLS, with at most 8 connections of one peer."""

    listener: TlsListener
    listening: Listening

    async def _listen(self) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
        self.door = Door(
            self.application, self.door.outbox, self.counts, self.refusals.append,
            lambda: self.now, self.held, self.long_bodies, (),
            Endpoint(), secure=True,
        )  # fmt: skip
        self.listening = Listening(socket.AF_INET, socket.SOCK_STREAM)
        bound(self.listening)
        self.listening.bind(("127.0.0.1", 0))
        self.listening.listen()
        self.listening.setblocking(False)
        self.listener = TlsListener(self.listening, self.door, context)
        self.server = self.listener  # type: ignore[assignment]  # closed as one
        return int(self.listening.getsockname()[1])

    def ask(self) -> bytes:
        """One request over TLS."""
        context = ssl.create_default_context()
        AUTHORITY.configure_trust(context)
        with context.wrap_socket(self.connect(), server_hostname="127.0.0.1") as client:
            client.sendall(GET)
            return read_all(client)


@pytest.fixture(params=["uvloop", "asyncio"])
def tls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsDoor]:
    monkeypatch.setattr(accepting, "HANDSHAKE_SECONDS", PATIENCE)
    loop = uvloop.new_event_loop() if request.param == "uvloop" else asyncio.new_event_loop()
    running = TlsDoor(loop, ())
    yield running
    running.close()


def test_silent_connections_are_counted(tls: TlsDoor) -> None:
    """Who connects and says nothing uses up what its address may have, and gives it back."""
    silent = [tls.connect() for _ in range(8)]
    wait_until(lambda: tls.counts.total == 8)

    with tls.connect() as ninth:
        assert read_all(ninth) == b""
    assert tls.refusals == ["connection limit"]
    for client in silent:
        client.close()
    wait_until(lambda: tls.counts.total == 0)
    assert statuses(tls.ask()) == [200]
    wait_until(lambda: tls.counts.total == 0)


def test_who_says_nothing_has_no_handshake(tls: TlsDoor) -> None:
    """What TLS needs is made when a connection speaks; who is reset before has never had it."""
    begun = Mock(wraps=tls.listener._shake_hands)
    with patch.object(TlsListener, "_shake_hands", begun):
        silent = [tls.connect() for _ in range(6)]
        wait_until(lambda: tls.counts.total == 6)
        for client in silent:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        wait_until(lambda: tls.counts.total == 0)
        assert begun.call_count == 0
        assert tls.refusals == ["handshake"] * 6

        assert statuses(tls.ask()) == [200]
    assert begun.call_count == 1


def test_peers_take_turns_to_shake_hands(tls: TlsDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who connects once waits for one handshake of a peer that connects often, not for all."""
    monkeypatch.setattr(accepting, "HANDSHAKES", 1)
    begun: list[str] = []
    shake_hands = tls.listener._shake_hands

    def begin(accepted: Any) -> Any:
        begun.append(accepted.peer_host)
        return shake_hands(accepted)

    away, all_spoke = threading.Event(), threading.Event()

    def look_away() -> None:
        away.set()
        assert all_spoke.wait(PATIENCE)

    with patch.object(TlsListener, "_shake_hands", staticmethod(begin)):
        many = [tls.connect() for _ in range(5)] + [tls.connect("127.0.0.2")]
        wait_until(lambda: tls.counts.total == 6)
        tls.loop.call_soon_threadsafe(look_away)
        assert away.wait(PATIENCE)
        for client in many:
            client.sendall(GET)
        all_spoke.set()
        wait_until(lambda: len(begun) == 6)
    for client in many:
        client.close()

    assert begun.index("127.0.0.2") <= 1


def test_what_is_no_handshake(tls: TlsDoor) -> None:
    """Plain bytes get nothing, and are counted as a handshake that failed."""
    with tls.connect() as client:
        client.sendall(GET)
        assert b"HTTP" not in read_all(client)
    wait_until(lambda: tls.counts.total == 0)

    assert tls.refusals == ["handshake"]
    assert tls.application.requests == []


def test_a_handshake_has_a_deadline(tls: TlsDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who never says anything is let go."""
    monkeypatch.setattr(accepting, "HANDSHAKE_SECONDS", 0.05)
    with tls.connect() as client:
        assert read_all(client) == b""
    wait_until(lambda: tls.counts.total == 0)

    assert tls.refusals == ["handshake"]


def test_no_descriptor_is_left(tls: TlsDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a descriptor for one more connection, the next ones wait until there is one."""
    monkeypatch.setattr(accepting, "WAIT_SECONDS", 0.05)
    tls.listening.exhausted = 2

    assert statuses(tls.ask()) == [200]
    assert tls.refusals == ["file limit", "file limit"]


def test_stopping_breaks_off_handshakes(tls: TlsDoor) -> None:
    """A stop does not wait for who never says anything."""
    with tls.connect() as client:
        wait_until(lambda: tls.counts.total == 1)
        tls.do(tls.listener.close)
        assert read_all(client) == b""
    wait_until(lambda: tls.counts.total == 0)
    with pytest.raises(ConnectionRefusedError):
        tls.connect()


def test_a_handshake_that_had_not_begun_is_given_back(tls: TlsDoor) -> None:
    """A listener may end between the turn of a handshake and its first step; others go on."""
    begin = TlsListener._begin

    def begin_and_end(listener: TlsListener) -> None:
        begin(listener)
        listener.close()

    with patch.object(TlsListener, "_begin", begin_and_end), tls.connect() as client:
        client.sendall(GET)
        with suppress(ConnectionResetError):  # what it sent was not read
            assert read_all(client) == b""
        wait_until(lambda: tls.counts.total == 0)


def test_a_drain_does_not_wait_for_idle_clients(tls: TlsDoor) -> None:
    """A client that is idle does not agree to the end of TLS: it is let go after two seconds."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    with context.wrap_socket(tls.connect(), server_hostname="127.0.0.1") as idle:
        idle.sendall(GET.replace(b"close", b"keep-alive"))
        assert statuses(idle.recv(4096)) == [200]
        tls.with_each(Connection.drain)
        tls.sweep_after(SECONDS[State.FINAL])
        wait_until(lambda: not tls.door.connections)
    assert tls.refusals == []


def test_connections_leave_descriptors_for_the_rest() -> None:
    """The most connections that fit are fewer than the files that may be open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (500, hard))
    try:
        assert connections_within_file_limit() == 500 - OTHER_FILES
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


NEGOTIATE_ANEW = b"\x01\0\0\0"  # the shortest message that asks for it


@pytest.mark.parametrize("reads", [False, True])
def test_answers_of_tls_itself_are_bounded(tls: TlsDoor, tmp_path: Path, reads: bool) -> None:
    """Who asks for another handshake and reads no refusal is read no further, unlike who reads."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    plain = tls.connect()
    for kept in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        plain.setsockopt(socket.SOL_SOCKET, kept, 32_768)
    client = Crafted(plain, context, tmp_path / "keys")
    left = memoryview(b"".join(client.record(NEGOTIATE_ANEW) for _ in range(60_000)))
    plain.setblocking(False)
    wait_until(lambda: tls.door.connections)
    [connection] = tls.door.connections

    def send() -> int:
        """Send and read what is possible now; how many bytes are left?"""
        nonlocal left
        with suppress(BlockingIOError):
            while reads and plain.recv(65_536):
                pass
        with suppress(BlockingIOError):
            while left:
                left = left[plain.send(left) :]
        return len(left)

    if reads:
        wait_until(lambda: not send())
    else:
        wait_until(lambda: not send() or connection._choked)
        for _ in range(100):  # the loop has done what it will do
            tls.do(send)
        assert left
        waiting: list[int] = []
        tls.with_each(lambda each: waiting.append(each._transport.get_write_buffer_size()))
        assert waiting[0] < 256 * 1024
        tls.sweep_after(WRITE_SECONDS + 1)
        wait_until(lambda: not tls.door.connections)
        assert tls.refusals == ["deadline"]
    plain.close()
