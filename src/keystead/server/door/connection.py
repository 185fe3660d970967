"""How does one TCP connection take requests and send answers, in order and within limits?

    hear bytes -> wait for its turn -> take one request -> its answer is sent -> hear the next

`framing` decides what a request is, and `intake` whose turn it is. Here are the deadlines, the
sizes, and the order. Bytes with bad framing get a plain 400, and the connection is closed: after an
ambiguous request the bytes that follow cannot be trusted to be a request.

INVARIANT: a connection has at most one request that is not answered. While it has one, or its
client does not read, nothing more is taken from it (threat-model HF-7). So answers keep the order
of their requests. The bytes of a client that does not wait stay in its socket, but for one read.

Deadlines are checked by a sweep once a second. A timer for each request would cost more than the
request.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from keystead.server.door.buffer import Buffer
from keystead.server.door.held import UNCOUNTED, Held
from keystead.server.door.intake import Rank
from keystead.server.door.listeners import (
    bound_transport,
    bytes_waiting,
    let_read,
    let_read_nothing,
)
from keystead.server.door.long_bodies import LongBodies
from keystead.server.door.looks import LITTLE
from keystead.server.door.peers import (
    BadForwarding,
    Peer,
    PeerCounts,
    client_of,
    is_still_trusted,
    peer_of,
)
from keystead.server.door.preface import Client
from keystead.server.door.replies import CONTINUE, plain
from keystead.server.door.turn import Turn
from keystead.server.door.waiting import Answering
from keystead.server.installation import Network
from keystead.server.pipeline import Answer
from keystead.wire.framing import END_OF_HEAD, MAX_HEAD, BadFraming, Head, HeadReader
from keystead.wire.http import Endpoint, HttpRequest


class State(Enum):
    """The states of a connection."""

    __hash__ = object.__hash__  # Enum's own costs a call of Python for each look into a table

    IDLE = auto()  # Between two requests.
    HEAD = auto()  # A head is coming; a new connection starts here.
    BODY = auto()  # A head has come, its body has not.
    FINAL = auto()  # The last answer is made; bytes that come now are thrown away.


# To find a member of an Enum takes eight times as long as a name of the module.
_IDLE, _FINAL, _MODEST, _GREEDY = State.IDLE, State.FINAL, Rank.MODEST, Rank.GREEDY

SECONDS = {State.IDLE: 60.0, State.HEAD: 10.0, State.BODY: 30.0, State.FINAL: 2.0}
_IDLE_SECONDS = SECONDS[State.IDLE]
WRITE_SECONDS = 30.0
DRAIN_SECONDS = 1.0
PIECE = 64 * 1024  # the bytes of an answer that are given to the transport at a time
LARGE = 16 * 1024  # bytes of a body or an answer; its client lets others go first (intake)


class Application(Answering, Protocol):
    """Answers the requests of a listener."""

    def body_limit(self, headers: Mapping[str, str]) -> int:
        """The most bytes that the body of this request may have."""

    def long_body(self, request: HttpRequest, length: int) -> str:
        """The access key for which a body over the limit may be read; "" for none."""

    def refuse_body(self, request: HttpRequest, limit: int) -> Answer:
        """Answer a request whose body is too long to be read."""

    def refuse_busy(self, request: HttpRequest) -> Answer:
        """Answer a request whose long body is not read now, because others are."""


@dataclass(slots=True, eq=False)
class Door:
    """One listener, as its connections share it. `trusted` may change (`trust`)."""

    application: Application
    outbox: Turn
    counts: PeerCounts
    refused: Callable[[str], None]  # counts bytes or a connection that never became a request
    time: Callable[[], float]  # monotonic
    held: Held
    long_bodies: LongBodies
    trusted: Sequence[Network]
    endpoint: Endpoint
    secure: bool
    prefaced: bool = False  # each connection is a trusted balancer's, and begins with a preface
    connections: set["Connection"] = field(default_factory=set)

    def connection(self) -> "Connection":
        """The protocol of a new connection."""
        return Connection(self)

    def trust(self, trusted: Sequence[Network]) -> None:
        """Trust these networks from now on.

        Connections of peers that are trusted no more end: what they told of a client is a word of
        theirs. One that is trusted only now is believed when it connects anew.
        """
        self.trusted = trusted
        for connection in [each for each in self.connections if not each.is_believed]:
            connection.abort()


NOBODY = Peer("", trusted=False, loopback=False)


class Connection(asyncio.Protocol):
    """One connection."""

    __slots__ = (
        "_admitted", "_asked_much", "_buffer", "_choked", "_client", "_door", "_draining", "_ended",
        "_endpoint", "_half_closed", "_head", "_heads", "_heard", "_is_held_back", "_last",
        "_long_body", "_neighbour", "_owes", "_paused", "_peer", "_sent", "_state", "_stuck",
        "_transport", "_unsent", "deadline", "gone", "held", "peer_host", "rank",
    )  # fmt: skip

    _transport: asyncio.Transport

    def __init__(self, door: Door) -> None:
        self._door = door
        self._buffer = Buffer()
        self._head: Head | None = None  # while its body is awaited
        self._heads = HeadReader()
        self._client = ("", False)
        self._heard = False  # It waits for its turn.
        self._owes = False  # A request was taken, and its answer was not delivered.
        self._unsent, self._sent = b"", 0  # An answer, and how many bytes of it were sent.
        self._last = False  # No answer follows the current one.
        self._long_body = ""  # The access key for which a long body is read or answered.
        self._paused = False  # We do not read.
        self._choked = False  # The client does not read.
        self._stuck = False  # The rest of an answer could not be sent since `deadline` was set.
        self._half_closed = False  # The client sends no more.
        self._draining = False
        self._is_held_back = False  # Nor does the layer below TLS read. (looks)
        self._asked_much = False  # The body of the request that is owed, or to come, is large.
        self._endpoint = door.endpoint
        self._ended = False  # The last answer is written.
        self._admitted = False
        self._peer = self._neighbour = NOBODY  # whose connection it is; who is at the socket
        self.peer_host = ""
        self.rank = Rank.NEW  # (intake)
        self.held = 0  # (held)
        self.gone = False  # The client has gone: answers cannot reach it.
        self._enter(State.HEAD)

    # asyncio.Protocol: the transport calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a TCP listener's transport
        if not (self._admitted or self.admit(transport.get_extra_info("peername"))):
            self.abort()
            return
        if not self.is_believed:  # since it was admitted
            self.abort()
            return
        bound_transport(transport)
        self._enter(State.HEAD)
        self._door.connections.add(self)
        self._door.outbox.looks.watch(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # for any reason
        self._forget()
        self.leave()

    def admit(self, peername: object) -> bool:
        """Count this connection; False if it is over a limit. Over TLS: before the handshake."""
        try:
            self._peer = self._neighbour = peer_of(peername, self._door.trusted)
        except ValueError:  # the client has gone already
            return False
        if self._door.prefaced and not self._peer.trusted:
            self._door.refused("balancer")
            return False
        self.peer_host = self._peer.host
        self._client = self._peer.ip, self._door.secure
        self._admitted = self._door.counts.admit(self._peer)
        if not self._admitted:
            self._door.refused("connection limit")
        return self._admitted

    @property
    def is_believed(self) -> bool:
        """Is the socket's peer trusted now, if it was when it connected?"""
        neighbour = self._neighbour
        return not neighbour.trusted or is_still_trusted(neighbour, self._door.trusted)

    def introduce(self, client: Client) -> bool:
        """A balancer told whose connection this is. False if that client is over a limit.

        From now on the connection counts as the client's, and no header says otherwise.
        """
        self._door.counts.leave(self._peer)
        self._admitted = False
        ip = client.ip or self._peer.ip
        self._peer = Peer(ip, trusted=False, loopback=False)
        self.peer_host = self._peer.host
        self._client = ip, self._door.secure
        self._admitted = self._door.counts.admit(self._peer)
        if not self._admitted:
            self._door.refused("connection limit")
        if client.vpce_id:
            self._endpoint = Endpoint(client.vpce_id, client.vpce_id)
        return self._admitted

    def leave(self) -> None:
        """Count this connection no more."""
        if self._admitted:
            self._admitted = False
            self._door.connections.discard(self)
            self._door.outbox.looks.leave(self)
            self._door.counts.leave(self._peer)

    def data_received(self, data: bytes) -> None:
        if self._state is _FINAL:
            self._door.outbox.looks.note(self, len(data))
            return
        buffer, head = self._buffer, self._head
        buffer.add(data)
        if self._owes or self._heard or self._choked or self._unsent:
            self._pause()
        elif head is None or buffer.size >= head.length:  # as `_hear`
            self._heard = True
            self._door.outbox.hear(self)
        elif buffer.size > UNCOUNTED and not self._paused:
            self._pause()
            self._door.outbox.read_on(self)
        if buffer.size > UNCOUNTED or self.held:
            self._count_held()
        if self.rank is not _MODEST or len(data) > LITTLE:
            self._door.outbox.looks.note(self, len(data))

    def eof_received(self) -> bool:
        """The client sends no more. Over TCP, stay open for the answers that it waits for."""
        self._half_closed = True
        return not self._door.secure and bool(
            self._owes or self._heard or self._choked or self._unsent
        )

    def pause_writing(self) -> None:
        """The client does not read its answer: from now on a deadline holds for all of it."""
        self._choked = True
        self.rank = _GREEDY
        if not self._stuck:
            self._stuck = True
            self.deadline = self._door.time() + WRITE_SECONDS

    def resume_writing(self) -> None:
        self._choked = False
        self._send()

    # requests

    def _hear(self) -> None:
        """Let this connection have its turn."""
        self._heard = True
        self._door.outbox.hear(self)

    def _pause(self) -> None:
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()
            self._door.outbox.looks.leave(self)

    def listen(self) -> None:
        """Read from the socket again, if this was paused. (turn.Receiver)"""
        if self._paused and not self._transport.is_closing():
            self._paused = False
            if self._is_held_back:
                self._is_held_back = False
                let_read(self._transport)
            self._transport.resume_reading()
            self._door.outbox.looks.watch(self)

    def hold_back(self) -> None:
        """Read nothing more before its turn. (looks.Reads)"""
        self._door.outbox.looks.leave(self)
        if self._paused or self._transport.is_closing():
            return
        if self.rank is _MODEST:
            self.rank = _GREEDY
        self._pause()
        self._is_held_back = True
        let_read_nothing(self._transport)
        # One that has a request will listen, or read on, when that is answered.
        if not (self._owes or self._heard or self._choked or self._unsent):
            self._door.outbox.read_on(self)

    def arrived(self) -> int:
        """How many bytes wait in its socket?  (looks.Reads)"""
        return bytes_waiting(self._transport)

    def _count_held(self) -> None:
        self._door.held.hold(self, self._buffer.size + len(self._unsent))

    def advance(self) -> None:
        """Take in one request, if it is complete. (turn.Receiver)"""
        self._heard = False
        if self._state is _FINAL or self._owes or self._choked or self._unsent:
            return
        self._take_next()
        if self.held:
            self._count_held()
        if not self._owes and not self.gone:
            if self._half_closed:  # the rest of the request will not come
                self._close()
            self._read_on()

    def _read_on(self) -> None:
        """Read the rest of a request; if the client does not wait for answers, in its turn."""
        if self._paused and self.rank is _GREEDY and self._state is State.BODY:
            self._door.outbox.read_on(self)
        else:
            self.listen()

    def _take_next(self) -> None:
        """Take in one request, if the buffer holds a complete one."""
        try:
            head = self._head or self._read_head()
        except BadFraming as error:
            self._refuse("framing", str(error))
            return
        except BadForwarding:
            self._refuse("forwarding", "X-Forwarded-For is not a list of addresses")
            return
        if head is None:
            return
        if self._buffer.size < head.length:
            self._await_body(head)
            return
        self._head = None
        length = head.length
        if length > LARGE:
            self._asked_much = True
        ip, secure = self._client
        request = HttpRequest(  # as `_request`, and quicker
            head.method, head.path, head.query, head.headers,
            self._buffer.take(length) if length else b"", ip, secure, self._endpoint,
        )  # fmt: skip
        # The answer to a HEAD has no body (RFC 9110, 9.3.2), so it is the last one.
        last = not head.keep_alive or head.method == "HEAD" or self._draining
        if last:
            self._enter(_FINAL)
            self._buffer.clear()
        else:
            self._state = _IDLE  # its deadline starts when the answer is delivered
        self._owes = True
        self._door.outbox.ask(self, self._door.application, (request, self._peer), last=last)

    def _read_head(self) -> Head | None:
        """The next head, once it has arrived. The checks that need no body are done here."""
        buffer = self._buffer
        raw = buffer.take_until(END_OF_HEAD)
        if raw is None:
            if buffer.size > MAX_HEAD:
                raise BadFraming("the headers are too long")
            if buffer.size and self._state is _IDLE:
                self._enter(State.HEAD)
            return None
        if len(raw) > LARGE:
            self._door.outbox.weigh(len(raw))
        head = self._heads.read(raw)
        if self._peer.trusted:
            door = self._door
            self._client = client_of(self._peer, door.secure, head.headers, door.trusted)
        limit = self._door.application.body_limit(head.headers)
        return head if head.length <= limit or self._begin_long_body(head, limit) else None

    def _begin_long_body(self, head: Head, limit: int) -> bool:
        """May a body over the limit be read?  If not, its request is answered. (HF-7)"""
        application, request = self._door.application, self._request(head, b"")
        key = application.long_body(request, head.length)
        if key and self._door.long_bodies.begin(key):
            self._long_body = key
            return True
        self._door.refused("body size")
        refuse_busy, refuse_body = application.refuse_busy, application.refuse_body
        self._finish(refuse_busy(request) if key else refuse_body(request, limit))
        return False

    def _end_long_body(self) -> None:
        if self._long_body:
            self._door.long_bodies.end(self._long_body)
            self._long_body = ""

    def _await_body(self, head: Head) -> None:
        if self._head is None:
            self._head = head
            self._enter(State.BODY)
            if head.length > LARGE:
                self._asked_much = True
                self.rank = _GREEDY
            if head.expects_continue and not self._buffer.size:
                self._put(CONTINUE, last=False)

    def _request(self, head: Head, body: bytes) -> HttpRequest:
        ip, secure = self._client
        return HttpRequest(
            head.method, head.path, head.query, head.headers, body, ip, secure, self._endpoint
        )

    def _refuse(self, reason: str, message: str) -> None:
        self._door.refused(reason)
        self._finish(plain(400, f"bad request: {message}"))

    # answers

    def _finish(self, answer: Answer) -> None:
        """Give the last answer of this connection."""
        self._enter(_FINAL)
        self._buffer.clear()
        self._put(answer, last=True)

    def _put(self, answer: Answer, *, last: bool) -> None:
        self._owes = True
        self._door.outbox.put(self, answer, last=last)

    def deliver(self, response: bytes, *, last: bool) -> None:
        """Write a response. (turn.Receiver)"""
        self._owes = False
        # Not after the "100 Continue" of a body that will come.
        if self._long_body and self._head is None:
            self._end_long_body()
        # uvloop raises when a closed transport is written to. An exception here would cost every
        # other connection of this turn its answer.
        if self._ended or self._transport.is_closing():
            return
        self._last = last
        greedy = self._buffer.size or self._asked_much or len(response) > LARGE
        self.rank = _GREEDY if greedy else _MODEST
        self._asked_much = False
        if len(response) > PIECE:
            self._unsent, self._sent = response, 0
        else:
            self._transport.write(response)
            if self._state is _IDLE and not (
                self._choked or self._stuck or self._paused or self._buffer.size
                or self._half_closed or self._draining or self.held
            ):  # fmt: skip  # as `_send`, for nearly every answer
                self.deadline = self._door.time() + _IDLE_SECONDS
                return
        self._send()

    def _send(self) -> None:
        """Give the transport as much of this answer as it takes; go on when all is given.

        A transport keeps all bytes that it is given, and over TLS it does not tell. So it gets
        pieces, and the bytes that are not sent are counted. A write may find that the client is
        gone.
        """
        transport = self._transport
        while self._unsent and not (self._choked or transport.is_closing()):
            piece = self._unsent[self._sent : self._sent + PIECE]
            self._sent += PIECE
            if self._sent >= len(self._unsent):
                self._unsent = b""
            transport.write(piece)
        if self._unsent or self.held:
            self._count_held()
        if self._choked or self._ended or self._owes or transport.is_closing():
            return
        if self._stuck:
            self._stuck = False
            self._enter(self._state)
        if self._last:
            self._close()
        elif self._buffer.size:
            self._hear()
        elif self._half_closed or (self._draining and self._state is _IDLE):
            self._close()
        else:
            if self._paused:
                self.listen()
            if self._state is _IDLE:  # as `_enter`
                self.deadline = self._door.time() + _IDLE_SECONDS

    def _close(self) -> None:
        """Close so that the client can still read the answer.

        If we closed while the client is sending, its kernel would throw away all that it has
        received, even our answer. So close our half, and swallow the rest for a while.
        """
        self._enter(_FINAL)
        self._ended = True
        self._buffer.clear()
        self.listen()
        self.rank = _GREEDY
        if self._transport.can_write_eof() and not self._half_closed:
            self._transport.write_eof()
        else:
            self._transport.close()

    def abort(self) -> None:
        self._forget()
        self._transport.abort()

    def shed(self) -> None:
        """End this connection, because all together hold too much. (held.Holder)"""
        self._door.refused("memory limit")
        self.abort()

    def _forget(self) -> None:
        """Take nothing more from this connection, and send nothing more."""
        self._state = _FINAL
        self.gone = True
        self._door.outbox.leave(self)
        self._end_long_body()
        self._buffer.clear()
        self._unsent = b""
        if self.held:
            self._count_held()

    # time

    def _enter(self, state: State) -> None:
        self._state = state
        self.deadline = self._door.time() + SECONDS[state]

    def sweep(self, now: float) -> None:
        """Close if the deadline has passed."""
        if now >= self.deadline and not (self._owes or self._heard):
            if self._stuck or self._state in (State.HEAD, State.BODY):
                self._door.refused("deadline")
            self.abort()

    def drain(self) -> None:
        """Serve the request that has begun to arrive, then close. (OP-4)

        We wait a little for a connection that has sent nothing yet: its client knows that it is
        connected, and its first request may be on the way.
        """
        self._draining = True
        waits = self._owes or self._heard or self._stuck or self._buffer.size
        if self._state is _IDLE and not waits:
            # Over TLS a close waits for the client to agree, and an idle client does not look.
            self._enter(_FINAL)
            self._transport.close()
        elif self._state is State.HEAD and not self._buffer.size:
            self.deadline = min(self.deadline, self._door.time() + DRAIN_SECONDS)
