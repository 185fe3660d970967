"""How does one TCP connection take requests and send answers, in order and within limits?

    hear bytes -> wait for its turn -> take one request -> its answer is sent -> hear the next

`intake` decides whose turn it is. A connection has three parts: `guest` is the other end,
`reading` lets the loop read or not, and `incoming` finds requests in the bytes. Here are the order
of requests and answers, and the deadlines (`states`).

INVARIANT: a connection has at most one request that is not answered. While it has one, or its
client does not read, nothing more is taken from it (threat-model HF-7). So answers keep the order
of their requests. The bytes of a client that does not wait stay in its socket, but for one read.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from keystead.server.door.connection.guest import Guest
from keystead.server.door.connection.incoming import LARGE, Incoming, Refused
from keystead.server.door.connection.reading import Reading
from keystead.server.door.connection.shared import Shared
from keystead.server.door.connection.states import DRAIN_SECONDS, SECONDS, WRITE_SECONDS, State
from keystead.server.door.held import UNCOUNTED
from keystead.server.door.intake import Rank
from keystead.server.door.looks import LITTLE
from keystead.server.door.preface import Client
from keystead.server.door.replies import CONTINUE
from keystead.server.installation import Network
from keystead.server.pipeline import Answer

# To find a member of an Enum takes eight times as long as a name of the module.
_IDLE, _FINAL, _MODEST, _GREEDY = State.IDLE, State.FINAL, Rank.MODEST, Rank.GREEDY
_IDLE_SECONDS = SECONDS[State.IDLE]
PIECE = 64 * 1024  # the bytes of an answer that are given to the transport at a time


@dataclass(slots=True, eq=False)
class Door(Shared):
    """One listener: it makes connections, and knows them."""

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


class Connection(asyncio.Protocol):
    """One connection."""

    __slots__ = (
        "_asked_much", "_choked", "_door", "_draining", "_ended", "_guest", "_half_closed",
        "_heard", "_incoming", "_last", "_owes", "_reading", "_sent", "_state", "_stuck",
        "_transport", "_unsent", "deadline", "gone", "held", "peer_host", "rank",
        "works_for",
    )  # fmt: skip

    _state: State
    _transport: asyncio.Transport

    def __init__(self, door: Door) -> None:
        self._door = door
        self._guest = Guest(door)
        self._reading = Reading(door.outbox.looks)
        self._incoming = Incoming(door, self._guest)
        self._heard = False  # It waits for its turn.
        self._owes = False  # A request was taken, and its answer was not delivered.
        self._unsent, self._sent = b"", 0  # An answer, and how many bytes of it were sent.
        self._last = False  # No answer follows the current one.
        self._choked = False  # The client does not read.
        self._stuck = False  # The rest of an answer could not be sent since `deadline` was set.
        self._half_closed = False  # The client sends no more.
        self._draining = False
        self._asked_much = False  # The body of the request that is owed, or to come, is large.
        self._ended = False  # The last answer is written.
        self.peer_host = ""
        self.rank = Rank.NEW  # (intake)
        self.works_for = ""  # (intake)
        self.held = 0  # (held)
        self.gone = False  # The client has gone: answers cannot reach it.
        self._enter(State.HEAD)

    # asyncio.Protocol: the transport calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a TCP listener's transport
        name = transport.get_extra_info("peername")
        # It may be trusted no more since it was admitted.
        if not (self._guest.is_counted or self.admit(name)) or not self.is_believed:
            self.abort()
            return
        self._reading.begin(self, self._transport)
        self._enter(State.HEAD)
        self._door.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # for any reason
        self._forget()
        self.leave()

    def admit(self, peername: object) -> bool:
        """Count this connection; False if it is over a limit. Over TLS: before the handshake."""
        is_let_in = self._guest.admit(peername)
        self.peer_host = self._guest.peer.host
        return is_let_in

    @property
    def is_believed(self) -> bool:
        """Is the socket's peer trusted now, if it was when it connected?"""
        return self._guest.is_believed

    def introduce(self, client: Client) -> bool:
        """A balancer told whose connection this is. False if that client is over a limit."""
        is_let_in = self._guest.introduce(client)
        self.peer_host = self._guest.peer.host
        return is_let_in

    def leave(self) -> None:
        """Count this connection no more."""
        if self._guest.leave():
            self._door.connections.discard(self)
            self._door.outbox.looks.leave(self)

    def data_received(self, data: bytes) -> None:
        if self._state is _FINAL:
            self._door.outbox.looks.note(self, len(data))
            return
        incoming = self._incoming
        buffer, head = incoming.buffer, incoming.head
        buffer.add(data)
        if self._owes or self._heard or self._choked or self._unsent:
            self._reading.pause(self)
        elif head is None or buffer.size >= head.length:  # as `_hear`
            self._heard = True
            self._door.outbox.hear(self)
        elif buffer.size > UNCOUNTED and not self._reading.is_paused:
            self._reading.pause(self)
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
        """The client does not read its answer: from now on a deadline holds for all of it.

        Nor do we read, not even what TLS answers by itself, such as a request to negotiate anew:
        those answers would be kept without a bound.
        """
        self._choked = True
        self.rank = _GREEDY
        self._reading.stop(self)
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

    def listen(self) -> None:
        """Read from the socket again, if this was paused. (turn.Receiver)"""
        self._reading.listen(self)

    def hold_back(self) -> None:
        """Read nothing more before its turn. (looks.Reads)"""
        if not self._reading.hold_back(self):
            return
        if self.rank is _MODEST:
            self.rank = _GREEDY
        # One that has a request will listen, or read on, when that is answered.
        if not (self._owes or self._heard or self._choked or self._unsent):
            self._door.outbox.read_on(self)

    def arrived(self) -> int:
        """How many bytes wait in its socket?  (looks.Reads)"""
        return self._reading.arrived()

    def _count_held(self) -> None:
        self._door.held.hold(self, self._incoming.buffer.size + len(self._unsent))

    def advance(self) -> None:
        """Take in one request, if it is complete. (turn.Receiver)"""
        self._heard = False
        if self._state is _FINAL or self._owes or self._choked or self._unsent:
            return
        try:
            taken = self._incoming.take()
        except Refused as refused:
            self._door.refused(refused.reason)
            self._finish(refused.answer)
        else:
            if taken is not None:  # nearly always
                head, request = taken
                if head.length > LARGE:
                    self._asked_much = True
                # The answer to a HEAD has no body (RFC 9110, 9.3.2), so it is the last one.
                last = not head.keep_alive or head.method == "HEAD" or self._draining
                if last:
                    self._enter(_FINAL)
                    self._incoming.buffer.clear()
                else:
                    self._state = _IDLE  # its deadline starts when the answer is delivered
                self._owes = True
                door = self._door
                door.outbox.ask(self, door.application, (request, self._guest.peer), last=last)
            else:
                self._await_rest()
        if self.held:
            self._count_held()
        if not self._owes and not self.gone:
            if self._half_closed:  # the rest of the request will not come
                self._close()
            self._read_on()

    def _read_on(self) -> None:
        """Read the rest of a request; if the client does not wait for answers, in its turn."""
        if self._reading.is_paused and self.rank is _GREEDY and self._state is State.BODY:
            self._door.outbox.read_on(self)
        else:
            self.listen()

    def _await_rest(self) -> None:
        """The next request has not come whole."""
        head, has_bytes = self._incoming.head, bool(self._incoming.buffer.size)
        if head is None:
            if has_bytes and self._state is _IDLE:
                self._enter(State.HEAD)
        elif self._state is not State.BODY:
            self._enter(State.BODY)
            if head.length > LARGE:
                self._asked_much = True
                self.rank = _GREEDY
            if head.expects_continue and not has_bytes:
                self._put(CONTINUE, last=False)

    # answers

    def _finish(self, answer: Answer) -> None:
        """Give the last answer of this connection."""
        self._enter(_FINAL)
        self._incoming.buffer.clear()
        self._put(answer, last=True)

    def _put(self, answer: Answer, *, last: bool) -> None:
        self._owes = True
        self._door.outbox.put(self, answer, last=last)

    def deliver(self, response: bytes, *, last: bool) -> None:
        """Write a response. (turn.Receiver)"""
        self._owes = False
        incoming = self._incoming
        # Not after the "100 Continue" of a body that will come.
        if incoming.long_body and incoming.head is None:
            incoming.end_long_body()
        # uvloop raises when a closed transport is written to. An exception here would cost every
        # other connection of this turn its answer.
        if self._ended or self._transport.is_closing():
            return
        self._last = last
        greedy = incoming.buffer.size or self._asked_much or len(response) > LARGE
        self.rank = _GREEDY if greedy else _MODEST
        self._asked_much = False
        if len(response) > PIECE:
            self._unsent, self._sent = response, 0
        else:
            self._transport.write(response)
            if self._state is _IDLE and not (
                self._choked or self._stuck or self._reading.is_paused or incoming.buffer.size
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
        elif self._incoming.buffer.size:
            self._hear()
        elif self._half_closed or (self._draining and self._state is _IDLE):
            self._close()
        else:
            if self._reading.is_paused:
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
        self._incoming.buffer.clear()
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
        self._incoming.end_long_body()
        self._incoming.buffer.clear()
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
        waits = self._owes or self._heard or self._stuck or self._incoming.buffer.size
        if self._state is _IDLE and not waits:
            # Over TLS a close waits for the client to agree, and an idle client does not look.
            self._enter(_FINAL)
            self._transport.close()
        elif self._state is State.HEAD and not self._incoming.buffer.size:
            self.deadline = min(self.deadline, self._door.time() + DRAIN_SECONDS)
