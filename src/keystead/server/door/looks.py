"""How much is read in one look at the sockets?  When it is enough, the others read in turn (P-09).

A look reads a piece of every connection that has sent something: over TLS some 30 to 100 µs each,
and everybody waits for all of them. So 190 connections that begin together held the loop for 10 ms,
several times.

Therefore the bytes are counted that a look reads from connections that are not modest (`intake`),
and those of long pieces of modest ones. When they are enough, the other connections of the same
peer are held back: nothing is read from them, also not by the layer below TLS, until it is their
turn to read on. A connection of another peer is held back when that peer reads in the same look,
too. So a look reads little more than `MOST_READ`, and one piece of each further peer.

A modest connection is held back only if much waits in its socket, and is greedy then. One that asks
for little is read at once, whatever others of its address do.
"""

from typing import Protocol

from keystead.server.door.intake import Rank, Waits

MOST_READ = 96 * 1024  # of one look, with READ for each piece
READ = 8 * 1024  # what a piece costs beside its bytes, in bytes
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

    __slots__ = ("_reading", "read")

    def __init__(self) -> None:
        self.read = 0  # in this look; the turn that follows it sets it back
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
        self.read += READ + size
        if self.read > MOST_READ:
            self._hold_back(reader.peer_host)

    def _hold_back(self, peer_host: str) -> None:
        asked = 0
        for reader in list(self._reading.get(peer_host, ())):
            if reader.rank is Rank.MODEST:
                asked += 1
                if asked > MOST_ASKED or reader.arrived() <= LITTLE:
                    continue
            reader.hold_back()
