"""DescribeVpcEndpointServices: for which services can an endpoint be made here?"""

import hashlib

from keystead.arns import spoken
from keystead.network import filters, paging
from keystead.network.call import NetworkCall
from keystead.network.endpoints import OWNER, TYPE, Offer, offer, offers
from keystead.network.errors import InvalidServiceName
from keystead.registry import implements
from keystead.wire.models import ec2 as api
from keystead.wire.query import InvalidParameterValue

_ADDRESSES: tuple[api.ServiceConnectivityType, ...] = ("ipv4", "ipv6")


@implements(api.DescribeVpcEndpointServices)
def describe_vpc_endpoint_services(
    call: NetworkCall, request: api.DescribeVpcEndpointServicesRequest
) -> api.DescribeVpcEndpointServicesResult:
    call.authorize_list()
    call.require_real(dry_run=request.dry_run)
    for region in request.service_regions or ():
        if region not in call.regions and region != spoken().global_region:
            raise InvalidParameterValue(f"Value ({region[:100]}) for parameter ServiceRegion is"
                                        " invalid.")  # fmt: skip
    regions = request.service_regions or [call.region]
    listed = [each for region in dict.fromkeys(regions) for each in offers(region)]
    if request.service_names:
        listed = [_named(name, listed) for name in dict.fromkeys(request.service_names)]
    listed = filters.chosen(listed, request.filters, _FILTERS, lambda _: {})
    page = paging.cut(call, request, listed)
    return api.DescribeVpcEndpointServicesResult(
        service_names=[each.name for each in page.items],
        service_details=[_detail(each) for each in page.items],
        next_token=page.marker,
    )


_FILTERS: dict[str, filters.Values[Offer]] = {
    "owner": lambda _: (OWNER,),
    "service-name": lambda each: (each.name,),
    "service-region": lambda each: (each.region,),
    "service-type": lambda _: (TYPE,),
    "supported-ip-address-types": lambda _: _ADDRESSES,
}


def _named(name: str, listed: list[Offer]) -> Offer:
    named = offer(name, spoken().global_region)
    if named is None or named not in listed:
        raise InvalidServiceName(name)
    return named


def _detail(each: Offer) -> api.ServiceDetail:
    host = each.private_name
    return api.ServiceDetail(
        service_name=each.name,
        service_id=f"vpce-svc-{hashlib.sha256(each.name.encode()).hexdigest()[:17]}",
        service_type=[api.ServiceTypeDetail(service_type=TYPE)],
        service_region=each.region,
        availability_zones=[f"{each.region}a"],
        owner=OWNER,
        base_endpoint_dns_names=[f"{each.ending}.{each.region}.vpce.{each.domain}"],
        private_dns_name=host,
        private_dns_names=[api.PrivateDnsDetails(private_dns_name=host)],
        vpc_endpoint_policy_supported=True,
        acceptance_required=False,
        manages_vpc_endpoints=False,
        tags=[],
        private_dns_name_verification_state="verified",
        supported_ip_address_types=list(_ADDRESSES),
    )
