"""Who owns the work of a request?  A principal, or for a stranger a part of the network.

Sessions of one role are one owner. The federated users of a user are one owner with this user,
because a user can give any number of names. So are all bearers for whom one provider vouches. A
stranger could take any name at no cost. So the owner is the network that the request comes from: a
/24 of IPv4, a /64 of IPv6.
"""

import ipaddress

from keystead.policy.evaluation import Principal, PrincipalType

_PREFIX = {4: 24, 6: 64}


def owner_of(principal: Principal, source_ip: str) -> str:
    """The owner whose turn the work of this caller takes."""
    if principal.type is PrincipalType.FEDERATED:
        return principal.issuer_arn
    if principal.type is not PrincipalType.ANONYMOUS:
        who = principal.unique_id or principal.issuer_id or principal.user_id
        return f"{principal.account} {who}"
    return network_of(source_ip)


def network_of(source_ip: str) -> str:
    """The owner while nobody knows the caller."""
    version = ipaddress.ip_address(source_ip).version
    return str(ipaddress.ip_network((source_ip, _PREFIX[version]), strict=False))
