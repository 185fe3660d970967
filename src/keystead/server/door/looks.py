"""How much is read in one look at the sockets?  When it is enough, the others read in turn (P-09).

A look reads a piece of every connection that has sent something: over TLS some 30 to 100 µs each,
and everybody waits for all of them. So 190 connections that begin together held the loop for 10 ms,
several times.

Therefore the bytes are counted that a look reads from connections that are not modest (`intake`),
and those of long pieces of modest ones. When they are enough, the other connections of the same
peer are held back: nothing is read from them, also not by the layer below TLS, until it is their
turn to read on. A connection of another peer is held back when that peer reads in the same look,
too. So a look reads little more than `MOST_READ`, and one piece of each further peer.

Bytes do not tell all. A client of TLS may write records of one byte, and 64 KB of those take a
millisecond. So when the processor has worked for `MOST_SECONDS` since the first piece of a look,
that is enough as well, and of those that are held back one reads on between two turns.

A modest connection is held back only if much waits in its socket, and is greedy then. One that asks
for little is read at once, whatever others of its address do.
"""

from collections.abc import Callable
from time import thread_time
from typing import Protocol

from keystead.server.door.intake import Rank, Waits

MOST_READ = 96 * 1024  # of one look, with READ for each piece
READ = 8 * 1024  # what a piece costs beside its bytes, in bytes
MOST_SECONDS = 0.0005  # of the loop's processor time, which no other process takes part in
LITTLE = 4 * 1024  # bytes of a piece of a modest connection that is not counted
MOST_ASKED = 256  # modest connections whose sockets are asked at a time: a microsecond each


class Reads(Waits, Protocol):
    """A connection that reads from its socket."""

    def hold_back(self) -> None:
        """Read nothing more before its turn; this calls `leave`."""

    def arrived(self) -> int:
        """How many bytes wait in its socket?"""


class Looks:
    """What this look has read, and the connections that could read more in it."""

    __slots__ = ("_began", "_reading", "_seconds", "are_dear", "read")

    def __init__(self, seconds: Callable[[], float] = thread_time) -> None:
        self._seconds = seconds
        self._began = 0.0  # when the first piece of this look was there
        self.read = 0  # in this look; the turn that follows it sets it back
        self.are_dear = False  # Did the pieces of a look take long?  The next turn sets it back.
        self._reading: dict[str, set[Reads]] = {}  # by peer; none is empty

    def watch(self, reader: Reads) -> None:
        """A connection begins to read."""
        self._reading.setdefault(reader.peer_host, set()).add(reader)

    def leave(self, reader: Reads) -> None:
        """A connection reads no more, or not now."""
        readers = self._reading.get(reader.peer_host)
        if readers is not None:
            readers.discard(reader)
            if not readers:
                del self._reading[reader.peer_host]

    def note(self, reader: Reads, size: int) -> None:
        """A connection has read so many bytes; it is not modest, or they are more than LITTLE."""
        is_first, self.read = not self.read, self.read + READ + size
        if is_first:
            self._began = self._seconds()
        elif self._seconds() - self._began > MOST_SECONDS:
            self.are_dear = True
        if self.are_dear or self.read > MOST_READ:
            self._hold_back(reader.peer_host)

    def _hold_back(self, peer_host: str) -> None:
        asked = 0
        for reader in list(self._reading.get(peer_host, ())):
            if reader.rank is Rank.MODEST:
                asked += 1
                if asked > MOST_ASKED or reader.arrived() <= LITTLE:
                    continue
            reader.hold_back()
