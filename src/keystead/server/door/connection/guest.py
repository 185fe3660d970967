"""Whose connection is it, and is it let in?  (threat-model HF-4)

The socket says it. A trusted balancer says it in a preface, before the first request; a trusted
proxy says it in the headers of each request (`peers`). A connection counts as its client's from
when it is let in until it leaves.
"""

from collections.abc import Mapping

from keystead.server.door.connection.shared import Shared
from keystead.server.door.peers import Peer, client_of, is_still_trusted, peer_of
from keystead.server.door.preface import Client
from keystead.wire.http import Endpoint

NOBODY = Peer("", trusted=False, loopback=False)


class Guest:
    """The other end of one connection, and whether it is counted."""

    __slots__ = ("_neighbour", "_shared", "client", "endpoint", "is_counted", "peer")

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._neighbour = NOBODY  # who is at the socket
        self.is_counted = False
        self.peer = NOBODY  # whose connection it is
        self.client = ("", False)  # of the request that is taken: its address; did it use TLS?
        self.endpoint = shared.endpoint

    @property
    def is_believed(self) -> bool:
        """Is the socket's peer trusted now, if it was when it connected?"""
        neighbour = self._neighbour
        return not neighbour.trusted or is_still_trusted(neighbour, self._shared.trusted)

    def admit(self, peername: object) -> bool:
        """Let in who is at the socket; False if it may not be, or is over a limit."""
        try:
            self.peer = self._neighbour = peer_of(peername, self._shared.trusted)
        except ValueError:  # the client has gone already
            return False
        if self._shared.prefaced and not self.peer.trusted:
            self._shared.refused("balancer")
            return False
        return self._count()

    def introduce(self, client: Client) -> bool:
        """A balancer told whose connection this is. False if that client is over a limit.

        From now on no header says otherwise.
        """
        self.leave()
        self.peer = Peer(client.ip or self.peer.ip, trusted=False, loopback=False)
        if client.vpce_id:
            self.endpoint = Endpoint(client.vpce_id, client.vpce_id)
        return self._count()

    def _count(self) -> bool:
        self.client = self.peer.ip, self._shared.secure
        self.is_counted = self._shared.counts.admit(self.peer)
        if not self.is_counted:
            self._shared.refused("connection limit")
        return self.is_counted

    def read(self, headers: Mapping[str, str]) -> None:
        """Read in the headers of a trusted proxy whose request it is; raises BadForwarding."""
        shared = self._shared
        self.client = client_of(self.peer, shared.secure, headers, shared.trusted)

    def leave(self) -> bool:
        """Count it no more; was it counted?"""
        was_counted, self.is_counted = self.is_counted, False
        if was_counted:
            self._shared.counts.leave(self.peer)
        return was_counted
