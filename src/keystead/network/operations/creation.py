"""CreateVpcEndpoint: an interface endpoint for a service of this Region, or of another one.

A VPC is a name here. It is of the account for which the operator lists it. Without a list it is of
the account and Region whose endpoint names it first, until that account has no endpoint in it.
Another account hears that it does not exist. Subnets and security
groups are kept and shown. Nothing else exists of them.
"""

import hashlib
import re
from os import urandom

import msgspec

from keystead.arns import ec2_arn, spoken
from keystead.call import Target
from keystead.network import tagging
from keystead.network.call import NetworkCall
from keystead.network.endpoints import (
    NEW,
    OWNER,
    RESOURCE_TYPE,
    TYPE,
    Endpoint,
    Offer,
    Shape,
    offer,
    written,
)
from keystead.network.errors import (
    IdempotentParameterMismatch,
    InvalidParameter,
    InvalidServiceName,
    InvalidVpcId,
    VpcEndpointLimitExceeded,
)
from keystead.network.operations import policies
from keystead.network.operations.parts import changed, named, parts
from keystead.network.operations.shown import shown
from keystead.policy.evaluation import ContextValue
from keystead.registry import implements
from keystead.tags import request_keys
from keystead.times import microseconds
from keystead.wire.models import ec2 as api
from keystead.wire.query import InvalidParameterValue, MissingParameter

KIND = "vpc-endpoint"
_ACTION = "ec2:CreateVpcEndpoint"
ACROSS_REGIONS = "vpce:AllowMultiRegion"
"""Also asked, beside the action, about an endpoint in another Region than its service."""
_VPC = re.compile(r"vpc-(?:[0-9a-f]{8}|[0-9a-f]{17})", re.ASCII)
_LONGEST_TOKEN = 64
IN_VPC, IN_REGION = 50, 250  # AWS's quotas: of a VPC, and of the five VPCs of a Region


@implements(api.CreateVpcEndpoint)
def create_vpc_endpoint(
    call: NetworkCall, request: api.CreateVpcEndpointRequest
) -> api.CreateVpcEndpointResult:
    if not _VPC.fullmatch(request.vpc_id):
        raise InvalidVpcId(request.vpc_id)
    tags = tagging.of_new(request.tag_specifications, KIND)
    shape = _shape(request)
    _ask(call, request, tags, shape)
    offered = _offered(call, request)
    meant = policies.accepted(call, request.policy_document) if request.policy_document else {}
    call.require_real(dry_run=request.dry_run)
    made = _made_before(call, request)
    if made is None:
        _require_room(call, request.vpc_id)
        made = Endpoint(
            endpoint_id=f"vpce-0{urandom(8).hex()}",
            account=call.account,
            region=call.region,
            vpc_id=request.vpc_id,
            service=offered.name,
            policy=request.policy_document or policies.DEFAULT,
            principals=written(meant),
            tags=written(tags),
            shape=written(shape),
            token=request.client_token or "",
            asked=_hash(request),
            created_us=microseconds(call.now),
        )
        call.endpoints.insert(call.transaction, made)
    return api.CreateVpcEndpointResult(
        vpc_endpoint=shown(call, made), client_token=request.client_token
    )


def _ask(
    call: NetworkCall, request: api.CreateVpcEndpointRequest, tags: dict[str, str], shape: Shape
) -> None:
    """May they make an endpoint in this VPC, for this service, with these parts and tags?"""
    named = request.service_name or ""
    described: dict[str, ContextValue] = {**request_keys(tags), "ec2:vpceserviceowner": OWNER}
    if named:
        described["ec2:vpceservicename"] = named
    where = request.service_region or call.region
    elsewhere = where != call.region
    described |= {"ec2:vpceserviceregion": where, "ec2:vpcemultiregion": str(elsewhere).lower()}
    if shape.dns_preference:
        described["ec2:vpceprivatednspreference"] = shape.dns_preference
    if shape.dns_domains:
        described["ec2:vpceprivatednsspecifieddomains"] = shape.dns_domains
    vpc = Target(
        ec2_arn(call.region, call.account, f"vpc/{request.vpc_id}"),
        call.account,
        "AWS::EC2::VPC",
        condition_keys={"ec2:vpcid": request.vpc_id},
    )
    new = Target(ec2_arn(call.region, call.account, f"{KIND}/{NEW}"), call.account, RESOURCE_TYPE)
    call.authorize(_ACTION, vpc, call.of_request())
    call.authorize(_ACTION, new, call.of_request(described))
    if elsewhere:
        call.authorize(ACROSS_REGIONS, new)
    for part in parts(call, "subnet", shape.subnets):
        call.authorize(_ACTION, part, call.of_request())
    for part in parts(call, "security-group", shape.groups):
        call.authorize(_ACTION, part, call.of_request())
    if tags:
        creating = {**request_keys(tags), "ec2:createaction": "CreateVpcEndpoint"}
        call.authorize("ec2:CreateTags", new, call.of_request(creating))


def _shape(request: api.CreateVpcEndpointRequest) -> Shape:
    if request.route_table_ids:
        raise InvalidParameter("Route table IDs are only supported for Gateway type VPC Endpoint.")
    if len(request.client_token or "") > _LONGEST_TOKEN:
        raise InvalidParameterValue(f"ClientToken has more than {_LONGEST_TOKEN} characters.")
    shape = Shape(
        subnets=named("subnet", request.subnet_ids),
        groups=named("security-group", request.security_group_ids),
        addresses=request.ip_address_type or "ipv4",
        private_dns=request.private_dns_enabled is not False,
    )
    return changed(shape, request.dns_options, request.subnet_configurations)


def _offered(call: NetworkCall, request: api.CreateVpcEndpointRequest) -> Offer:
    if request.service_network_arn or request.resource_configuration_arn:
        raise InvalidParameter("Only endpoints for services are supported.")
    if not request.service_name:
        raise MissingParameter("The request must contain the parameter ServiceName")
    offered = offer(request.service_name, call.region)
    where = request.service_region or call.region
    known = {*call.regions, spoken().global_region}
    if offered is None or offered.region != where or where not in known:
        raise InvalidServiceName(request.service_name)
    if where != call.region and not offered.from_elsewhere:
        raise InvalidParameter(
            f"An endpoint for {offered.name} is in the Region of the service, {where}."
        )
    kind = request.vpc_endpoint_type or "Gateway"  # AWS's default
    if kind != TYPE:
        raise InvalidParameter(
            f"Endpoint type ({kind}) does not match available service types ([{TYPE}])."
        )
    return offered


def _made_before(call: NetworkCall, request: api.CreateVpcEndpointRequest) -> Endpoint | None:
    """The endpoint that the same request made, by its client token."""
    if not request.client_token:
        return None
    for endpoint in call.endpoints.of(call.transaction, call.account, call.region):
        if endpoint.token == request.client_token:
            if endpoint.asked != _hash(request):
                raise IdempotentParameterMismatch
            return endpoint
    return None


def _hash(request: api.CreateVpcEndpointRequest) -> str:
    return hashlib.sha256(msgspec.json.encode(request, order="sorted")).hexdigest()


def _require_room(call: NetworkCall, vpc_id: str) -> None:
    """Is the VPC the caller's, and is there room for one more endpoint?"""
    if not call.vpcs.may_have(call.account, vpc_id):
        raise InvalidVpcId(vpc_id)
    there = [
        each
        for each in call.endpoints.in_vpc(call.transaction, vpc_id)
        if call.vpcs.may_have(each.account, vpc_id)
    ]
    if any((each.account, each.region) != (call.account, call.region) for each in there):
        raise InvalidVpcId(vpc_id)
    if len(there) >= IN_VPC:
        raise VpcEndpointLimitExceeded(f"A VPC has at most {IN_VPC} interface endpoints.")
    if len(call.endpoints.of(call.transaction, call.account, call.region)) >= IN_REGION:
        raise VpcEndpointLimitExceeded(f"A Region has at most {IN_REGION} interface endpoints.")
