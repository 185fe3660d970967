"""The shipped door in front of an application that only remembers, on a loop of its own."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
import uvloop

from keystead.server.door.connection import Connection, Door
from keystead.server.door.held import Held
from keystead.server.door.listeners import open_sockets
from keystead.server.door.long_bodies import LongBodies
from keystead.server.door.looks import Looks
from keystead.server.door.peers import PeerCounts
from keystead.server.door.replies import text
from keystead.server.door.turn import Turn
from keystead.server.door.waiting import Asked
from keystead.server.installation.config import Address, Network
from keystead.server.pipeline.answer import Answer
from keystead.server.pipeline.later import Later
from keystead.store.protocol import StoreUnavailable
from keystead.wire.http import Endpoint, HttpRequest, HttpResponse
from tests.patience import PATIENCE

LIMIT = 1_000


def unavailable() -> HttpResponse:
    return text(503, "not durable")


@dataclass(eq=False)
class Remembering:
    """Answers every request with its number and body, and remembers it. (door.Application)"""

    requests: list[HttpRequest] = field(default_factory=list)
    turns: list[list[str]] = field(default_factory=list)  # the paths that each turn asked for
    meanwhile: Callable[[], None] = lambda: None  # what happens while a turn is answered
    seconds: list[float] = field(default_factory=list)  # that each turn had
    spares: list[float] = field(default_factory=list)  # that each turn had for computing
    answer_size: int = 0
    limit: int = LIMIT  # of a body
    at_once: int = 1000  # how many it has time for
    error: Exception | None = None
    replaced: Answer | None = None

    def body_limit(self, headers: Mapping[str, str]) -> int:  # noqa: ARG002  # as the pipeline's
        return self.limit

    def changes(self, request: HttpRequest) -> bool:
        return request.method == "PUT"

    def answer_all(
        self, asked: Sequence[Asked], seconds: float, *, spare: float = 0.0
    ) -> list[Answer | Later]:
        self.seconds.append(seconds)
        self.spares.append(spare)
        self.turns.append([each[0].path for each in asked if isinstance(each, tuple)])
        self.meanwhile()
        if self.error is not None:
            raise self.error
        return [self._answer(each[0]) for each in asked[: self.at_once] if isinstance(each, tuple)]

    def _answer(self, request: HttpRequest) -> Answer:
        self.requests.append(request)
        if self.replaced is not None:
            return self.replaced
        body = b"%d:" % len(self.requests) + request.body + b"x" * self.answer_size
        return Answer(HttpResponse(200, (("X-Path", request.path),), body), unavailable)

    def refuse_body(self, request: HttpRequest, limit: int) -> Answer:  # noqa: ARG002  # as the pipeline's
        return Answer(text(413, f"more than {limit}"), unavailable)

    def long_body(self, request: HttpRequest, length: int) -> str:
        """The header X-Key is the key, if the body has at most three times the limit."""
        return request.headers.get("x-key", "") if length <= 3 * self.limit else ""

    def refuse_busy(self, request: HttpRequest) -> Answer:  # noqa: ARG002  # as above
        return Answer(text(429, "busy"), unavailable)


class RunningDoor:
    """The door on a loopback port, with its loop in a thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, trusted: tuple[Network, ...]) -> None:
        self.application = Remembering()
        self.refusals: list[str] = []
        self.commits = 0
        self.commit_error: Exception | None = None
        self.failures: list[Exception] = []
        self.now = 0.0  # the door's clock: deadlines pass when a test says so
        self.loop = loop
        self.counts = PeerCounts(per_peer=8, in_all=100)
        self.held = Held(1_000_000)
        self.long_bodies = LongBodies()
        outbox = Turn(loop, self.commit, self.failures.append, lambda: "now")
        outbox.looks = Looks(lambda: 0.0)  # else it would matter how fast the machine is
        self.door = Door(
            self.application, outbox, self.counts, self.refusals.append,
            lambda: self.now, self.held, self.long_bodies, trusted, Endpoint(),
            secure=False,
        )  # fmt: skip
        self.port = 0
        self._thread = threading.Thread(target=loop.run_forever)
        self._thread.start()
        self.port = self.call(self._listen())

    def call(self, work: "asyncio.Future[int] | object") -> int:
        """Run a coroutine on the door's loop and wait for it."""
        return int(asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE) or 0)  # type: ignore[arg-type]  # it is a coroutine

    def do(self, function: Callable[[], object]) -> None:
        """Run a function on the door's loop and wait for it."""

        async def run() -> None:
            function()

        self.call(run())

    def commit(self) -> None:
        self.commits += 1
        if self.commit_error is not None:
            raise self.commit_error

    async def _listen(self) -> int:
        [listening] = open_sockets(Address("127.0.0.1", 0))
        self.server = await self.loop.create_server(self.door.connection, sock=listening)
        return int(listening.getsockname()[1])

    def sweep_after(self, seconds: float) -> None:
        """Let that much time pass, and sweep."""

        def wait() -> None:  # on the door's loop, so that what it is doing happens before
            self.now += seconds

        self.do(wait)
        self.with_each(lambda connection: connection.sweep(self.door.time()))

    def with_each(self, function: Callable[[Connection], None]) -> None:
        """Do something with every connection, on the door's loop."""

        def each() -> None:
            for connection in list(self.door.connections):
                function(connection)

        self.do(each)

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE, (source, 0))

    def exchange(self, sent: bytes) -> bytes:
        """Send bytes, close our half, and read what comes until the door closes."""
        with self.connect() as client:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
            return read_all(client)

    def close(self) -> None:
        self.do(self.server.close)
        self.with_each(Connection.abort)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


def read_all(client: socket.socket) -> bytes:
    """Everything until the other side closes or resets."""
    received = b""
    try:
        while chunk := client.recv(65_536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def statuses(received: bytes) -> list[int]:
    """The status of each response in what was received."""
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


@pytest.fixture(params=["uvloop", "asyncio"])
def door(request: pytest.FixtureRequest) -> Iterator[RunningDoor]:
    """The door, on either loop."""
    loop = uvloop.new_event_loop() if request.param == "uvloop" else asyncio.new_event_loop()
    running = RunningDoor(loop, ())
    yield running
    running.close()


UNAVAILABLE = StoreUnavailable("the disk is full")
