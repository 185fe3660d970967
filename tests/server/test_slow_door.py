"""The slow lane behind the door: order, disconnection, lost turns, and others who are not in it."""

import asyncio
import socket
import struct
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import uvloop

from keystead.server.door.connection import Door
from keystead.server.door.held import Held
from keystead.server.door.listeners import open_sockets
from keystead.server.door.long_bodies import LongBodies
from keystead.server.door.peers import PeerCounts
from keystead.server.door.turn import WATCH_SECONDS, Turn
from keystead.server.health import Pages
from keystead.server.installation.config import Address
from keystead.server.lane import pool as pools
from keystead.store.protocol import StoreUnavailable
from keystead.wire.http import Endpoint, HttpRequest
from tests.patience import PATIENCE, wait_until
from tests.server import slow_operations
from tests.server.conftest import read_all, statuses
from tests.server.installations import Local, open_local
from tests.server.slow_operations import BEGUN, gate, wait_until_begun

HELLO = b"hello"


class Served:
    """An installation behind the door, on a loop of its own."""

    def __init__(self, local: Local, loop: asyncio.AbstractEventLoop) -> None:
        self.local = local
        self.loop = loop
        self.lost = False  # is the next turn lost?
        self.losses: list[Exception] = []
        installation = local.installation
        self.turn = Turn(loop, self.commit, self.losses.append, lambda: "now")
        self.door = Door(
            Pages(installation.pipeline, installation.serving, None), self.turn,
            PeerCounts(1000, 1000), installation.refused, loop.time, Held(), LongBodies(), (),
            Endpoint(),
            secure=False,
        )  # fmt: skip
        self._thread = threading.Thread(target=loop.run_forever)
        self._thread.start()
        self.key = str(local.kms("CreateKey").json["KeyMetadata"]["KeyId"])
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), loop).result(PATIENCE)

    def commit(self) -> None:
        if self.lost:
            self.lost = False
            self.local.installation.trail.abandon()
            raise StoreUnavailable("the disk is full")
        self.local.installation.commit()

    def call(self, function: Callable[[], object]) -> None:
        """Run a function on the loop."""

        async def run() -> None:
            function()

        asyncio.run_coroutine_threadsafe(run(), self.loop).result(PATIENCE)

    async def _listen(self) -> int:
        [listening] = open_sockets(Address("127.0.0.1", 0))
        self._server = await self.loop.create_server(self.door.connection, sock=listening)
        return int(listening.getsockname()[1])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def sign(self, message: bytes = HELLO) -> bytes:
        return raw(
            self.local.kms_request(
                "Sign", KeyId=self.key, Message=b64encode(message).decode(),
                SigningAlgorithm="RSASSA_PSS_SHA_256",
            )
        )  # fmt: skip

    def mac(self, message: bytes) -> bytes:
        return raw(
            self.local.kms_request(
                "GenerateMac", KeyId=self.key, Message=b64encode(message).decode(),
                MacAlgorithm="HMAC_SHA_256",
            )
        )  # fmt: skip

    def listing(self) -> bytes:
        return raw(self.local.kms_request("ListKeys"))

    def ends(self) -> list[tuple[str, str]]:
        """What was recorded: each operation, and how it ended."""
        return [(event.name, event.error_code) for event in self.local.events]

    def wait_for_record(self, *end: str) -> None:
        wait_until(lambda: end in self.ends(), self.ends)

    def _abort(self) -> None:
        for connection in list(self.door.connections):
            connection.abort()

    def close(self) -> None:
        self.call(self._server.close)
        self.call(self._abort)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        self.local.installation.close()


def raw(request: HttpRequest) -> bytes:
    """The bytes of a request."""
    named = {**request.headers, "content-length": str(len(request.body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{request.method} {request.path} HTTP/1.1\r\n{lines}\r\n".encode() + request.body


def reset(client: socket.socket) -> None:
    """Be gone, as a process that was killed."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.fixture(params=["uvloop", "asyncio"])
def served(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Served]:
    slow_operations.register()
    monkeypatch.setattr(pools, "ROOM_SECONDS", PATIENCE)  # however long work seems to take
    loop = uvloop.new_event_loop() if request.param == "uvloop" else asyncio.new_event_loop()
    running = Served(open_local(tmp_path_factory.mktemp("slow") / "data"), loop)
    running.local.events.clear()
    yield running
    slow_operations.unregister()
    running.close()


def test_answers_keep_their_order(served: Served) -> None:
    """A request behind one that needs work is not taken before that is answered."""
    opened = gate(HELLO)
    with served.connect() as client, served.connect() as other:
        client.sendall(served.sign() + served.listing() + served.mac(b"a"))
        wait_until_begun(HELLO)
        other.sendall(served.listing())
        assert statuses(other.recv(65_536)) == [200]
        assert served.ends() == [("ListKeys", "")]
        opened.set()
        client.shutdown(socket.SHUT_WR)
        received = read_all(client)
    assert statuses(received) == [200, 200, 200]
    assert received.index(b"Signature") < received.index(b"Keys") < received.index(b"Mac")
    assert served.ends()[1:] == [("Sign", ""), ("ListKeys", ""), ("GenerateMac", "")]


class Noting:
    """A loop that notes its timers."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._noted = loop
        self.timers: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._noted, name)

    def call_later(self, delay: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        self.timers.append(delay)
        return self._noted.call_later(delay, callback)


def test_waiting_work_is_watched_by_one_timer(served: Served) -> None:
    """Calls that come one after the other do not leave a timer each."""
    noting = Noting(served.loop)
    served.turn._loop = cast("asyncio.AbstractEventLoop", noting)
    began = time.monotonic()
    with served.connect() as client:
        for number in range(12):
            client.sendall(served.sign(b"%d" % number))
            assert statuses(client.recv(65_536)) == [200]
    ends = (time.monotonic() - began) / WATCH_SECONDS  # of a timer that another may follow
    assert 1 <= noting.timers.count(WATCH_SECONDS) <= 1 + ends


def test_work_that_nobody_waits_for(served: Served) -> None:
    """When its client is gone, work that is begun is finished and recorded; the rest is dropped."""
    opened = gate(HELLO)
    begun, waiting = served.connect(), served.connect()
    workers = processors(served)
    others = [served.connect() for _ in range(workers - 1)]
    for each in (begun, *others):
        each.sendall(served.sign())
    wait_until_begun(HELLO, workers)
    waiting.sendall(served.sign(b"never begun"))
    wait_until(lambda: served.local.installation.lane.waiting == 1)
    reset(waiting)
    served.wait_for_record("Sign", "RequestAbandoned")
    reset(begun)
    wait_until(lambda: len(served.door.connections) == workers - 1)
    opened.set()
    served.wait_for_record("Sign", "")
    assert BEGUN[b"never begun"] == 0
    for each in others:
        each.close()


def processors(served: Served) -> int:
    return served.local.installation.lane._pools["processor"]._workers


def test_a_lost_turn_hands_nothing_over(served: Served) -> None:
    """When the turn of the first run is lost, its caller gets a 503 and nothing is done."""
    served.lost = True
    with served.connect() as client:
        client.sendall(served.sign())
        assert statuses(client.recv(65_536)) == [503]
        assert BEGUN[HELLO] == 0
        client.sendall(served.sign())
        assert statuses(client.recv(65_536)) == [200]
    assert len(served.losses) == 1
    assert served.local.installation.lane._bytes == 0


def test_a_turn_that_is_lost_meanwhile(served: Served) -> None:
    """A commit that fails between the two runs loses its own callers, and no other's work."""
    opened = gate(HELLO)
    with served.connect() as client, served.connect() as other:
        client.sendall(served.sign())
        wait_until_begun(HELLO)
        served.lost = True
        other.sendall(served.listing())
        assert statuses(other.recv(65_536)) == [503]
        opened.set()
        assert statuses(client.recv(65_536)) == [200]
    assert ("Sign", "") in served.ends()


def test_the_turn_of_the_second_run_may_be_lost(served: Served) -> None:
    """Then what the work gave does not leave."""
    opened = gate(HELLO)
    with served.connect() as client:
        client.sendall(served.sign())
        wait_until_begun(HELLO)
        served.lost = True
        opened.set()
        received = client.recv(65_536)
    assert statuses(received) == [503]
    assert b"Signature" not in received


def test_the_end_of_a_drain(served: Served) -> None:
    """Those whose work has not ended get a 503 with a record, those it has their answer."""
    gate(HELLO)
    with served.connect() as client, served.connect() as quick:
        client.sendall(served.sign())
        wait_until_begun(HELLO)
        quick.sendall(served.mac(b"b"))
        assert statuses(quick.recv(65_536)) == [200]
        served.call(served.turn.stop_work)
        assert statuses(client.recv(65_536)) == [503]
    assert ("Sign", "ServiceUnavailable") in served.ends()
    wait_until(lambda: not served.turn.is_working)


def test_many_in_flight_hold_nobody_up(served: Served) -> None:
    """Two hundred wait for something outside; calls between them are answered before they are."""
    clients = [served.connect() for _ in range(200)]
    opened = [gate(b"%d" % number) for number in range(200)]
    for number, client in enumerate(clients):
        client.sendall(served.mac(b"%d" % number))
    with served.connect() as other:
        for _ in range(3):
            other.sendall(served.listing())
            assert statuses(other.recv(65_536)) == [200]
    assert served.ends() == [("ListKeys", "")] * 3
    for each in opened:
        each.set()
    for client in clients:
        assert statuses(client.recv(65_536)) == [200]
        client.close()
    assert served.ends().count(("GenerateMac", "")) == 200
