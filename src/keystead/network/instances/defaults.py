"""GetInstanceMetadataDefaults, ModifyInstanceMetadataDefaults: what will new instances have?

The settings are of an account in a Region, and count when the operator registers an instance there.
An instance that is registered already keeps its own. Version 1 of the metadata is not served, so a
default that would allow it is refused.
"""

from typing import Literal

from keystead.network import attributes
from keystead.network.call import NetworkCall
from keystead.network.hosts import NO_HOPS, NO_PREFERENCE
from keystead.network.instances.options import require_hops, require_served
from keystead.registry import implements
from keystead.wire.models import ec2 as api

_State = Literal["disabled", "enabled"]


@implements(api.GetInstanceMetadataDefaults)
def get_instance_metadata_defaults(
    call: NetworkCall, request: api.GetInstanceMetadataDefaultsRequest
) -> api.GetInstanceMetadataDefaultsResult:
    call.authorize_list()
    call.require_real(dry_run=request.dry_run)
    held = call.hosts.defaults(call.transaction, call.account, call.region)
    return api.GetInstanceMetadataDefaultsResult(
        account_level=api.InstanceMetadataDefaultsResponse(
            http_tokens=None if held.http_tokens == NO_PREFERENCE else "required",
            http_put_response_hop_limit=None if held.hop_limit == NO_HOPS else held.hop_limit,
            http_endpoint=_state(held.endpoint),
            instance_metadata_tags=_state(held.metadata_tags),
            managed_by="account",
            http_tokens_enforced=_state(held.tokens_enforced),
        )
    )


def _state(held: str) -> _State | None:
    if held == NO_PREFERENCE:
        return None
    return "enabled" if held == "enabled" else "disabled"


@implements(api.ModifyInstanceMetadataDefaults)
def modify_instance_metadata_defaults(
    call: NetworkCall, request: api.ModifyInstanceMetadataDefaultsRequest
) -> api.ModifyInstanceMetadataDefaultsResult:
    keys = attributes.given(request, _MEMBERS)
    call.authorize_any(f"ec2:{call.operation.name}", call.of_request(keys))
    call.require_real(dry_run=request.dry_run)
    require_served(request.http_tokens)
    hops = request.http_put_response_hop_limit
    if hops not in {None, NO_HOPS}:
        require_hops(hops)
    chosen = {
        "http_tokens": request.http_tokens,
        "hop_limit": hops,
        "endpoint": request.http_endpoint,
        "metadata_tags": request.instance_metadata_tags,
        "tokens_enforced": request.http_tokens_enforced,
    }
    held = call.hosts.defaults(call.transaction, call.account, call.region)
    given = {name: value for name, value in chosen.items() if value is not None}
    call.hosts.choose_defaults(call.transaction, held, given)
    return api.ModifyInstanceMetadataDefaultsResult(return_=True)


_MEMBERS = (
    "HttpEndpoint", "HttpPutResponseHopLimit", "HttpTokens", "HttpTokensEnforced",
    "InstanceMetadataTags",
)  # fmt: skip
