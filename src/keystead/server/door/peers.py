"""Which peer is at the other end, and did its request come over TLS?  (threat-model HF-4)

The socket says it. Forwarding headers count only if the socket's peer is one of `trusted_proxies`.
Then the client is the right-most address that is not itself a trusted proxy: the nearest trusted
proxy added it.
"""

import ipaddress
from collections.abc import Mapping, Sequence

import msgspec

from keystead.networks import host_of
from keystead.server.installation import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class BadForwarding(Exception):
    """A trusted proxy forwards a text that is not an address. The answer is 400."""


class Peer(msgspec.Struct, frozen=True, gc=False):
    """The other end of one connection."""

    ip: str  # IPv4-mapped IPv6 already converted
    trusted: bool  # one of `trusted_proxies`
    loopback: bool

    @property
    def host(self) -> str:
        """What counts as one peer (`keystead.networks`)."""
        return host_of(self.ip)


def address(text: str) -> Address:
    """The address in `text`, IPv4-mapped IPv6 converted; raises ValueError.

    A zone id names an interface of another host, so it is refused.
    """
    parsed = ipaddress.ip_address(text)
    if isinstance(parsed, ipaddress.IPv4Address):
        return parsed
    if parsed.scope_id is not None:
        raise ValueError("a zone id")
    return parsed.ipv4_mapped or parsed


def _is_trusted(candidate: Address, trusted: Sequence[Network]) -> bool:
    return any(candidate in network for network in trusted)


def is_still_trusted(peer: Peer, trusted: Sequence[Network]) -> bool:
    """Is a peer one of these networks, as they are now?"""
    return _is_trusted(ipaddress.ip_address(peer.ip), trusted)


def peer_of(peername: object, trusted: Sequence[Network]) -> Peer:
    """The Peer of a socket's peer name."""
    host = peername[0] if isinstance(peername, tuple) else ""
    parsed = address(str(host).partition("%")[0])
    return Peer(str(parsed), _is_trusted(parsed, trusted), parsed.is_loopback)


def client_of(
    peer: Peer, secure: bool, headers: Mapping[str, str], trusted: Sequence[Network]
) -> tuple[str, bool]:
    """The client's address, and whether it came over TLS."""
    if not peer.trusted:
        return peer.ip, secure
    forwarded = headers.get("x-forwarded-for")
    scheme = headers.get("x-forwarded-proto")
    if scheme is not None:
        secure = scheme.rpartition(",")[2].strip().lower() == "https"
    return (peer.ip if forwarded is None else _forwarded(forwarded, trusted)), secure


def _forwarded(header: str, trusted: Sequence[Network]) -> str:
    """The right-most address that is not a trusted proxy's; the left-most if all are."""
    candidate: Address | None = None
    for text in reversed(header.split(",")):
        try:
            candidate = address(text.strip())
        except ValueError:
            raise BadForwarding(header) from None
        if not _is_trusted(candidate, trusted):
            break
    return str(candidate)


class PeerCounts:
    """Counts the connections of each peer. A trusted proxy has no limit of its own (section 6)."""

    def __init__(self, per_peer: int, in_all: int) -> None:
        self._counts: dict[str, int] = {}
        self._per_peer = per_peer
        self._in_all = in_all
        self.total = 0

    def allow(self, per_peer: int, in_all: int) -> None:
        """Set the limits from now on; open connections stay."""
        self._per_peer, self._in_all = per_peer, in_all

    def is_one(self) -> bool:
        """Is no more than one connection open?"""
        return self.total <= 1

    def admit(self, peer: Peer) -> bool:
        """Count one more connection; False if it is over a limit."""
        host = peer.host
        held = self._counts.get(host, 0)
        if self.total >= self._in_all or (held >= self._per_peer and not peer.trusted):
            return False
        self._counts[host] = held + 1
        self.total += 1
        return True

    def leave(self, peer: Peer) -> None:
        """One connection of an admitted peer ended."""
        host = peer.host
        held = self._counts[host] - 1
        self.total -= 1
        if held:
            self._counts[host] = held
        else:
            del self._counts[host]
