"""Which TLS connections are let in?  Each is counted when it connects, before its handshake.

    accept -> count, or close -> wait for its first bytes -> its turn -> handshake -> connection

A balancer's connection says first whose it is (`preface`), with or without TLS after that:

    accept -> count, or close -> preface -> count its client, or close -> as above, or connection

The loop's own listener tells the door of a connection only after its handshake. A client that
connects and sends nothing would hold a descriptor that nobody counts. Here the count comes first,
and a handshake that fails gives it back.

A connection that has sent nothing yet is a socket and a timer: what TLS needs for it is made when
it speaks. So clients that connect and go, however many, cost next to nothing. Then peers take turns
(`intake`), a few handshakes between two looks at the sockets, because each is computation.
"""

import asyncio
import errno
import socket
import ssl
import sys
from collections.abc import Callable
from functools import partial
from typing import Protocol, cast

from keystead.server.door.intake import Line, Rank
from keystead.server.door.listeners import BACKLOG, HANDSHAKE_SECONDS
from keystead.server.door.preface import BadPreface, Client, Preface
from keystead.server.telemetry import logs

AT_ONCE = 16  # connections that are accepted before the loop does other work
HANDSHAKES = 2  # that begin before the loop does other work
WAIT_SECONDS = 1.0  # before another attempt when there is no descriptor left

# The errors that mean that there is no room for one more descriptor now.
_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Arriving(Protocol):
    """A connection that is counted before it begins; it is an `asyncio.Protocol` as well."""

    peer_host: str

    def admit(self, peername: object) -> bool:
        """Count it; False if it is over a limit."""

    def introduce(self, client: Client) -> bool:
        """A balancer told whose connection this is. False if that client is over a limit."""

    def leave(self) -> None:
        """Count it no more."""


class Gate(Protocol):
    """Makes connections; `connection.Door`, and that of the pages for persons."""

    @property
    def refused(self) -> Callable[[str], None]:
        """Counts a connection that never became a request."""

    @property
    def prefaced(self) -> bool:
        """Does each connection begin with a preface?"""

    def connection(self) -> Arriving:
        """The protocol of a new connection."""


class _Accepted:
    """A connection before its handshake. (intake.Waits)"""

    __slots__ = ("checks", "connection", "peer_host", "preface", "rank", "socket", "timer")

    timer: asyncio.TimerHandle

    def __init__(
        self, accepted: socket.socket, connection: Arriving, preface: Preface | None
    ) -> None:
        self.socket = accepted
        self.connection = connection
        self.peer_host = connection.peer_host
        self.preface = preface  # that is still to come
        self.checks = False  # Is it a balancer's own check of our health?  It may say nothing.
        self.rank = Rank.NEW

    def client(self, preface: Preface) -> Client:
        """The client that the preface names, when it is complete; not one byte after it is read.

        Raises BadPreface, BlockingIOError while the rest is still to come, or another OSError.
        """
        while preface.wanted:
            data = self.socket.recv(preface.wanted)
            if not data:
                raise BadPreface("the connection ended")
            preface.add(data)
        return preface.client()

    @property
    def has_spoken(self) -> bool:
        """Are there bytes to read?  They stay in the socket."""
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except OSError:  # it was reset
            return False


class TlsListener:
    """One listening socket whose connections speak TLS, or begin with a preface, or both."""

    __slots__ = (
        "_begins", "_context", "_door", "_handshakes", "_line", "_loop", "_silent", "_socket",
        "_waiting",
    )  # fmt: skip

    def __init__(
        self, listening: socket.socket, door: Gate, context: ssl.SSLContext | None
    ) -> None:
        self._socket = listening
        self._door = door
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._silent: set[_Accepted] = set()  # they have sent nothing
        self._line: Line[_Accepted] = Line()  # they wait for the turn of their handshake
        self._begins = False  # will `_begin` be called?
        self._handshakes: set[asyncio.Task[None]] = set()
        self._waiting: asyncio.TimerHandle | None = None
        listening.listen(BACKLOG)
        self._listen()

    def present(self, context: ssl.SSLContext) -> None:
        """Use this certificate for new connections, if they speak TLS."""
        if self._context is not None:
            self._context = context

    def close(self) -> None:
        """Accept no more, and break off the handshakes: nothing was asked in them. Idempotent."""
        if self._socket.fileno() < 0:
            return
        if self._waiting is not None:
            self._waiting.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for accepted in list(self._silent):
            self._watch_no_more(accepted)
            self._drop(accepted)
        for accepted in self._line.take(sys.maxsize, sys.maxsize):
            self._drop(accepted)
        for handshake in self._handshakes:
            handshake.cancel()

    def _listen(self) -> None:
        self._waiting = None
        self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                accepted, name = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                self._pause()
                return
            self._admit(accepted, name)

    def _pause(self) -> None:
        """There is no descriptor left: wait until connections have ended."""
        self._door.refused("file limit")
        logs.warning("no connection can be accepted: the limit of open files is reached")
        self._loop.remove_reader(self._socket)
        self._waiting = self._loop.call_later(WAIT_SECONDS, self._listen)

    def _admit(self, accepted: socket.socket, name: object) -> None:
        connection = self._door.connection()
        if not connection.admit(name):
            accepted.close()
            return
        accepted.setblocking(False)
        preface = Preface() if self._door.prefaced else None
        silent = _Accepted(accepted, connection, preface)
        silent.timer = self._loop.call_later(HANDSHAKE_SECONDS, self._expire, silent)
        self._silent.add(silent)
        self._loop.add_reader(accepted, self._hear, silent)

    def _expire(self, accepted: _Accepted) -> None:
        """It was silent for too long."""
        self._watch_no_more(accepted)
        self._door.refused("handshake")
        self._drop(accepted)

    def _hear(self, accepted: _Accepted) -> None:
        """It has sent something, or has gone."""
        if accepted.preface is not None:
            self._introduce(accepted, accepted.preface)
            return
        self._watch_no_more(accepted)
        if not accepted.has_spoken:
            if not accepted.checks:
                self._door.refused("handshake")
            self._drop(accepted)
            return
        self._line_up(accepted)

    def _introduce(self, accepted: _Accepted, preface: Preface) -> None:
        """Read the preface. When it is complete, the connection goes on as its client's."""
        try:
            client = accepted.client(preface)
        except (BlockingIOError, InterruptedError):
            return  # the rest is still to come
        except (BadPreface, OSError):
            self._watch_no_more(accepted)
            self._door.refused("preface")
            self._drop(accepted)
            return
        accepted.preface, accepted.checks = None, not client.ip
        if not accepted.connection.introduce(client):
            self._watch_no_more(accepted)
            self._drop(accepted)
            return
        accepted.peer_host = accepted.connection.peer_host
        if self._context is None:
            self._watch_no_more(accepted)
            self._line_up(accepted)

    def _line_up(self, accepted: _Accepted) -> None:
        """It waits for its turn to become a connection."""
        self._line.add(accepted)
        if not self._begins:
            self._begins = True
            self._loop.call_soon(self._begin)

    def _watch_no_more(self, accepted: _Accepted) -> None:
        self._silent.discard(accepted)
        accepted.timer.cancel()
        self._loop.remove_reader(accepted.socket)

    def _drop(self, accepted: _Accepted) -> None:
        accepted.connection.leave()
        accepted.socket.close()

    def _begin(self) -> None:
        """Begin the next handshakes."""
        for accepted in self._line.take(HANDSHAKES, HANDSHAKES):
            handshake = self._loop.create_task(self._shake_hands(accepted))
            self._handshakes.add(handshake)
            handshake.add_done_callback(partial(self._shaken, accepted))
        self._begins = bool(self._line)
        if self._begins:
            self._loop.call_soon(self._begin)

    def _shaken(self, accepted: _Accepted, handshake: asyncio.Task[None]) -> None:
        """A handshake has ended, or was broken off, perhaps before its task had begun."""
        self._handshakes.discard(handshake)
        if handshake.cancelled():
            self._drop(accepted)

    async def _shake_hands(self, accepted: _Accepted) -> None:
        try:
            await self._loop.connect_accepted_socket(
                lambda: cast("asyncio.Protocol", accepted.connection),
                accepted.socket,
                ssl=self._context,
                ssl_handshake_timeout=None if self._context is None else HANDSHAKE_SECONDS,
            )
        except OSError:  # errors of ssl and the deadline are OSErrors too
            self._door.refused("handshake")
            self._drop(accepted)
        except BaseException:
            self._drop(accepted)
            raise
