"""What is an endpoint of a network?  Its row, and what is read from it."""

from collections.abc import Mapping

import msgspec

from keystead.arns import ec2_arn
from keystead.call import Target
from keystead.custody.rows import Record
from keystead.network.endpoints.offers import Offer, offer
from keystead.policy.evaluation import NO_KEYS, ContextValue
from keystead.tags import resource_keys
from keystead.wire.models import ec2 as api

RESOURCE_TYPE = "AWS::EC2::VPCEndpoint"
NEW = "*"
"""Stands for the id of an endpoint that is to be made, in the ARN that policies see."""


def of_place(offered: Offer, region: str) -> dict[str, ContextValue]:
    """The condition keys that tell where a service is, for an endpoint in this Region."""
    elsewhere = offered.region != region
    return {"ec2:vpceserviceregion": offered.region, "ec2:vpcemultiregion": str(elsewhere).lower()}


class Shape(msgspec.Struct, frozen=True, omit_defaults=True):
    """The parameters of an endpoint that are kept and shown, and decide nothing here."""

    subnets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    addresses: api.IpAddressType = "ipv4"
    private_dns: bool = True
    dns_record_type: api.DnsRecordIpType = "ipv4"
    inbound_only: bool = False
    dns_preference: str = ""
    dns_domains: tuple[str, ...] = ()
    own_addresses: tuple[tuple[str, str, str], ...] = ()  # subnet, IPv4, IPv6


_shape = msgspec.json.Decoder(Shape).decode
_texts = msgspec.json.Decoder(dict[str, str]).decode


def written(value: object) -> str:
    """The JSON of a column."""
    return msgspec.json.encode(value).decode()


class Endpoint(Record, frozen=True, kw_only=True, gc=False):
    """One endpoint."""

    endpoint_id: str
    account: str
    region: str
    vpc_id: str
    service: str  # its name, "com.amazonaws.eu-central-1.kms"
    policy: str  # as it was written
    principals: str  # the unique ids of those that it names
    tags: str
    shape: str
    token: str  # of the client, or ""
    asked: str  # a hash of the request that made it
    created_us: int

    @property
    def arn(self) -> str:
        return ec2_arn(self.region, self.account, f"vpc-endpoint/{self.endpoint_id}")

    @property
    def vpc_arn(self) -> str:
        return ec2_arn(self.region, self.account, f"vpc/{self.vpc_id}")

    @property
    def offered(self) -> Offer | None:
        """The service behind it."""
        return offer(self.service, self.region)

    @property
    def is_elsewhere(self) -> bool:
        """Is it in another Region than the service behind it?"""
        offered = self.offered
        return offered is not None and offered.region != self.region

    def keys_of_service(self) -> dict[str, ContextValue]:
        """The condition keys of a change of it, about the place of the service behind it."""
        offered = self.offered
        return {} if offered is None else of_place(offered, self.region)

    @property
    def tag_values(self) -> dict[str, str]:
        """The tags."""
        return _texts(self.tags)

    @property
    def meant(self) -> dict[str, str]:
        """The unique ids of the principals that its policy names."""
        return _texts(self.principals)

    @property
    def parameters(self) -> Shape:
        """What is only kept and shown."""
        return _shape(self.shape)

    def target(self, keys: Mapping[str, ContextValue] = NO_KEYS) -> Target:
        """The endpoint as policies see it, with these condition keys beside those of its tags."""
        described = {**resource_keys(self.tag_values, "aws", "ec2"), **keys}
        return Target(self.arn, self.account, RESOURCE_TYPE, condition_keys=described)
