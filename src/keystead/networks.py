"""Which part of the network does an address belong to?  A /24 of IPv4, a /64 of IPv6.

A stranger can take any address of such a part at no cost, so strangers are counted by it.
"""

import ipaddress

_PREFIX = {4: 24, 6: 64}


def network_of(source_ip: str) -> str:
    """The network of an address."""
    version = ipaddress.ip_address(source_ip).version
    return str(ipaddress.ip_network((source_ip, _PREFIX[version]), strict=False))
