"""For which services can an endpoint be made, and which calls does it let through?

A service is named `com.amazonaws.REGION.NAME`. IAM and Organizations have one place in the world,
and no endpoint of a Region (iam.md 1.11).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from keystead.arns import partition_of

_LEAD = "com.amazonaws"
TYPE: Literal["Interface"] = "Interface"
"""The type of every endpoint here."""
OWNER = "amazon"
"""The owner of every service, as conditions and filters name it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One service in one Region."""

    region: str
    ending: str  # of its name
    service: str  # the signing name of the calls that an endpoint of it lets through

    @property
    def name(self) -> str:
        """The name by which an endpoint asks for it."""
        return f"{_LEAD}.{self.region}.{self.ending}"

    @property
    def domain(self) -> str:
        """How the names of hosts end."""
        return "amazonaws.com.cn" if partition_of(self.region).name == "aws-cn" else "amazonaws.com"

    @property
    def private_name(self) -> str:
        """The name that programs in the network use for the service."""
        return f"{self.ending}.{self.region}.{self.domain}"


_ENDINGS: Mapping[str, str] = {
    "access-analyzer": "access-analyzer",
    "cloudtrail": "cloudtrail",
    "ec2": "ec2",
    "kms": "kms",
    "kms-fips": "kms",
    "sts": "sts",
}
"""How the names of services end, and the signing name of each."""


def offers(region: str) -> list[Offer]:
    """Every service that a Region offers, by name."""
    return [Offer(region, ending, service) for ending, service in sorted(_ENDINGS.items())]


def offer(name: str) -> Offer | None:
    """The service of this name in its Region, served here or not; None if no Region offers it."""
    lead, _, ending = name.rpartition(".")
    start, _, region = lead.rpartition(".")
    service = _ENDINGS.get(ending)
    return Offer(region, ending, service) if service is not None and start == _LEAD else None
