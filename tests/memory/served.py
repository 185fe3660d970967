"""An installation served in this process, by the shipped door on a loopback port."""

import asyncio
import logging
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import uvloop

from keystead.server.app import DateLine
from keystead.server.door.connection import Connection, Door
from keystead.server.door.held import Held
from keystead.server.door.long_bodies import LongBodies
from keystead.server.door.peers import PeerCounts
from keystead.server.door.turn import Turn
from keystead.server.health import Pages
from keystead.wire.http import Endpoint
from tests.patience import PATIENCE, wait_until
from tests.server.installations import Local, open_local

_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)")


class Served:
    """The installation, its port, and the loop that serves it."""

    def __init__(self, local: Local, loop: asyncio.AbstractEventLoop) -> None:
        installation = local.installation
        pages = Pages(installation.pipeline, installation.serving, installation.metrics)
        self.local = local
        self.commit: Callable[[], None] = installation.commit  # what a test may let fail
        outbox = Turn(loop, self._commit, lambda _: None, DateLine())
        self.door = Door(
            pages, outbox, PeerCounts(64, 64), installation.refused, loop.time, Held(),
            LongBodies(), (), Endpoint(), secure=False,
        )  # fmt: skip
        self._outbox = outbox
        self._connected = self._accepted = 0  # connections: of clients, and those that the loop has
        self._loop = loop
        self._thread = threading.Thread(target=loop.run_forever)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), loop).result(PATIENCE)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(self._accept, "127.0.0.1", 0)

    def _accept(self) -> Connection:
        self._accepted += 1
        return self.door.connection()

    def do(self, function: Callable[[], object]) -> None:
        """Run a function on the loop, between two turns, and wait for it."""

        async def run() -> None:
            function()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(PATIENCE)

    def _commit(self) -> None:
        self.commit()

    def connect(self) -> "Client":
        client = Client(self.port)
        self._connected += 1
        return client

    def settle(self) -> None:
        """Wait until nothing of any call is on its way, and do what waits in memory for a job."""
        wait_until(self._is_settled)
        self.do(self._jobs)

    def _is_settled(self) -> bool:
        """Has the loop had every connection, and is none of them left, nor a request of them?

        A client that does not wait for an answer may be gone before the loop has accepted its
        connection, which the door does not know until then. And a request outlives its connection
        until the end of its turn.
        """
        seen: list[bool] = []

        def look() -> None:
            had = self._accepted == self._connected
            outbox = self._outbox
            open_turn = outbox._begun or outbox._waiting or outbox.is_working
            seen.append(had and not self.door.connections and not open_turn)

        self.do(look)
        return seen[0]

    def _jobs(self) -> None:
        installation = self.local.installation
        installation.refusals.write_all(
            installation.store, installation.commit, installation.clock.now()
        )
        for job in installation.upkeep.jobs():
            job.run()
        self.local.events.clear()

    def close(self) -> None:
        self.do(self._server.close)
        self.do(self._abort)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.local.installation.close()

    def _abort(self) -> None:
        for connection in [*self.door.connections]:
            connection.abort()


@contextmanager
def served(directory: Path) -> Iterator[Served]:
    """A new installation, served until the end of the block."""
    with _written_nowhere():
        running = Served(open_local(directory), uvloop.new_event_loop())
        try:
            yield running
        finally:
            running.close()


@contextmanager
def _written_nowhere() -> Iterator[None]:
    """Lines of the log are made, and not kept as pytest would."""
    logger = logging.getLogger("keystead")
    handlers, propagate = logger.handlers, logger.propagate
    with Path(os.devnull).open("w") as nowhere:
        logger.handlers, logger.propagate = [logging.StreamHandler(nowhere)], False
        try:
            yield
        finally:
            logger.handlers, logger.propagate = handlers, propagate


class Client:
    """One connection that reads its answers one by one."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def answer(self) -> int:
        """Read one response to its end; its status."""
        while b"\r\n\r\n" not in self._received:
            self._receive()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        length = int(found[1]) if found else 0
        while len(self._received) < length:
            self._receive()
        self._received = self._received[length:]
        return int(head[9:12])

    def _receive(self) -> None:
        chunk = self.socket.recv(65_536)
        if not chunk:
            raise ConnectionError("the server closed the connection")
        self._received += chunk
