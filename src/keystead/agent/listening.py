"""How do programs of this host reach the agent?  HTTP/1.1, read as strictly as the server does.

A request has no body. Connections, their heads and their time are bounded, so that a program that
asks for more than its share costs the agent little memory. When all connections are taken, a new
one takes the place of the connection that was answered or made longest ago. So a program that holds
idle connections keeps no other out. The IP TTL of what is sent is the
instance's hop limit: one, unless its owner said more, so that no answer leaves the host (IM-3).
"""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Callable, Collection
from contextlib import suppress
from http import HTTPStatus

from keystead.agent import answers
from keystead.agent.answers import Answer
from keystead.failures import Failure
from keystead.wire.framing import END_OF_HEAD, BadFraming, Head, read_head

MOST_CONNECTIONS = 128
MOST_HEAD = 8 * 1024  # bytes
HEAD_SECONDS = 5.0
IDLE_SECONDS = 30.0
MOST_REQUESTS = 100  # of a connection

Answering = Callable[[Head, Collection[str]], Answer]
Hops = Callable[[], int]


class Listener:
    """One address at which programs ask; raises Failure if it cannot be listened at."""

    def __init__(self, host: str, port: int, answering: Answering, hops: Hops) -> None:
        self._answering = answering
        self._hops = hops
        # Those that are open; the one that was answered, or made, longest ago is the first.
        self._open: OrderedDict[asyncio.StreamWriter, None] = OrderedDict()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _limit_hops(self.socket, hops())  # of the handshake, too
            self.socket.bind((host, port))
            self.socket.listen(64)
        except OSError as error:
            self.socket.close()
            why = (error.strerror or "it cannot be used").lower()
            raise Failure(
                f"cannot listen at `{host}:{port}`: {why}",
                "give the address to an interface of this host, or name another one",
            ) from None
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]
        self._names = answers.names(host, self.port)
        self.url = f"http://{host if family == socket.AF_INET else f'[{host}]'}:{self.port}"

    async def serve(self) -> asyncio.Server:
        """Answer from now on."""
        return await asyncio.start_server(self._serve, sock=self.socket, limit=MOST_HEAD)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while len(self._open) >= MOST_CONNECTIONS:
            oldest, _ = self._open.popitem(last=False)
            oldest.transport.abort()
        self._open[writer] = None
        writer.transport.set_write_buffer_limits(0)  # so that `drain` waits for all of an answer
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._converse(reader, writer)
        except TimeoutError:
            writer.transport.abort()  # else what it does not read would be kept as long as it likes
        finally:
            self._open.pop(writer, None)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        seconds = HEAD_SECONDS
        for _ in range(MOST_REQUESTS):
            head: bytes | None = None
            async with asyncio.timeout(seconds):
                with suppress(asyncio.LimitOverrunError):
                    head = (await reader.readuntil(END_OF_HEAD)).removesuffix(END_OF_HEAD)
            answer, method, keep = self._answer(head)
            with suppress(OSError):
                _limit_hops(connection, self._hops())
            writer.write(_bytes(answer, keep=keep, body=method != "HEAD"))
            async with asyncio.timeout(HEAD_SECONDS):
                await writer.drain()
            if not keep or writer not in self._open:
                return
            self._open.move_to_end(writer)
            seconds = IDLE_SECONDS

    def _answer(self, text: bytes | None) -> tuple[Answer, str, bool]:
        """The answer to a head, its method, and may another one follow?  None: it is too long."""
        if text is None:
            return Answer(431), "", False
        try:
            head = read_head(text)
        except BadFraming:
            return Answer(400), "", False
        if head.length:
            return Answer(413), head.method, False
        return self._answering(head, self._names), head.method, head.keep_alive


def _limit_hops(connection: socket.socket, hops: int) -> None:
    """Let what this socket sends pass so many hosts at most."""
    if connection.family == socket.AF_INET6:
        connection.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
    else:
        connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)


def _bytes(answer: Answer, *, keep: bool, body: bool = True) -> bytes:
    """An answer as bytes."""
    lines = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        f"Content-Type: {answer.media_type}",
        f"Content-Length: {len(answer.body)}",
        f"Connection: {'keep-alive' if keep else 'close'}",
        "Cache-Control: no-store",
        *(f"{name}: {value}" for name, value in answer.headers),
    ]
    return "\r\n".join(lines).encode() + END_OF_HEAD + (answer.body if body else b"")
