"""To which addresses may a fetch connect?  (threat-model OI-4)

A provider's host is a name that an account chose, and its name servers may answer with any address.
So the rule is about the address that is connected to:

    public                            yes
    private, loopback, shared         if `federation_private_addresses` has the host or the network
    link-local, metadata services     never
    multicast, reserved, unspecified  never
    a listener of this server         never

An IPv6 address that stands for an IPv4 address is judged as that one.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST = re.compile(
    r"\A(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\Z"
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_METADATA: tuple[Network, ...] = (  # of AWS, Alibaba, Oracle and Azure; others are link-local
    ipaddress.IPv6Network("fd00:ec2::/32"),
    ipaddress.IPv4Network("100.100.100.200/32"),
    ipaddress.IPv4Network("192.0.0.192/32"),
    ipaddress.IPv4Network("168.63.129.16/32"),
)


class NotAPlace(ValueError):
    """A text that is neither a host nor a network."""


@dataclass(frozen=True, slots=True)
class Own:
    """A listener of this server. Without an address it listens on all of the machine's."""

    address: Address | None
    port: int

    @classmethod
    def at(cls, host: str, port: int) -> "Own":
        """The listener on a host. A name is taken for all of the machine's addresses."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return cls(None, port)
        return cls(None if address.is_unspecified else address, port)


@dataclass(frozen=True, slots=True)
class Reachable:
    """The installation's choice of addresses that are not public, and its own listeners."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    own: tuple[Own, ...] = ()

    @classmethod
    def read(cls, texts: Iterable[str], own: Iterable[Own] = ()) -> "Reachable":
        """Hosts and networks, as the setting has them; raises NotAPlace with the wrong text."""
        hosts, networks = set(), []
        for text in texts:
            try:
                networks.append(ipaddress.ip_network(text))
            except ValueError:
                host = text.lower()
                if _HOST.match(host) is None or host.replace(".", "").isdigit():
                    raise NotAPlace(text) from None
                hosts.add(host)
        return cls(frozenset(hosts), tuple(networks), tuple(own))

    def refusal(self, host: str, address: str, port: int) -> str:
        """Why this address of a host must not be connected to; "" if it may be."""
        try:
            meant = _meant(ipaddress.ip_address(address))
        except ValueError:
            return f"{address} is no address"
        if why := self._never(meant, address, port):
            return why
        if _is_public(meant) or host in self.hosts or any(meant in net for net in self.networks):
            return ""
        return f"{address} is not public, and federation_private_addresses does not have it"

    def refusal_of_operator(self, address: str, port: int) -> str:
        """The same for a host that the operator named, who may name private ones (0061)."""
        try:
            meant = _meant(ipaddress.ip_address(address))
        except ValueError:
            return f"{address} is no address"
        return self._never(meant, address, port)

    def _never(self, meant: Address, address: str, port: int) -> str:
        """Why nothing connects to this address, whoever named it."""
        if any(self._is_own(own, meant, port) for own in self.own):
            return f"{address} port {port} is a listener of this server"
        if _is_never(meant):
            return f"{address} is link-local, reserved, of metadata, or no address of one host"
        return ""

    @staticmethod
    def _is_own(own: Own, address: Address, port: int) -> bool:
        if own.port != port:
            return False
        return _is_local(address) if own.address is None else address == own.address


def _meant(address: Address) -> Address:
    """The address that is reached in the end."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if address in _SIX_TO_FOUR:
            return ipaddress.IPv4Address(int(address) >> 80 & 0xFFFF_FFFF)
    return address


def _is_public(address: Address) -> bool:
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not site_local


def _is_never(address: Address) -> bool:
    if address.is_loopback:  # IPv6's is in a reserved network
        return False
    return (
        address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or address.is_reserved
        or (isinstance(address, ipaddress.IPv4Address) and int(address) >> 24 == 0)
        or (isinstance(address, ipaddress.IPv6Address) and bool(address.scope_id))
        or any(address in network for network in _METADATA)
    )


def _is_local(address: Address) -> bool:
    """Does this machine have the address?  Then a socket can be bound to it."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as bound:
            bound.bind((str(address), 0))
    except OSError:
        return False
    return True
