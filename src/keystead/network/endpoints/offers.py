"""For which services can an endpoint be made, and which calls does it let through?

A service is named `com.amazonaws.REGION.NAME`. IAM and Organizations have one place in the world,
and callers sign for them as their SDKs do. The service of IAM is named `com.amazonaws.iam`.

An endpoint may be in another Region than its service, where AWS has that (KMS and IAM). Here it is
also so for Organizations: an installation may not have the Region where that is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from keystead.arns import partition_of

_LEAD = "com.amazonaws"
TYPE: Literal["Interface"] = "Interface"
"""The type of every endpoint here."""
OWNER = "amazon"
"""The owner of every service, as conditions and filters name it."""


class _Kind(NamedTuple):
    """What is known of a service by the ending of its name."""

    service: str  # the signing name of its calls
    from_elsewhere: bool = False  # may the endpoint be in another Region?
    one_place: bool = False


_KINDS: Mapping[str, _Kind] = {
    "access-analyzer": _Kind("access-analyzer"),
    "cloudtrail": _Kind("cloudtrail"),
    "ec2": _Kind("ec2"),
    "iam": _Kind("iam", from_elsewhere=True, one_place=True),
    "kms": _Kind("kms", from_elsewhere=True),
    "kms-fips": _Kind("kms", from_elsewhere=True),
    "organizations": _Kind("organizations", from_elsewhere=True, one_place=True),
    "rolesanywhere": _Kind("rolesanywhere"),
    "sts": _Kind("sts"),
}
_NAMELESS = "iam"  # Its name has no Region.


@dataclass(frozen=True, slots=True)
class Offer:
    """One service in one Region."""

    region: str
    ending: str  # of its name
    domain: str = "amazonaws.com"  # how the names of hosts end

    @property
    def name(self) -> str:
        """The name by which an endpoint asks for it."""
        if self.ending == _NAMELESS:
            return f"{_LEAD}.{self.ending}"
        return f"{_LEAD}.{self.region}.{self.ending}"

    @property
    def service(self) -> str:
        """The signing name of the calls that an endpoint of it lets through."""
        return _KINDS[self.ending].service

    @property
    def from_elsewhere(self) -> bool:
        """May an endpoint of it be in another Region?"""
        return _KINDS[self.ending].from_elsewhere

    @property
    def signed_for(self) -> str:
        """The Region that its calls are signed for; "" if it is one place for all Regions."""
        return "" if _KINDS[self.ending].one_place else self.region

    @property
    def private_name(self) -> str:
        """The name that programs in the network use for the service."""
        if self.ending == _NAMELESS:
            return f"{self.ending}.{self.domain}"
        return f"{self.ending}.{self.region}.{self.domain}"


def _offered(region: str, ending: str) -> Offer | None:
    """A service in a Region, if it is there."""
    kind, partition = _KINDS.get(ending), partition_of(region)
    if kind is None or (kind.one_place and region != partition.global_region):
        return None
    domain = "amazonaws.com.cn" if partition.name == "aws-cn" else "amazonaws.com"
    return Offer(region, ending, domain)


def offers(region: str) -> list[Offer]:
    """Every service that a Region offers, by name."""
    every = (_offered(region, ending) for ending in _KINDS)
    return sorted((each for each in every if each is not None), key=lambda each: each.name)


def offer(name: str, region: str) -> Offer | None:
    """The service of this name, as an endpoint in this Region asks for it; None if there is none.

    The Region counts for the partition alone: the name tells where the service is.
    """
    lead, _, ending = name.rpartition(".")
    if lead == _LEAD and ending == _NAMELESS:
        return _offered(partition_of(region).global_region, ending)
    start, _, where = lead.rpartition(".")
    if start != _LEAD or ending == _NAMELESS:
        return None
    return _offered(where, ending)
