"""Which TLS connections are let in?  Each is counted when it connects, before its handshake.

    accept -> count, or close -> handshake, with a deadline -> the door's connection

The loop's own listener tells the door of a connection only after its handshake. A client that
connects and sends nothing would hold a descriptor that nobody counts. Here the count comes first,
and a handshake that fails gives it back.
"""

import asyncio
import errno
import socket
import ssl

from keystead.server.door.connection import Connection, Door
from keystead.server.door.listeners import BACKLOG, HANDSHAKE_SECONDS
from keystead.server.telemetry import logs

AT_ONCE = 128  # connections that are accepted before the loop does other work
WAIT_SECONDS = 1.0  # before another attempt when there is no descriptor left

# The errors that mean that there is no room for one more descriptor now.
_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class TlsListener:
    """One listening socket whose connections speak TLS."""

    __slots__ = ("_context", "_door", "_handshakes", "_loop", "_socket", "_waiting")

    def __init__(self, listening: socket.socket, door: Door, context: ssl.SSLContext) -> None:
        self._socket = listening
        self._door = door
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._waiting: asyncio.TimerHandle | None = None
        listening.listen(BACKLOG)
        self._listen()

    def present(self, context: ssl.SSLContext) -> None:
        """Use this certificate for new connections."""
        self._context = context

    def close(self) -> None:
        """Accept no more, and break off the handshakes: nothing was asked in them. Idempotent."""
        if self._socket.fileno() < 0:
            return
        if self._waiting is not None:
            self._waiting.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()
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
        handshake = self._loop.create_task(self._shake_hands(accepted, connection))
        self._handshakes.add(handshake)
        handshake.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, accepted: socket.socket, connection: Connection) -> None:
        accepted.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection,
                accepted,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
            )
        except OSError:  # errors of ssl and the deadline are OSErrors too
            self._door.refused("handshake")
            connection.leave()
            accepted.close()
        except BaseException:
            connection.leave()
            accepted.close()
            raise
