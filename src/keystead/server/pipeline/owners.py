"""Who owns the work of a request?  A principal, or for a stranger a part of the network.

Sessions of one role are one owner, but for those that somebody began by AssumeRole: they are of the
same owner as that caller's own requests. So nobody is two by taking a role. All that
come from one other account are one owner, because that account can make any number of users. The
federated users of a user are one owner with this user, because a user can give any number of names.
So are all bearers for whom one provider vouches. A stranger could take any name at no cost. So the
owner is the network that the request comes from.

The first word of an owner is its party: an account or all strangers (`lane.pool`). A provider is in
the party of the account that has made it, because an account can make many. A built-in provider,
which no account has made, is a party.

An operation may know better: who signs in with a browser that has signed in before, or has shown
the password in the step before, is no stranger (`Work.turn`).
"""

from keystead.arns import account_in
from keystead.networks import network_of
from keystead.policy.evaluation import Principal, PrincipalType
from keystead.server.lane import STRANGERS

__all__ = ("network_of", "owner_of", "stranger_at")


def owner_of(principal: Principal, source_ip: str) -> str:
    """The owner whose turn the work of this caller takes."""
    if principal.type is PrincipalType.FEDERATED:
        return f"{account_in(principal.issuer_arn)} {principal.issuer_arn}".lstrip()
    if principal.type is not PrincipalType.ANONYMOUS:
        own = principal.unique_id or principal.issuer_id or principal.user_id
        home, _, first = principal.begun_by.partition(" ")
        if not first:
            return f"{principal.account} {own}"
        return f"{principal.account} {first if home == principal.account else home}"
    return stranger_at(source_ip)


def stranger_at(source_ip: str) -> str:
    """The owner of a stranger's work."""
    return f"{STRANGERS} {network_of(source_ip)}"
