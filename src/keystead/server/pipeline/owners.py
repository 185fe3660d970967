"""Whose is the work of a request?  A principal's, or a stranger's part of the network.

Sessions of one role are one owner. A stranger has no name that would cost something, so what counts
is where a request comes from: a /24 of IPv4, a /64 of IPv6.
"""

import ipaddress

from keystead.policy.evaluation import Principal, PrincipalType

_PREFIX = {4: 24, 6: 64}


def owner_of(principal: Principal, source_ip: str) -> str:
    """Whose turn the work of this caller takes."""
    if principal.type is not PrincipalType.ANONYMOUS:
        return f"{principal.account} {principal.unique_id}"
    version = ipaddress.ip_address(source_ip).version
    return str(ipaddress.ip_network((source_ip, _PREFIX[version]), strict=False))
