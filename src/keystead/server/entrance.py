"""On which sockets does the server listen, and for what?  Taken before anything is opened."""

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple, Self

from keystead.server.door import open_sockets, tls_context
from keystead.server.installation import Address, Config, Network, parse_address
from keystead.wire.http import Endpoint


class Use(Enum):
    """The uses of a listener."""

    EVERYBODY = auto()
    ENDPOINT = auto()  # one VPC endpoint
    BALANCERS = auto()
    METRICS = auto()

    def trusted(self, config: Config) -> Sequence[Network]:
        """Whose word about a client counts here: in headers, or in prefaces."""
        if self is Use.BALANCERS:
            return config.balancers
        return () if self is Use.ENDPOINT else config.proxies


class Listening(NamedTuple):
    """A socket, what it is for, and the way by which its requests come."""

    socket: socket.socket
    use: Use = Use.EVERYBODY
    endpoint: Endpoint = Endpoint()


@dataclass(frozen=True, slots=True)
class Entrance:
    """The sockets and the certificate, taken before an installation is made or opened.

    The sockets are bound, but accept no connection yet: a client is refused until the start.
    """

    sockets: list[Listening]
    tls: ssl.SSLContext | None
    console: list[socket.socket] = field(default_factory=list)  # of the pages for persons
    console_tls: ssl.SSLContext | None = None

    @property
    def of_everybody(self) -> list[Address]:
        """Where the API listens for everybody, with the ports that were taken."""
        names = (each.socket.getsockname() for each in self.sockets if each.use is Use.EVERYBODY)
        return [Address(name[0], name[1]) for name in names]

    @classmethod
    def open(cls, config: Config) -> Self:
        """Take the addresses and read the certificate; raises Failure."""
        tls = None
        if config.tls_certificate:
            tls = tls_context(Path(config.tls_certificate), Path(config.tls_key))
        opened = [Listening(s) for address in config.addresses for s in open_sockets(address)]
        for each in config.endpoint_listeners:
            endpoint = Endpoint(each.endpoint, each.endpoint)
            opened += [Listening(s, Use.ENDPOINT, endpoint) for s in open_sockets(each.address)]
        for address in config.balanced:
            opened += [Listening(s, Use.BALANCERS) for s in open_sockets(address)]
        if config.metrics_listen:
            metrics = parse_address(config.metrics_listen, "metrics_listen")
            opened += [Listening(s, Use.METRICS) for s in open_sockets(metrics)]
        console, console_tls = [], None
        if config.console_address is not None:
            console = _on_loopback(config.console_address)
            if config.tls_certificate and config.console_url.startswith("https://"):
                console_tls = tls_context(Path(config.tls_certificate), Path(config.tls_key))
        return cls(opened, tls, console, console_tls)


def _on_loopback(address: Address) -> list[socket.socket]:
    """The sockets of an address; those of `localhost` on both of its addresses.

    Otherwise another user of the host could take the second one, and browsers would go there.
    """
    if address.host != "localhost":
        return open_sockets(address)
    opened = open_sockets(Address("127.0.0.1", address.port))
    if _has_ipv6():
        opened += open_sockets(Address("::1", opened[0].getsockname()[1]))
    return opened


def _has_ipv6() -> bool:
    """Has this machine the loopback address of IPv6?"""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
