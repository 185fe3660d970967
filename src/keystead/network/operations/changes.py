"""ModifyVpcEndpoint and DeleteVpcEndpoints."""

import msgspec

from keystead.network import attributes
from keystead.network.call import NetworkCall
from keystead.network.endpoints import Endpoint, Shape, written
from keystead.network.errors import InvalidEndpointId, InvalidParameter
from keystead.network.operations import policies
from keystead.network.operations.creation import ACROSS_REGIONS
from keystead.network.operations.finding import existing, unknown
from keystead.network.operations.parts import changed, few, named, parts
from keystead.policy.evaluation import ContextValue
from keystead.registry import implements
from keystead.wire.models import ec2 as api

_MODIFY, _DELETE = "ec2:ModifyVpcEndpoint", "ec2:DeleteVpcEndpoints"
_MEMBERS = (
    "AddRouteTableId", "AddSecurityGroupId", "AddSubnetId", "DnsOptions", "IpAddressType",
    "PolicyDocument", "PrivateDnsEnabled", "RemoveRouteTableId", "RemoveSecurityGroupId",
    "RemoveSubnetId", "ResetPolicy", "SubnetConfiguration",
)  # fmt: skip
_MOST = 25  # endpoints that one call deletes


@implements(api.ModifyVpcEndpoint)
def modify_vpc_endpoint(
    call: NetworkCall, request: api.ModifyVpcEndpointRequest
) -> api.ModifyVpcEndpointResult:
    endpoint = existing(call, request.vpc_endpoint_id, _MODIFY)
    given = {
        "subnet": (
            named("subnet", request.add_subnet_ids),
            named("subnet", request.remove_subnet_ids),
        ),
        "security-group": (
            named("security-group", request.add_security_group_ids),
            named("security-group", request.remove_security_group_ids),
        ),
    }
    target = endpoint.target(endpoint.keys_of_service())
    for keys in attributes.each(request, _MEMBERS):
        call.authorize(_MODIFY, target, call.of_request(keys))
    if endpoint.is_elsewhere:
        call.authorize(ACROSS_REGIONS, endpoint.target())
    for kind, (added, removed) in given.items():
        for part in parts(call, kind, (*added, *removed), endpoint.vpc_arn):
            call.authorize(_MODIFY, part, call.of_request())
    _require_possible(request)
    shape = endpoint.parameters
    shape = msgspec.structs.replace(
        shape,
        subnets=_changed(shape.subnets, *given["subnet"]),
        groups=_changed(shape.groups, *given["security-group"]),
    )
    shape = _with_options(shape, request)
    policy, principals = endpoint.policy, endpoint.principals
    if request.reset_policy:
        policy, principals = policies.DEFAULT, written({})
    elif request.policy_document:
        policy = request.policy_document
        principals = written(policies.accepted(call, policy, replaced=len(endpoint.policy)))
    call.require_real(dry_run=request.dry_run)
    call.endpoints.update(
        call.transaction,
        msgspec.structs.replace(
            endpoint, policy=policy, principals=principals, shape=written(shape)
        ),
    )
    return api.ModifyVpcEndpointResult(return_=True)


def _with_options(shape: Shape, request: api.ModifyVpcEndpointRequest) -> Shape:
    """The parameters, as far as a request changes them."""
    changes: dict[str, object] = {}
    if request.ip_address_type is not None:
        changes["addresses"] = request.ip_address_type
    if request.private_dns_enabled is not None:
        changes["private_dns"] = request.private_dns_enabled
    shape = msgspec.structs.replace(shape, **changes)
    return changed(shape, request.dns_options, request.subnet_configurations)


def _require_possible(request: api.ModifyVpcEndpointRequest) -> None:
    if request.reset_policy and request.policy_document:
        raise InvalidParameter("ResetPolicy and PolicyDocument cannot be used together.")
    if request.add_route_table_ids or request.remove_route_table_ids:
        raise InvalidParameter("Route table IDs are only supported for Gateway type VPC Endpoint.")


def _changed(
    known: tuple[str, ...], added: tuple[str, ...], removed: tuple[str, ...]
) -> tuple[str, ...]:
    left = tuple(each for each in known if each not in removed)
    return few((*left, *added))


@implements(api.DeleteVpcEndpoints)
def delete_vpc_endpoints(
    call: NetworkCall, request: api.DeleteVpcEndpointsRequest
) -> api.DeleteVpcEndpointsResult:
    names = list(dict.fromkeys(request.vpc_endpoint_ids))
    if not 1 <= len(names) <= _MOST:
        raise InvalidParameter(f"A call deletes from 1 to {_MOST} endpoints.")
    own = {name: _own(call, name) for name in names}
    for name, endpoint in own.items():
        keys: dict[str, ContextValue] = {}
        if endpoint is not None:
            keys = {"ec2:vpceservicename": endpoint.service, **endpoint.keys_of_service()}
        target = unknown(call, name) if endpoint is None else endpoint.target(keys)
        call.authorize(_DELETE, target, call.of_request())
    call.require_real(dry_run=request.dry_run)
    missing: list[api.UnsuccessfulItem] = []
    for name, endpoint in own.items():
        if endpoint is None:
            missing.append(_missing(name))
        else:
            call.endpoints.delete(call.transaction, endpoint)
    return api.DeleteVpcEndpointsResult(unsuccessful=missing)


def _own(call: NetworkCall, name: str) -> Endpoint | None:
    return call.endpoints.own(call.transaction, call.account, call.region, name)


def _missing(name: str) -> api.UnsuccessfulItem:
    error = InvalidEndpointId(name)
    described = api.UnsuccessfulItemError(code=error.code, message=error.message)
    return api.UnsuccessfulItem(error=described, resource_id=name)
