"""How is an endpoint shown in answers?

It has no network interfaces and no names of its own: clients reach the listener that the operator
binds to it (docs/network-endpoints.md).
"""

from keystead.network import tagging
from keystead.network.call import NetworkCall
from keystead.network.endpoints import TYPE, Endpoint
from keystead.policy.language import shown_again
from keystead.times import from_microseconds
from keystead.wire.models import ec2 as api

AVAILABLE = "available"


def shown(call: NetworkCall, endpoint: Endpoint) -> api.VpcEndpoint:
    """The endpoint as its owner sees it, its policy with today's names."""
    shape, offered = endpoint.parameters, endpoint.offered
    return api.VpcEndpoint(
        vpc_endpoint_id=endpoint.endpoint_id,
        vpc_endpoint_type=TYPE,
        vpc_id=endpoint.vpc_id,
        service_name=endpoint.service,
        state=AVAILABLE,
        policy_document=shown_again(endpoint.policy, endpoint.meant, call.principals.arn),
        route_table_ids=[],
        subnet_ids=list(shape.subnets),
        groups=[api.SecurityGroupIdentifier(group_id=each, group_name=each)
                for each in shape.groups],
        ip_address_type=shape.addresses,
        dns_options=api.DnsOptions(
            dns_record_ip_type=shape.dns_record_type,
            private_dns_only_for_inbound_resolver_endpoint=shape.inbound_only,
            private_dns_preference=shape.dns_preference or None,
            private_dns_specified_domains=list(shape.dns_domains) or None,
        ),
        private_dns_enabled=shape.private_dns,
        requester_managed=False,
        network_interface_ids=[],
        dns_entries=[],
        creation_timestamp=from_microseconds(endpoint.created_us),
        tags=tagging.shown(endpoint.tag_values),
        owner_id=endpoint.account,
        ipv4_prefixes=[],
        ipv6_prefixes=[],
        service_region=endpoint.region if offered is None else offered.region,
    )  # fmt: skip
