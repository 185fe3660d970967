"""How do bytes become requests, and how do answers become bytes?"""

from keystead.server.door.connection import Application, Connection, Door
from keystead.server.door.held import Held
from keystead.server.door.intake import Rank
from keystead.server.door.listeners import (
    BACKLOG,
    accept_from_now_on,
    bound_transport,
    let_read,
    let_read_nothing,
    open_sockets,
    tls_context,
)
from keystead.server.door.long_bodies import LongBodies
from keystead.server.door.peers import BadForwarding, Peer, PeerCounts, client_of, peer_of
from keystead.server.door.replies import always, plain, text
from keystead.server.door.tls import TlsListener
from keystead.server.door.turn import Turn
from keystead.server.door.waiting import Asked

__all__ = (
    "BACKLOG", "Application", "Asked", "BadForwarding", "Connection", "Door", "Held", "LongBodies",
    "Peer", "PeerCounts", "Rank", "TlsListener", "Turn", "accept_from_now_on", "always",
    "bound_transport", "client_of", "let_read", "let_read_nothing", "open_sockets", "peer_of",
    "plain", "text", "tls_context",
)  # fmt: skip
