"""DescribeVpcEndpoints, and DescribePrefixLists, of which there are none."""

from keystead.network import filters, paging
from keystead.network.call import NetworkCall
from keystead.network.endpoints import TYPE, Endpoint
from keystead.network.errors import InvalidEndpointId, InvalidPrefixListId
from keystead.network.operations.shown import AVAILABLE, shown
from keystead.registry import implements
from keystead.wire.models import ec2 as api

_FILTERS: dict[str, filters.Values[Endpoint]] = {
    "ip-address-type": lambda each: (each.parameters.addresses,),
    "owner-id": lambda each: (each.account,),
    "service-name": lambda each: (each.service,),
    "service-region": lambda each: () if each.offered is None else (each.offered.region,),
    "vpc-endpoint-id": lambda each: (each.endpoint_id,),
    "vpc-endpoint-state": lambda _: (AVAILABLE,),
    "vpc-endpoint-type": lambda _: (TYPE,),
    "vpc-id": lambda each: (each.vpc_id,),
}
_NO_PREFIX_LISTS: dict[str, filters.Values[str]] = {
    "prefix-list-id": lambda _: (),
    "prefix-list-name": lambda _: (),
}


@implements(api.DescribeVpcEndpoints)
def describe_vpc_endpoints(
    call: NetworkCall, request: api.DescribeVpcEndpointsRequest
) -> api.DescribeVpcEndpointsResult:
    call.authorize_list()
    call.require_real(dry_run=request.dry_run)
    listed = list(call.endpoints.of(call.transaction, call.account, call.region))
    if request.vpc_endpoint_ids:
        by_id = {each.endpoint_id: each for each in listed}
        for name in request.vpc_endpoint_ids:
            if name not in by_id:
                raise InvalidEndpointId(name)
        listed = [by_id[name] for name in dict.fromkeys(request.vpc_endpoint_ids)]
    chosen = filters.chosen(listed, request.filters, _FILTERS, lambda each: each.tag_values)
    page = paging.cut(call, request, chosen, text=lambda each: len(each.policy))
    return api.DescribeVpcEndpointsResult(
        vpc_endpoints=[shown(call, each) for each in page.items], next_token=page.marker
    )


@implements(api.DescribePrefixLists)
def describe_prefix_lists(
    call: NetworkCall, request: api.DescribePrefixListsRequest
) -> api.DescribePrefixListsResult:
    """Only gateway endpoints have them. Terraform asks for them of every endpoint."""
    call.authorize_list()
    call.require_real(dry_run=request.dry_run)
    for name in request.prefix_list_ids or ():
        raise InvalidPrefixListId(name)
    none: list[str] = []
    page = paging.cut(call, request, filters.chosen(none, request.filters, _NO_PREFIX_LISTS))
    return api.DescribePrefixListsResult(prefix_lists=[], next_token=page.marker)
