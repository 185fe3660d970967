"""Who owns the work of a request?  A principal, or for a stranger a part of the network.

Sessions of one role are one owner. The federated users of a user are one owner with this user,
because a user can give any number of names. So are all bearers for whom one provider vouches. A
stranger could take any name at no cost. So the owner is the network that the request comes from.
"""

from keystead.networks import network_of
from keystead.policy.evaluation import Principal, PrincipalType

__all__ = ("network_of", "owner_of")


def owner_of(principal: Principal, source_ip: str) -> str:
    """The owner whose turn the work of this caller takes."""
    if principal.type is PrincipalType.FEDERATED:
        return principal.issuer_arn
    if principal.type is not PrincipalType.ANONYMOUS:
        who = principal.unique_id or principal.issuer_id or principal.user_id
        return f"{principal.account} {who}"
    return network_of(source_ip)
