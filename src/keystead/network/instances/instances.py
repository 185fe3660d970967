"""DescribeInstances, ModifyInstanceMetadataOptions.

Instances are registered by the owner of the data directory, and run elsewhere: what is known of
them here is what was said then. Version 1 of their metadata is not served, so a request that allows
it is refused; so are IPv6 and tags, which the agent does not serve.
"""

import hashlib
from functools import partial
from typing import Literal

from keystead.network import attributes, filters, paging
from keystead.network.call import NetworkCall
from keystead.network.errors import InvalidInstanceId
from keystead.network.hosts import Host
from keystead.network.instances import resources
from keystead.network.instances.options import require_hops, require_served
from keystead.registry import implements
from keystead.times import from_seconds, iso_seconds
from keystead.wire.models import ec2 as api
from keystead.wire.query import InvalidParameterValue

_RUNNING = 16
_STATE: Literal["running"] = "running"
_DISABLED: Literal["disabled"] = "disabled"
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
    passes = filters.passing(request.filters, _filters(call), lambda _: {})
    if request.instance_ids:
        if len(request.instance_ids) > paging.MOST:
            raise InvalidParameterValue(f"A request names at most {paging.MOST} instances.")
        named = (_named(call, each) for each in dict.fromkeys(request.instance_ids))
        page = paging.cut(call, request, [each for each in named if passes(each)], least=least)
    else:
        page = paging.walk(
            call,
            request,
            partial(call.hosts.after, call.transaction, call.account, call.region),
            lambda each: each.instance_id,
            passes,
            least=least,
        )
    return api.DescribeInstancesResult(
        reservations=[_reservation(call, each) for each in page.items], next_token=page.marker
    )


@implements(api.ModifyInstanceMetadataOptions)
def modify_instance_metadata_options(
    call: NetworkCall, request: api.ModifyInstanceMetadataOptionsRequest
) -> api.ModifyInstanceMetadataOptionsResult:
    for keys in attributes.each(request, _MEMBERS):
        host = resources.ask(call, request.instance_id, keys)
    call.require_real(dry_run=request.dry_run)
    require_served(request.http_tokens, request.instance_metadata_tags, request.http_protocol_ipv6)
    endpoint = request.http_endpoint or host.endpoint
    hops = request.http_put_response_hop_limit
    hops = host.hop_limit if hops is None else hops
    require_hops(hops)
    if (endpoint, hops) != (host.endpoint, host.hop_limit):
        host = call.hosts.update(call.transaction, call.hosts.with_options(host, endpoint, hops))
    return api.ModifyInstanceMetadataOptionsResult(
        instance_id=host.instance_id, instance_metadata_options=_options(call, host)
    )


def _filters(call: NetworkCall) -> dict[str, filters.Values[Host]]:
    def profile(host: Host) -> tuple[str, ...]:
        association = call.hosts.association_of(call.transaction, host)
        return () if association is None else (association.profile_arn,)

    return {
        "availability-zone": lambda each: (each.zone,),
        "iam-instance-profile.arn": profile,
        "image-id": lambda each: (each.image_id,) if each.image_id else (),
        "instance-id": lambda each: (each.instance_id,),
        "instance-state-code": lambda _: (str(_RUNNING),),
        "instance-state-name": lambda _: (_STATE,),
        "instance-type": lambda each: (each.instance_type,) if each.instance_type else (),
        "launch-time": lambda each: (iso_seconds(from_seconds(each.registered)),),
        "owner-id": lambda each: (each.account,),
        "private-ip-address": lambda each: (each.private_ip,) if each.private_ip else (),
        "vpc-id": lambda each: (each.vpc_id,) if each.vpc_id else (),
    }


def _named(call: NetworkCall, instance_id: str) -> Host:
    host = call.hosts.get(call.transaction, call.account, call.region, instance_id)
    if host is None:
        raise InvalidInstanceId(instance_id)
    return host


def _reservation(call: NetworkCall, host: Host) -> api.Reservation:
    digest = hashlib.sha256(host.instance_id.encode()).hexdigest()
    return api.Reservation(
        reservation_id=f"r-{digest[:17]}",
        owner_id=host.account,
        groups=[],
        instances=[_shown(call, host)],
    )


def _shown(call: NetworkCall, host: Host) -> api.Instance:
    association = call.hosts.association_of(call.transaction, host)
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
        metadata_options=_options(call, host),
        security_groups=[],
        block_device_mappings=[],
        network_interfaces=[],
        product_codes=[],
        tags=[],
        monitoring=api.Monitoring(state=_DISABLED),
    )


def _options(call: NetworkCall, host: Host) -> api.InstanceMetadataOptionsResponse:
    applied = call.hosts.is_applied(call.transaction, host)
    return api.InstanceMetadataOptionsResponse(
        state="applied" if applied else "pending",
        http_tokens="required",
        http_put_response_hop_limit=host.hop_limit,
        http_endpoint="enabled" if host.endpoint == "enabled" else _DISABLED,
        http_protocol_ipv6=_DISABLED,
        instance_metadata_tags=_DISABLED,
    )
