"""The door of balancers: whose connections are counted, and for how long a preface is awaited."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from unittest.mock import Mock, patch

import pytest
import trustme
import uvloop

from keystead.server.door import tls as accepting
from keystead.server.door.connection import Door
from keystead.server.door.listeners import open_sockets
from keystead.server.door.tls import TlsListener
from keystead.server.installation.config import Address, Network
from keystead.wire.http import Endpoint
from tests.network.coming import preface
from tests.patience import PATIENCE, wait_until
from tests.server.conftest import RunningDoor, read_all, statuses

GET = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
ENDPOINT = "vpce-08d2bf15fac5001c9"


class BalancedDoor(RunningDoor):
    """The door behind balancers on this machine, with at most 8 connections of one client."""

    listener: TlsListener

    async def _listen(self) -> int:
        self.door = Door(
            self.application, self.door.outbox, self.counts, self.refusals.append,
            lambda: self.now, self.held, self.long_bodies, [ipaddress.ip_network("127.0.0.1")],
            Endpoint(), secure=False, prefaced=True,
        )  # fmt: skip
        [listening] = open_sockets(Address("127.0.0.1", 0))
        self.listener = TlsListener(listening, self.door, self.context())
        self.server = self.listener  # type: ignore[assignment]  # closed as one
        return int(listening.getsockname()[1])

    def context(self) -> ssl.SSLContext | None:
        """What it speaks TLS with; None for plain HTTP."""
        return None

    def begin(self, sent: bytes) -> socket.socket:
        """A connection of the balancer that begins with these bytes."""
        client = self.connect()
        client.sendall(sent)
        return client


class SecureDoor(BalancedDoor):
    """The same, over TLS."""

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        return context


@pytest.fixture
def secure(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecureDoor]:
    monkeypatch.setattr(accepting, "HANDSHAKE_SECONDS", PATIENCE)
    running = SecureDoor(uvloop.new_event_loop(), ())
    yield running
    running.close()


def test_checks_of_a_balancer(secure: SecureDoor) -> None:
    """A balancer's own check says nothing more, and is no refusal; a client's silence is."""
    for sent, refusals in (
        (preface(command=0x20), []), (preface(ENDPOINT), ["handshake"]),
    ):  # fmt: skip
        client = secure.begin(sent)
        wait_until(lambda: secure.counts.total == 1)
        client.close()
        wait_until(lambda: secure.counts.total == 0)
        assert secure.refusals == refusals


@pytest.fixture(params=["uvloop", "asyncio"])
def balanced(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BalancedDoor]:
    monkeypatch.setattr(accepting, "HANDSHAKE_SECONDS", PATIENCE)
    loop = uvloop.new_event_loop() if request.param == "uvloop" else asyncio.new_event_loop()
    running = BalancedDoor(loop, ())
    yield running
    running.close()


def test_requests_are_their_clients(balanced: BalancedDoor) -> None:
    """A request has the address and the endpoint of the preface, whatever its headers say."""
    forged = LAST.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n")
    for sent, source in ((preface(ENDPOINT, "10.1.0.7"), "10.1.0.7"), (preface(), "10.1.0.7"),
                         (preface(ENDPOINT, command=0x20), "127.0.0.1")):  # fmt: skip
        with balanced.begin(sent + forged) as client:
            assert statuses(read_all(client)) == [200]
        request = balanced.application.requests[-1]
        named = ENDPOINT if ENDPOINT.encode() in sent and source != "127.0.0.1" else ""
        assert (request.source_ip, request.endpoint.vpce_id) == (source, named)


def test_each_client_is_counted(balanced: BalancedDoor) -> None:
    """The balancer may have any number of connections, and each of its clients eight."""
    first = [balanced.begin(preface(source="10.1.0.7")) for _ in range(8)]
    wait_until(lambda: len(balanced.door.connections) == 8)
    with balanced.begin(preface(source="10.1.0.7") + GET) as ninth:
        assert read_all(ninth) == b""
    assert balanced.refusals == ["connection limit"]
    other = [balanced.begin(preface(source="10.1.0.8")) for _ in range(8)]
    wait_until(lambda: len(balanced.door.connections) == 16)
    silent = [balanced.connect() for _ in range(20)]  # of the balancer, before their prefaces
    wait_until(lambda: balanced.counts.total == 36)
    for client in (*first, *other, *silent):
        client.close()
    wait_until(lambda: balanced.counts.total == 0)
    with balanced.begin(preface(source="10.1.0.7") + LAST) as client:
        assert statuses(read_all(client)) == [200]
    wait_until(lambda: balanced.counts.total == 0)


def test_who_is_no_balancer(balanced: BalancedDoor) -> None:
    """Nobody else connects, with a preface or without one."""
    for sent in (preface(ENDPOINT) + GET, GET):
        with balanced.connect("127.0.0.2") as client:
            try:
                client.sendall(sent)
                assert read_all(client) == b""
            except ConnectionError:
                pass  # it was closed with our bytes unread
    wait_until(lambda: balanced.refusals == ["balancer", "balancer"])
    assert balanced.counts.total == 0


HERE, ELSEWHERE = ([ipaddress.ip_network(each)] for each in ("127.0.0.0/8", "127.0.0.2"))


@pytest.mark.parametrize(("trusted", "more"), [(HERE, 3), (ELSEWHERE, 0)])
def test_a_balancer_that_is_trusted_no_more(
    balanced: BalancedDoor, trusted: list[Network], more: int
) -> None:
    """Its connections end at whatever stage: each would go on as the client that it named."""
    whole = preface(ENDPOINT)
    idle, begun = (balanced.begin(whole + GET) for _ in range(2))
    half = balanced.begin(whole[:20])
    wait_until(lambda: len(balanced.application.requests) == 2)
    begun.sendall(LAST[:20])

    balanced.do(lambda: balanced.door.trust(trusted))

    for client, rest in ((idle, LAST), (begun, LAST[20:]), (half, whole[20:] + LAST)):
        with client, suppress(ConnectionError):  # it was closed with our bytes unread
            client.sendall(rest)
            read_all(client)
    wait_until(lambda: balanced.counts.total == 0)
    assert len(balanced.application.requests) == 2 + more


def test_half_a_preface_waits_and_costs_nothing(balanced: BalancedDoor) -> None:
    """While the rest is to come nothing is done for it; it is taken as soon as it is there."""
    whole = preface(ENDPOINT)
    heard = Mock(wraps=balanced.listener._hear)
    with patch.object(TlsListener, "_hear", heard):
        client = balanced.begin(whole[:20])
        wait_until(lambda: heard.call_count >= 1)
        looks = heard.call_count
        for _ in range(50):  # turns of the loop, in which its bytes are not there again
            balanced.do(lambda: None)
        assert heard.call_count <= looks + 1
        client.sendall(whole[20:] + LAST)
        assert statuses(read_all(client)) == [200]


def test_a_preface_that_does_not_come(
    balanced: BalancedDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is awaited for as long as a handshake, and then its place is given back."""
    monkeypatch.setattr(accepting, "HANDSHAKE_SECONDS", 0.05)
    for sent in (b"", preface(ENDPOINT)[:-1]):
        with balanced.begin(sent) as client:
            assert read_all(client) == b""
    assert balanced.refusals == ["handshake", "handshake"]
    wait_until(lambda: balanced.counts.total == 0)


def test_the_listener_ends_those_who_wait(balanced: BalancedDoor) -> None:
    """A stop breaks off who has not said whose connection it is."""
    with balanced.begin(preface(ENDPOINT)[:20]) as client:
        wait_until(lambda: balanced.counts.total == 1)
        balanced.do(balanced.listener.close)
        assert read_all(client) == b""
    assert balanced.counts.total == 0
