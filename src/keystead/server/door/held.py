"""How much may all connections together make us keep?  Unread requests and unsent answers (P-09).

When they hold too much, connections are ended until a quarter is free. The next to end is always
the largest connection of the peer that holds most. So the peer that fills the memory pays for it,
and a peer that holds little is not touched. Connections of up to `UNCOUNTED` bytes are not counted:
the number of connections bounds those bytes. So an ordinary request costs nothing here.
"""

import heapq
from collections import defaultdict
from typing import Protocol

MOST_HELD = 64 * 1024 * 1024
UNCOUNTED = 16 * 1024


class Holder(Protocol):
    """A connection."""

    peer_host: str
    held: int  # the bytes that are counted; only this module sets it

    def shed(self) -> None:
        """End this connection at once, and free its bytes."""


class Held:
    """The bytes that all connections hold."""

    __slots__ = ("_holders", "_most", "total")

    def __init__(self, most: int = MOST_HELD) -> None:
        self._most = most
        self._holders: set[Holder] = set()
        self.total = 0

    def hold(self, holder: Holder, size: int) -> None:
        """Note that a connection holds this many bytes now; end connections if it is too much."""
        self._count(holder, size if size > UNCOUNTED else 0)
        if self.total > self._most:
            self._shed()

    def _count(self, holder: Holder, size: int) -> None:
        self.total += size - holder.held
        holder.held = size
        if size:
            self._holders.add(holder)
        else:
            self._holders.discard(holder)

    def _shed(self) -> None:
        by_peer: defaultdict[str, list[Holder]] = defaultdict(list)
        for holder in sorted(self._holders, key=lambda holder: holder.held):
            by_peer[holder.peer_host].append(holder)
        peers = [(-sum(member.held for member in of), peer) for peer, of in by_peer.items()]
        heapq.heapify(peers)
        while self.total > self._most * 3 // 4:
            weight, peer = heapq.heappop(peers)
            worst = by_peer[peer].pop()
            if by_peer[peer]:
                heapq.heappush(peers, (weight + worst.held, peer))
            self._count(worst, 0)
            worst.shed()
