"""The listener of the console: uvicorn in the loop of the server, on sockets of its own.

uvicorn waits for a head, for a body and for a reader without end, takes heads of any length, and
keeps any number of requests whose turn has not come. So its protocol is bounded here: the seconds
for a request and for the reading of an answer, the bytes and the number of its headers, one request
at a time, the connections of one peer and of all. They are accepted as those of the API are
(`door.tls`), so they count before a handshake.
"""

import asyncio
import logging
import socket
import ssl
from asyncio import TimerHandle
from collections.abc import Callable, Sequence
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from keystead.console import Public, application
from keystead.server.console.inside import Inside
from keystead.server.console.persons import pipeline_for_persons
from keystead.server.console.places import Places
from keystead.server.console.visiting import visits
from keystead.server.door import (
    Peer,
    PeerCounts,
    TlsListener,
    Turn,
    bound_transport,
    let_read,
    let_read_nothing,
    peer_of,
)
from keystead.server.installation import Installation, Network

REQUEST_SECONDS = 15.0
IDLE_SECONDS = 30
MOST_HEADERS, MOST_HEADER_BYTES = 64, 32 * 1024
MOST_CONNECTIONS, MOST_OF_PEER = 512, 32
DRAIN_SECONDS = 5

Trusted = Callable[[], Sequence[Network]]


class Pipelined(Exception):
    """A request came before the answer to the one before it. No browser sends it."""


class NoPath(Exception):
    """The target is no path, and could name another host than Host does. (HF-1)"""


class _Protocol(HttpToolsProtocol):
    """One connection, bounded in time and in bytes."""

    def __init__(self, counts: PeerCounts, trusted: Trusted, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._counts = counts
        self._trusted = trusted
        self._deadline: TimerHandle | None = None
        self._unread: TimerHandle | None = None  # until an answer is to be read
        self._bytes = 0
        self._in_head = False
        self._peer: Peer | None = None
        self.peer_host = ""

    def admit(self, peername: object) -> bool:
        """Count this connection; False if it is over a limit."""
        try:
            peer = peer_of(peername, self._trusted())
        except ValueError:  # the client has gone already
            return False
        self.peer_host = peer.host
        if self._counts.admit(peer):
            self._peer = peer
        return self._peer is not None

    def introduce(self, client: object) -> bool:  # noqa: ARG002  # as `door.tls` asks it
        """No balancer speaks here."""
        return False

    def leave(self) -> None:
        """Count this connection no more."""
        if self._peer is not None:
            self._counts.leave(self._peer)
            self._peer = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        bound_transport(transport)
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        self._forget_reader()
        self.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._begin()
        super().data_received(data)
        if self.transport.is_closing():
            self._await_reader()

    def pause_writing(self) -> None:
        """The other end does not read: nor do we, as at the API's door."""
        super().pause_writing()
        self._await_reader()
        if not self.transport.is_closing():
            self.transport.pause_reading()
            let_read_nothing(self.transport)

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._forget_reader()
            let_read(self.transport)
            if not self.flow.read_paused:  # by uvicorn, for a body that is not read yet
                self.transport.resume_reading()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._await_reader()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._await_reader()

    def on_message_begin(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()
            raise Pipelined  # so that the parser reads no more
        self._bytes, self._in_head = 0, True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self.url and not url.startswith(b"/"):  # as at the API's door
            raise NoPath  # the parser's error: 400, and the connection ends
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        if not self._in_head:  # a trailer is no header: a proxy forwards it as it came
            return
        super().on_header(name, value)
        if len(self.headers) > MOST_HEADERS:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._stop()
        super().on_message_complete()

    def _count(self, more: int) -> None:
        self._bytes += more
        if self._bytes > MOST_HEADER_BYTES:
            self.transport.abort()

    def _begin(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _await_reader(self) -> None:
        """What is written, the other end reads within some seconds."""
        if self._unread is None:
            self._unread = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def _forget_reader(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


class _Gate:
    """Makes the connections of the pages. (door.tls.Gate)"""

    prefaced = False

    def __init__(
        self, server: uvicorn.Server, trusted: Trusted, refused: Callable[[str], None]
    ) -> None:
        self.refused = refused
        self._server = server
        self._counts = PeerCounts(MOST_OF_PEER, MOST_CONNECTIONS)
        self._trusted = trusted

    def connection(self) -> _Protocol:
        """The protocol of a new connection."""
        return _Protocol(
            self._counts,
            self._trusted,
            config=self._server.config,
            server_state=self._server.server_state,
            app_state={},
        )


class ConsoleListener:
    """The console, served until `stop`."""

    def __init__(
        self,
        installation: Installation,
        turn: Turn,
        *,
        sockets: Sequence[socket.socket],
        places: Places,
        context: ssl.SSLContext | None,
        trusted: Trusted,
    ) -> None:
        pipeline = pipeline_for_persons(installation, places)
        calls = Inside(pipeline, turn, installation.clock.now)
        marks = {"X-Keystead-Development": "true"} if installation.hierarchy.development else {}
        public = Public(places.console, places.urls, tuple(installation.config.ways))
        app = application(calls, public, visits(trusted), marks)
        logging.getLogger("uvicorn").setLevel(logging.ERROR)
        config = uvicorn.Config(
            app, http=_Protocol, ws="none", lifespan="off",
            log_config=None, access_log=False,
            server_header=False, proxy_headers=False, timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )  # fmt: skip
        config.load()
        self._server = uvicorn.Server(config)
        self._gate = _Gate(self._server, trusted, installation.refused)
        self._context = context
        self._sockets = list(sockets)
        self._listeners: list[TlsListener] = []
        self._task: asyncio.Task[Any] | None = None

    async def start(self) -> None:
        """Listen. Signals stay with the server, so uvicorn's own handling of them is left out."""
        server = self._server
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup(sockets=[])
        self._listeners = [TlsListener(sock, self._gate, self._context) for sock in self._sockets]
        await server.on_tick(0)  # the Date header
        self._task = asyncio.create_task(server.main_loop())

    def present(self, context: ssl.SSLContext) -> None:
        """Use this certificate for new connections, if they speak TLS."""
        for listener in self._listeners:
            listener.present(context)

    async def stop(self) -> None:
        """Accept no more, and let the pages that are being made leave."""
        for listener in self._listeners:
            listener.close()
        self._server.should_exit = True
        if self._task is not None:
            await self._task
            await self._server.shutdown()
