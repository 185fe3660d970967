"""How do bytes become requests, and answers bytes?  One TCP connection, in order, within limits.

    read a head -> (wait for its body) -> let it be answered with the turn -> read the next head

`framing` decides what a request is; here are the deadlines, the sizes, and the order: answers
leave in the order of their requests. What was refused for its framing gets a plain 400 and the
connection is closed: after an ambiguous request nothing that follows can be trusted to be one.

Deadlines are checked by one sweep a second over all connections: a timer for each request would
cost more than parsing it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from keystead.server.addresses import Network
from keystead.server.answer import Answer
from keystead.server.answers import CONTINUE, plain
from keystead.server.buffer import Buffer
from keystead.server.framing import END_OF_HEAD, MAX_HEAD, BadFraming, Head, HeadReader
from keystead.server.outbox import Outbox
from keystead.server.peers import BadForwarding, Peer, PeerCounts, client_of, peer_of
from keystead.wire.http import Endpoint, HttpRequest

REQUESTS_PER_TURN = 16


class State(Enum):
    """What a connection is doing."""

    IDLE = auto()  # between two requests
    HEAD = auto()  # a head is coming; a new connection starts here
    BODY = auto()  # a head has come, its body has not
    FINAL = auto()  # the last answer is made: whatever else comes is thrown away


SECONDS = {State.IDLE: 60.0, State.HEAD: 10.0, State.BODY: 30.0, State.FINAL: 2.0}
IDLE_SECONDS = SECONDS[State.IDLE]
WRITE_SECONDS = 30.0
DRAIN_SECONDS = 1.0


class Application(Protocol):
    """What answers requests."""

    def body_limit(self, headers: Mapping[str, str]) -> int:
        """How long may the body of a request with these headers be?"""

    def answer_all(self, asked: Sequence[tuple[HttpRequest, Peer]]) -> list[Answer]:
        """The answers to the first of these complete requests, in order: at least one."""

    def refuse_body(self, request: HttpRequest, limit: int) -> Answer:
        """Answer a request whose body is too long to be read."""


@dataclass(frozen=True, slots=True)
class Door:
    """One listener: what all of its connections share."""

    application: Application
    outbox: Outbox
    counts: PeerCounts
    refused: Callable[[str], None]  # counts what never became a request
    time: Callable[[], float]  # monotonic
    later: Callable[[Callable[[], None]], object]  # `loop.call_soon`
    trusted: Sequence[Network]
    endpoint: Endpoint
    secure: bool
    connections: set["Connection"] = field(default_factory=set)

    def connection(self) -> "Connection":
        """The protocol of a new connection."""
        return Connection(self)


NOBODY = Peer("", trusted=False, loopback=False)


class Connection(asyncio.Protocol):
    """One connection."""

    __slots__ = (
        "_admitted", "_buffer", "_choked", "_client", "_door", "_draining", "_ended",
        "_half_closed", "_head", "_heads", "_owed", "_peer", "_state", "_transport", "deadline",
    )  # fmt: skip

    _transport: asyncio.Transport

    def __init__(self, door: Door) -> None:
        self._door = door
        self._buffer = Buffer()
        self._head: Head | None = None  # while its body is awaited
        self._heads = HeadReader()
        self._client = ("", False)
        self._owed = 0  # answers made and not yet delivered
        self._choked = False  # the client does not read
        self._half_closed = False  # the client sends no more
        self._draining = False
        self._ended = False  # the last answer is written
        self._admitted = False
        self._peer = NOBODY
        self._enter(State.HEAD)

    # asyncio.Protocol: what the transport tells us

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a TCP listener's transport
        if not (self._admitted or self.admit(transport.get_extra_info("peername"))):
            self.abort()
            return
        self._enter(State.HEAD)
        self._door.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._state = State.FINAL
        self._buffer.clear()
        self.leave()

    def admit(self, peername: object) -> bool:
        """Count it, or say no. Over TLS this is asked before the handshake (`accepting`)."""
        try:
            self._peer = peer_of(peername, self._door.trusted)
        except ValueError:  # it is gone already
            return False
        self._client = self._peer.ip, self._door.secure
        self._admitted = self._door.counts.admit(self._peer)
        if not self._admitted:
            self._door.refused("connection limit")
        return self._admitted

    def leave(self) -> None:
        """Count it no more."""
        if self._admitted:
            self._admitted = False
            self._door.connections.discard(self)
            self._door.counts.leave(self._peer)

    def data_received(self, data: bytes) -> None:
        if self._state is not State.FINAL:
            self._buffer.add(data)
            self._door.outbox.hear(self)

    def eof_received(self) -> bool:
        """The client sends no more. Over TCP, stay open for the answers that it waits for."""
        self._half_closed = True
        self.advance()
        return self._owed > 0 and not self._door.secure

    def pause_writing(self) -> None:
        """The client does not read its answers: read no more of its requests."""
        self._choked = True
        self._transport.pause_reading()
        self.deadline = self._door.time() + WRITE_SECONDS

    def resume_writing(self) -> None:
        self._choked = False
        self._enter(self._state)
        self._catch_up()

    # requests

    def advance(self) -> None:
        """Take in what is complete; after a few, let other connections have their turn."""
        for _ in range(REQUESTS_PER_TURN):
            if self._state is State.FINAL or self._choked:
                return
            if not self._take_next() or not self._buffer.size:
                return
        self._transport.pause_reading()
        self._door.later(self._catch_up)

    def _catch_up(self) -> None:
        if self._state is not State.FINAL and not self._choked:
            self._transport.resume_reading()
            self.advance()

    def _take_next(self) -> bool:
        """Take in one request; False when the buffer does not hold a complete one."""
        try:
            head = self._head or self._read_head()
        except BadFraming as error:
            self._refuse("framing", str(error))
            return False
        except BadForwarding:
            self._refuse("forwarding", "X-Forwarded-For is not a list of addresses")
            return False
        if head is None:
            return False
        if self._buffer.size < head.length:
            self._await_body(head)
            return False
        self._head = None
        length = head.length
        request = self._request(head, self._buffer.take(length) if length else b"")
        # To a HEAD there is no body in the answer (RFC 9110, 9.3.2), and so nothing may follow.
        last = not head.keep_alive or head.method == "HEAD" or self._draining
        if last:
            self._enter(State.FINAL)
            self._buffer.clear()
        else:
            self._state = State.IDLE  # its deadline starts when the answer is delivered
        self._owed += 1
        self._door.outbox.ask(self, self._door.application, (request, self._peer), last=last)
        return True

    def _read_head(self) -> Head | None:
        """The next head, once it is there and what can be checked before its body holds."""
        buffer = self._buffer
        raw = buffer.take_until(END_OF_HEAD)
        if raw is None:
            if buffer.size > MAX_HEAD:
                raise BadFraming("the headers are too long")
            if buffer.size and self._state is State.IDLE:
                self._enter(State.HEAD)
            return None
        head = self._heads.read(raw)
        if self._peer.trusted:
            door = self._door
            self._client = client_of(self._peer, door.secure, head.headers, door.trusted)
        limit = self._door.application.body_limit(head.headers)
        if head.length > limit:
            self._door.refused("body size")
            self._finish(self._door.application.refuse_body(self._request(head, b""), limit))
            return None
        return head

    def _await_body(self, head: Head) -> None:
        if self._head is None:
            self._head = head
            self._enter(State.BODY)
            if head.expects_continue and not self._buffer.size:
                self._put(CONTINUE, last=False)

    def _request(self, head: Head, body: bytes) -> HttpRequest:
        ip, secure = self._client
        return HttpRequest(
            head.method, head.path, head.query, head.headers, body, ip, secure, self._door.endpoint
        )

    def _refuse(self, reason: str, message: str) -> None:
        self._door.refused(reason)
        self._finish(plain(400, f"bad request: {message}"))

    # answers

    def _finish(self, answer: Answer) -> None:
        """Give the last answer of this connection."""
        self._enter(State.FINAL)
        self._buffer.clear()
        self._put(answer, last=True)

    def _put(self, answer: Answer, *, last: bool) -> None:
        self._owed += 1
        self._door.outbox.put(self, answer, last=last)

    def deliver(self, response: bytes, *, last: bool) -> None:
        """Write a response. (outbox.Receiver)"""
        self._owed -= 1
        transport = self._transport
        # uvloop raises when a closed transport is written to, and one raise here would cost
        # every other connection of this turn its answer.
        if self._ended or transport.is_closing():
            return
        transport.write(response)
        idle = self._state is State.IDLE
        ending = self._half_closed or (self._draining and idle)
        if last or (ending and not self._owed):
            self._close()
        elif idle and not self._choked:
            self.deadline = self._door.time() + IDLE_SECONDS

    def _close(self) -> None:
        """Close so that the client can still read the answer.

        If we closed while the client is sending, its kernel would throw away what it has
        received, our answer included: close our half and swallow the rest for a while.
        """
        self._enter(State.FINAL)
        self._ended = True
        if self._transport.can_write_eof() and not self._half_closed:
            self._transport.write_eof()
        else:
            self._transport.close()

    def abort(self) -> None:
        self._state = State.FINAL
        self._transport.abort()

    # time

    def _enter(self, state: State) -> None:
        self._state = state
        self.deadline = self._door.time() + SECONDS[state]

    def sweep(self, now: float) -> None:
        """Close if the deadline has passed."""
        if now >= self.deadline and not self._owed:
            if self._state in (State.HEAD, State.BODY):
                self._door.refused("deadline")
            self.abort()

    def drain(self) -> None:
        """Serve what has begun to arrive, then close. (OP-4)

        A connection that has sent nothing yet is waited for a little: its client was told that
        it is connected, and its first request may be on the way.
        """
        self._draining = True
        if self._state is State.IDLE and not self._owed and not self._buffer.size:
            self._transport.close()
        elif self._state is State.HEAD and not self._buffer.size:
            self.deadline = min(self.deadline, self._door.time() + DRAIN_SECONDS)
