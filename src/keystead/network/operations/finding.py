"""Which endpoint does a caller name?  Those of its own account and Region."""

from keystead.arns import ec2_arn
from keystead.call import Target
from keystead.network.call import NetworkCall
from keystead.network.endpoints import RESOURCE_TYPE, Endpoint
from keystead.network.errors import InvalidEndpointId

_LONGEST = 64  # characters of an id that a record repeats


def existing(call: NetworkCall, name: str, action: str) -> Endpoint:
    """The endpoint with this id; raises AccessDenied, or the error that it does not exist.

    Who may not even ask about it does not learn whether it exists.
    """
    endpoint = call.endpoints.own(call.transaction, call.account, call.region, name)
    if endpoint is None:
        call.authorize(action, unknown(call, name), call.of_request())
        raise InvalidEndpointId(name)
    return endpoint


def unknown(call: NetworkCall, name: str) -> Target:
    """What a policy sees of an id that no endpoint of the caller's has."""
    arn = ec2_arn(call.region, call.account, f"vpc-endpoint/{name[:_LONGEST]}")
    return Target(arn, call.account, RESOURCE_TYPE)
