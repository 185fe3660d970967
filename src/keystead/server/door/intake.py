"""Whose request is taken next?  Peers take turns, and so do the connections of a peer (HF-7).

    MODEST    a connection that read its answer before it asked again
    NEW       a connection that was not answered yet; nobody knows how it will behave
    RETURNED  a connection whose request comes back from work
    RESUMED   a connection whose request begins again, with a part that was made for it
    GREEDY    a connection that sent more before it was answered, that does not read its answer,
              that asks or asked with a large body, that had a very large answer, or whose account
              exceeded a request quota

A turn takes connections of the first rank in which some wait. A rank that was passed over three
times comes first. Turns of ranks other than MODEST are short, and those of RESUMED and GREEDY
shortest: one part of a long answer takes 0.8 ms, and a second one would double the turn. So a
client that waits for its answers does not wait for clients that do not, at its own address or at
another.

The same holds for large bodies. While hundreds of them arrive, one look at the sockets would read a
piece of each, and everybody would wait for that. So a connection that holds part of a large body
takes turns to read on, by the same rules. A few of them read between two turns. A connection that
sends without waiting takes such a turn for the first piece of a body, too, and so does every
connection that is held back (`looks`). A turn with large bodies has fewer requests.

While several peers send requests, each has a small share of a turn. So the next peer waits for a
millisecond, not for ten. One peer alone may fill its turns, because many requests together cost
less (decision 0008). A peer is the other end of the socket: all clients of a proxy are one peer.

In a turn of one peer alone the loop may compute for a while itself, such as for signatures, instead
of handing that over (decision 0044). So may it while several peers are about, if all their requests
need such work, for one party: then nobody waits for it who asked for something quick, and no other
account (decision 0073).
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Generic, NamedTuple, Protocol, TypeVar

ABOUT_SECONDS = 1.0  # a peer counts as present for so long after its request
MOST_PASSED = 3  # the turns of other ranks while a rank has a waiting connection
PIECES = 2  # that are read in turn between two turns: over TLS some 0.1 ms each


class Rank(IntEnum):
    """How a connection has behaved; the lowest rank is served first."""

    MODEST = 0
    NEW = 1
    RETURNED = 2
    RESUMED = 3
    GREEDY = 4


_RANKS = tuple(Rank)  # to iterate over an Enum itself costs a microsecond
_MODEST = Rank.MODEST  # to find a member of an Enum takes eight times as long as this name


class Waits(Protocol):
    """A connection that waits for its turn."""

    peer_host: str
    rank: Rank


class Asks(Waits, Protocol):
    """A connection that has sent something."""

    works_for: str
    """The party for whose work its last request was answered; "" if that needed none."""


W = TypeVar("W", bound=Waits)
A = TypeVar("A", bound=Asks)


class Terms(NamedTuple):
    """How many requests a turn may take, and for how long they are answered."""

    most: int  # requests
    share: int  # of one peer
    seconds: float
    bytes: int  # of bodies and large heads; a turn with more takes no further request
    spare: float = 0.0  # seconds of computing that are not handed over (decision 0044)


_KB = 1024
ALONE = Terms(64, 64, 0.01, 4096 * _KB, 0.008)  # some 10 ms of work
SEVERAL = Terms(64, 8, 0.002, 512 * _KB)
COMPUTING = Terms(64, 8, 0.01, 512 * _KB, 0.008)  # for several peers, all for work of one party
SHORT = Terms(8, 8, 0.0006, 128 * _KB)  # for the rank NEW
# For the rank RETURNED: what is left of it takes some 30 µs.
RETURNING = Terms(16, 16, 0.001, 256 * _KB)
SHORTEST = Terms(2, 2, 0.0004, 128 * _KB)  # for the ranks RESUMED and GREEDY
_TERMS = {
    Rank.NEW: SHORT,
    Rank.RETURNED: RETURNING,
    Rank.RESUMED: SHORTEST,
    Rank.GREEDY: SHORTEST,
}


class Line(Generic[W]):
    """Connections of several peers, the peers in turn."""

    __slots__ = ("peers",)

    def __init__(self) -> None:
        self.peers: OrderedDict[str, deque[W]] = OrderedDict()  # none is empty

    def __len__(self) -> int:
        return len(self.peers)

    def add(self, waits: W) -> None:
        """Put a connection behind the others of its peer."""
        queue = self.peers.get(waits.peer_host)
        if queue is None:
            self.peers[waits.peer_host] = deque((waits,))
        else:
            queue.append(waits)

    def put_back(self, waits: W) -> None:
        """Put a connection before all others: it was taken, but there was no time for it."""
        self.peers.setdefault(waits.peer_host, deque()).appendleft(waits)
        self.peers.move_to_end(waits.peer_host, last=False)

    def take(self, most: int, share: int) -> Iterator[W]:
        """Take connections: one of each peer, then again one of each peer, and so on."""
        if len(self.peers) == 1:  # as below, and quicker
            [(peer, queue)] = self.peers.items()
            for _ in range(min(most, share, len(queue))):
                waits = queue.popleft()
                if not queue:
                    del self.peers[peer]
                yield waits
            return
        for _ in range(share):
            for peer in list(self.peers):
                if most <= 0:
                    return
                most -= 1
                yield self._next(peer)
            if not self.peers:
                return

    def _next(self, peer: str) -> W:
        queue = self.peers[peer]
        waits = queue.popleft()
        if queue:
            self.peers.move_to_end(peer)
        else:
            del self.peers[peer]
        return waits


class Intake(Generic[A]):
    """The connections that wait for their turn."""

    __slots__ = (
        "_is_reading", "_last", "_line", "_lines", "_mixed_until", "_passed", "_read_past",
        "_reading", "_several_until", "_time", "_works_for",
    )  # fmt: skip

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._lines: tuple[Line[A], ...] = tuple(Line() for _ in Rank)  # by rank
        self._passed = [0 for _ in Rank]  # by rank: the turns of others since its own
        self._line = self._lines[Rank.MODEST]  # of this turn
        self._reading: tuple[Line[A], ...] = tuple(Line() for _ in Rank)  # by rank
        self._read_past = [0 for _ in Rank]  # by rank: the pieces of others since its own
        self._is_reading = False  # Does a connection wait in one of them?
        self._last = ""  # the peer that asked last
        self._several_until = 0.0
        self._works_for = ""  # the party for whose work the connection asks that asked last
        self._mixed_until = 0.0  # others ask, or for nothing that needs work

    def __bool__(self) -> bool:
        modest, new, returned, resumed, greedy = self._lines
        waits = modest.peers or new.peers or returned.peers or resumed.peers or greedy.peers
        return bool(waits or self._is_reading)

    def add(self, waits: A) -> None:
        """Let a connection wait for its turn."""
        peer = waits.peer_host
        if peer != self._last:
            if self._last:
                self._several_until = self._time() + ABOUT_SECONDS
            self._last = peer
        if waits.works_for != self._works_for:
            self._works_for = waits.works_for
            self._mixed_until = self._time() + ABOUT_SECONDS
        line = self._lines[waits.rank]
        queue = line.peers.get(peer)
        if queue is None:
            line.add(waits)
        else:  # as `add` would do
            queue.append(waits)

    def add_all(self, waiting: Iterable[A]) -> None:
        """Let connections wait for their turn, in this order."""
        lines, last = self._lines, self._last
        for waits in waiting:
            peer = waits.peer_host
            if peer != last or waits.works_for != self._works_for:
                self.add(waits)
                last = peer
                continue
            line = lines[waits.rank]
            queue = line.peers.get(peer)
            if queue is None:
                line.add(waits)
            else:  # as `add` would do, for nearly every connection
                queue.append(waits)

    def put_back(self, waits: A) -> None:
        """Let a connection be the first of the next turn of its rank."""
        self._lines[waits.rank].put_back(waits)

    def add_reading(self, waits: A) -> None:
        """Let a connection wait until it may read the next piece of a large body."""
        self._reading[waits.rank].add(waits)
        self._is_reading = True

    def take_reading(self, most: int = PIECES) -> Iterable[A]:
        """The connections that may read on now: by rank, by peer, by connection."""
        return self._take_reading(most) if self._is_reading else ()

    def _take_reading(self, most: int) -> Iterator[A]:
        for _ in range(most):
            line = self._reading[_next(self._reading, self._read_past)]
            yield from line.take(1, 1)
        self._is_reading = any(self._reading)

    def begin(self) -> Terms:
        """Begin a turn; returns its terms."""
        modest, new, returned, resumed, greedy = self._lines
        if new.peers or returned.peers or resumed.peers or greedy.peers:
            rank = _next(self._lines, self._passed)
            self._line = self._lines[rank]
            if rank is not Rank.MODEST:
                return _TERMS[rank]
        else:  # as `_next`, for nearly every turn
            self._line = modest
            if modest.peers:
                self._passed[_MODEST] = 0
        now = self._time()
        if now >= self._several_until:
            return ALONE
        return COMPUTING if self._works_for and now >= self._mixed_until else SEVERAL

    def take(self, terms: Terms, taken: int) -> Iterable[A]:
        """Take further connections in this turn; `taken` were taken before."""
        line = self._line
        return line.take(terms.most - taken, terms.share) if line.peers else ()


def _next(lines: Sequence[Line[A]], passed: list[int]) -> Rank:
    """Whose turn is it?  `passed` has for each rank the turns of others since its own."""
    waiting = [rank for rank in _RANKS if lines[rank].peers]
    if not waiting:
        return Rank.MODEST
    if len(waiting) == 1:
        passed[waiting[0]] = 0
        return waiting[0]
    late = [rank for rank in waiting if passed[rank] >= MOST_PASSED]
    chosen = (late or waiting)[0]
    for rank in waiting:
        passed[rank] = 0 if rank is chosen else passed[rank] + 1
    return chosen
