"""DescribeInstances, ModifyInstanceMetadataOptions.

Instances are registered by the owner of the data directory, and run elsewhere: what is known of
them here is what was said then. Version 1 of their metadata is not served, so a request that allows
it is refused; so is IPv6, which the agent does not serve.
"""

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Literal

from keystead import paging as parts
from keystead.network import attributes, filters, paging, tagging
from keystead.network.call import NetworkCall
from keystead.network.errors import InvalidInstanceId
from keystead.network.hosts import Described, Host
from keystead.network.instances import resources
from keystead.network.instances.options import require_hops, require_served
from keystead.registry import implements
from keystead.times import from_seconds, iso_seconds
from keystead.wire.models import ec2 as api
from keystead.wire.query import InvalidParameterValue

_RUNNING = 16
_STATE: Literal["running"] = "running"
_ENABLED: Literal["enabled"] = "enabled"
_DISABLED: Literal["disabled"] = "disabled"
_A_HOST, _A_TAG = 600, 60  # characters of an instance and of a tag, without its own
_MEMBERS = (
    "HttpEndpoint", "HttpProtocolIpv6", "HttpPutResponseHopLimit", "HttpTokens",
    "InstanceMetadataTags",
)  # fmt: skip


@implements(api.DescribeInstances)
def describe_instances(
    call: NetworkCall, request: api.DescribeInstancesRequest
) -> api.DescribeInstancesResult:
    call.authorize_list()
    call.require_real(dry_run=request.dry_run)
    least = 5 if request.max_results is not None else 1
    passes = filters.passing(request.filters, _FILTERS, lambda each: each.tagged.values)
    if request.instance_ids:
        named = _named(call, request.instance_ids)
        listed = [each for each in named if passes(each)]
        page = paging.cut(call, request, listed, least=least, text=_length)
    else:
        page = paging.walk(
            call,
            request,
            partial(call.hosts.after, call.transaction, call.account, call.region),
            lambda each: each.host.instance_id,
            passes,
            least=least,
            text=_length,
        )
    return api.DescribeInstancesResult(
        reservations=[_reservation(each) for each in page.items], next_token=page.marker
    )


@implements(api.ModifyInstanceMetadataOptions)
def modify_instance_metadata_options(
    call: NetworkCall, request: api.ModifyInstanceMetadataOptionsRequest
) -> api.ModifyInstanceMetadataOptionsResult:
    for keys in attributes.each(request, _MEMBERS):
        host = resources.ask(call, request.instance_id, keys)
    call.require_real(dry_run=request.dry_run)
    require_served(request.http_tokens, request.http_protocol_ipv6)
    endpoint = request.http_endpoint or host.endpoint
    hops = request.http_put_response_hop_limit
    hops = host.hop_limit if hops is None else hops
    require_hops(hops)
    tagged = call.hosts.tags(call.transaction, host)
    in_metadata = request.instance_metadata_tags or tagged.in_metadata
    if in_metadata == _ENABLED:
        tagging.require_paths(tagged.values)
    options = (endpoint, hops, in_metadata)
    if options != (host.endpoint, host.hop_limit, tagged.in_metadata):
        host = call.hosts.update(call.transaction, call.hosts.with_options(host, endpoint, hops))
        call.hosts.keep_tags(call.transaction, tagged, tagged.values, in_metadata)
    [changed] = call.hosts.described(call.transaction, [host])
    return api.ModifyInstanceMetadataOptionsResult(
        instance_id=host.instance_id, instance_metadata_options=_options(changed)
    )


_FILTERS: dict[str, filters.Values[Described]] = {
    "availability-zone": lambda each: (each.host.zone,),
    "iam-instance-profile.arn": lambda each: (
        () if each.association is None else (each.association.profile_arn,)
    ),
    "image-id": lambda each: (each.host.image_id,) if each.host.image_id else (),
    "instance-id": lambda each: (each.host.instance_id,),
    "instance-state-code": lambda _: (str(_RUNNING),),
    "instance-state-name": lambda _: (_STATE,),
    "instance-type": lambda each: (each.host.instance_type,) if each.host.instance_type else (),
    "launch-time": lambda each: (iso_seconds(from_seconds(each.host.registered)),),
    "metadata-options.instance-metadata-tags": lambda each: (each.tagged.in_metadata,),
    "owner-id": lambda each: (each.host.account,),
    "private-ip-address": lambda each: (each.host.private_ip,) if each.host.private_ip else (),
    "vpc-id": lambda each: (each.host.vpc_id,) if each.host.vpc_id else (),
}


def _named(call: NetworkCall, names: Sequence[str]) -> list[Described]:
    """The instances with these ids, each once, in this order; raises EC2's errors."""
    if len(names) > paging.MOST:
        raise InvalidParameterValue(f"A request names at most {paging.MOST} instances.")
    once = list(dict.fromkeys(names))

    def part(after: str, count: int) -> list[tuple[str, Described]]:
        begin = int(after or "0")
        here = once[begin : begin + count]
        described = call.hosts.described(call.transaction, [_existing(call, each) for each in here])
        return [(str(place), each) for place, each in enumerate(described, begin + 1)]

    following = parts.in_parts(call.preparations, call.event.request_id, part, lambda each: each[0])
    return [described for _, described in following("", len(once))]


def _existing(call: NetworkCall, name: str) -> Host:
    host = call.hosts.get(call.transaction, call.account, call.region, name)
    if host is None:
        raise InvalidInstanceId(name)
    return host


def _length(described: Described) -> int:
    """About how many characters an instance has in an answer, for what it costs to write them."""
    tags = described.tagged.values
    return _A_HOST + sum(_A_TAG + len(key) + len(value) for key, value in tags.items())


def _reservation(described: Described) -> api.Reservation:
    host = described.host
    digest = hashlib.sha256(host.instance_id.encode()).hexdigest()
    return api.Reservation(
        reservation_id=f"r-{digest[:17]}",
        owner_id=host.account,
        groups=[],
        instances=[_shown(described)],
    )


def _shown(described: Described) -> api.Instance:
    host, association = described.host, described.association
    profile = None
    if association is not None:
        profile = api.IamInstanceProfile(arn=association.profile_arn, id=association.profile_id)
    return api.Instance(
        instance_id=host.instance_id,
        image_id=host.image_id or None,
        state=api.InstanceState(code=_RUNNING, name=_STATE),
        instance_type=host.instance_type or None,
        launch_time=from_seconds(host.registered),
        placement=api.Placement(availability_zone=host.zone, tenancy="default"),
        private_ip_address=host.private_ip or None,
        vpc_id=host.vpc_id or None,
        iam_instance_profile=profile,
        metadata_options=_options(described),
        security_groups=[],
        block_device_mappings=[],
        network_interfaces=[],
        product_codes=[],
        tags=tagging.shown(described.tagged.values),
        monitoring=api.Monitoring(state=_DISABLED),
    )


def _options(described: Described) -> api.InstanceMetadataOptionsResponse:
    host, tagged = described.host, described.tagged
    return api.InstanceMetadataOptionsResponse(
        state="applied" if described.applied else "pending",
        http_tokens="required",
        http_put_response_hop_limit=host.hop_limit,
        http_endpoint=_ENABLED if host.endpoint == _ENABLED else _DISABLED,
        http_protocol_ipv6=_DISABLED,
        instance_metadata_tags=_ENABLED if tagged.in_metadata == _ENABLED else _DISABLED,
    )
