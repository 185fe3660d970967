"""The six operations about custom key stores, answered as for an account that has none.

There are no custom key stores here yet. So a list of them is empty, one that is named does not
exist, and a new one is refused. Each operation asks about its own action before it answers, and
none changes anything (kms.md 10.5, 15).
"""

from typing import Any

from keystead.errors import ValidationException
from keystead.kms.call import KmsCall
from keystead.kms.paging import page
from keystead.kms.requests import refuse_store
from keystead.registry import implements
from keystead.wire.models import kms as api
from keystead.wire.operation import Operation

ABOUT_ONE_STORE: tuple[Operation[Any, Any], ...] = (
    api.ConnectCustomKeyStore,
    api.DeleteCustomKeyStore,
    api.DisconnectCustomKeyStore,
    api.UpdateCustomKeyStore,
)
"""The operations on a store that their requests name."""

_PROXY = (
    "XksProxyUriEndpoint",
    "XksProxyUriPath",
    "XksProxyAuthenticationCredential",
    "XksProxyConnectivity",
)
_NEEDED: dict[api.CustomKeyStoreType, tuple[str, ...]] = {
    "AWS_CLOUDHSM": ("CloudHsmClusterId", "TrustAnchorCertificate", "KeyStorePassword"),
    "EXTERNAL_KEY_STORE": _PROXY,
}
_OF_ENDPOINT_SERVICES = ("XksProxyVpcEndpointServiceName", "XksProxyVpcEndpointServiceOwner")


@implements(api.DescribeCustomKeyStores)
def describe_custom_key_stores(
    call: KmsCall, request: api.DescribeCustomKeyStoresRequest
) -> api.DescribeCustomKeyStoresResponse:
    store_id, name = request.custom_key_store_id, request.custom_key_store_name
    if store_id is not None and name is not None:
        raise ValidationException("Specify either CustomKeyStoreId or CustomKeyStoreName.")
    call.authorize_any("kms:DescribeCustomKeyStores")
    refuse_store(store_id)
    refuse_store(name)
    listed = page(call, request, fetch=_none, position=str)
    return api.DescribeCustomKeyStoresResponse(
        custom_key_stores=[], next_marker=listed.marker, truncated=listed.is_truncated
    )


@implements(api.CreateCustomKeyStore)
def create_custom_key_store(
    call: KmsCall, request: api.CreateCustomKeyStoreRequest
) -> api.CreateCustomKeyStoreResponse:
    """Refuse: no account has a cluster here, and none may have an external key store.

    For a cluster this is AWS's answer. For a proxy, AWS's model has errors about what the proxy
    said, and no proxy was asked here. What is true is that the account has reached its quota.
    """
    of_type = request.custom_key_store_type or "AWS_CLOUDHSM"
    _require_members(request, of_type)
    call.authorize_any("kms:CreateCustomKeyStore")
    if of_type == "AWS_CLOUDHSM":
        raise api.CloudHsmClusterNotFoundException(
            f"The account has no AWS CloudHSM cluster {request.cloud_hsm_cluster_id}."
        )
    raise api.LimitExceededException(
        "External key stores are not supported. The account can have 0 of them."
    )


def _about_one_store(call: KmsCall, request: Any) -> Any:
    call.authorize_any(f"kms:{call.operation.name}")
    refuse_store(request.custom_key_store_id)


for _operation in ABOUT_ONE_STORE:
    implements(_operation)(_about_one_store)


def _none(_after: str, _count: int) -> list[str]:
    return []


def _require_members(
    request: api.CreateCustomKeyStoreRequest, of_type: api.CustomKeyStoreType
) -> None:
    """Refuse a request without what a store of its type needs, or with what is of the other."""
    given = {
        "CloudHsmClusterId": request.cloud_hsm_cluster_id,
        "TrustAnchorCertificate": request.trust_anchor_certificate,
        "KeyStorePassword": request.key_store_password,
        "XksProxyUriEndpoint": request.xks_proxy_uri_endpoint,
        "XksProxyUriPath": request.xks_proxy_uri_path,
        "XksProxyAuthenticationCredential": request.xks_proxy_authentication_credential,
        "XksProxyConnectivity": request.xks_proxy_connectivity,
        "XksProxyVpcEndpointServiceName": request.xks_proxy_vpc_endpoint_service_name,
        "XksProxyVpcEndpointServiceOwner": request.xks_proxy_vpc_endpoint_service_owner,
    }
    allowed = needed = _NEEDED[of_type]
    if request.xks_proxy_connectivity == "VPC_ENDPOINT_SERVICE":
        allowed = (*needed, *_OF_ENDPOINT_SERVICES)
        needed = (*needed, _OF_ENDPOINT_SERVICES[0])
    for name, value in given.items():
        if value is None and name in needed:
            raise ValidationException(f"{name} is required.")
        if value is not None and name not in allowed:
            raise ValidationException(f"{name} is not valid for this custom key store.")
