"""Which part of the network does an address belong to?

network    a /24 of IPv4, a /64 of IPv6: a stranger can take any of its addresses at no cost,
           so strangers are counted by it
host       an address of IPv4, a /64 of IPv6: what one machine has at least (RFC 4291, 2.5.1),
           so connections are counted by it
"""

import ipaddress

_PREFIX = {4: 24, 6: 64}


def network_of(source_ip: str) -> str:
    """The network of an address."""
    version = ipaddress.ip_address(source_ip).version
    return str(ipaddress.ip_network((source_ip, _PREFIX[version]), strict=False))


def host_of(source_ip: str) -> str:
    """The host of an address."""
    return network_of(source_ip) if ":" in source_ip else source_ip
