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


class Wanted(NamedTuple):
    """A listener that settings name."""

    address: Address
    use: Use
    endpoint: Endpoint = Endpoint()  # the way by which its requests come

    @property
    def place(self) -> tuple[Address, Use, str]:
        """What stays if another endpoint gets the address. Port 0 is another one each time."""
        return self.address, self.use, "" if self.address.port else self.endpoint.vpce_id

    def open(self) -> list["Listening"]:
        """Its sockets; raises Failure."""
        return [Listening(each, self) for each in open_sockets(self.address)]


class Listening(NamedTuple):
    """A socket, and what it is for."""

    socket: socket.socket
    wanted: Wanted


def of_networks(config: Config) -> list[Wanted]:
    """The listeners of endpoints and balancers, which a running server opens and closes."""
    endpoints = [
        Wanted(each.address, Use.ENDPOINT, Endpoint(each.endpoint, each.endpoint))
        for each in config.endpoint_listeners
    ]
    return endpoints + [Wanted(address, Use.BALANCERS) for address in config.balanced]


def _wanted(config: Config) -> list[Wanted]:
    """Every listener but the console's. The first one is the API's."""
    wanted = [Wanted(address, Use.EVERYBODY) for address in config.addresses]
    wanted += of_networks(config)
    if config.metrics_listen:
        metrics = parse_address(config.metrics_listen, "metrics_listen")
        wanted.append(Wanted(metrics, Use.METRICS))
    return wanted


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
        own = (each.socket for each in self.sockets if each.wanted.use is Use.EVERYBODY)
        names = (each.getsockname() for each in own)
        return [Address(name[0], name[1]) for name in names]

    @classmethod
    def open(cls, config: Config) -> Self:
        """Take the addresses and read the certificate; raises Failure."""
        tls = None
        if config.tls_certificate:
            tls = tls_context(Path(config.tls_certificate), Path(config.tls_key))
        opened = [each for wanted in _wanted(config) for each in wanted.open()]
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
