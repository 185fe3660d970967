"""May this request come through its endpoint?  (iam.md 5.7; threat-model HF-5)

An endpoint serves one service, in one Region, or one that is in one place for all Regions. A
request for another service is answered as the service behind the endpoint answers what it does not
know. Nothing comes through an endpoint that does not exist, or whose account is closed.
"""

from typing import Protocol

from keystead.errors import AwsError
from keystead.network import Entrance
from keystead.policy.evaluation import ContextValue, OverAccount
from keystead.server.pipeline.exchange import Arrived
from keystead.server.pipeline.routing import NO_SUCH_OPERATION, Route, service_named
from keystead.store.protocol import Reader
from keystead.wire.sigv4 import SignatureDoesNotMatch


class NoSuchEndpoint(AwsError):
    """The endpoint of the listener or of the preface is not there."""

    code = "AccessDeniedException"
    query_code = "AccessDenied"
    query_status = 403
    ec2_code = "UnauthorizedOperation"

    def __init__(self, endpoint_id: str) -> None:
        super().__init__(f"The VPC endpoint {endpoint_id} does not exist.")


class Endpoints(Protocol):
    """The endpoints of networks; `network.Entrances`."""

    def at(self, reader: Reader, endpoint_id: str) -> Entrance | None:
        """The endpoint with this id as it is now."""


class Owners(Protocol):
    """What stands over accounts; `call.Guardrails`."""

    def over(self, account: str) -> OverAccount:
        """What stands over this account's resources."""


class Way:
    """The ways by which requests come in."""

    __slots__ = ("_endpoints", "_owners")

    def __init__(self, endpoints: Endpoints, owners: Owners) -> None:
        self._endpoints = endpoints
        self._owners = owners

    def entrance(self, reader: Reader, arrived: Arrived) -> Entrance:
        """The endpoint through which a request came; raises NoSuchEndpoint.

        A request for another service goes nowhere from here on.
        """
        endpoint_id = arrived.request.endpoint.vpce_id
        entrance = self._endpoints.at(reader, endpoint_id)
        if entrance is None or not self._owners.over(entrance.account).is_open:
            raise NoSuchEndpoint(endpoint_id)
        if arrived.where.service.name != entrance.service:
            service = service_named(entrance.service)
            arrived.go_nowhere(Route(service, "", problem=NO_SUCH_OPERATION))
        return entrance

    def keys(self, entrance: Entrance) -> dict[str, ContextValue]:
        """The condition keys of a request that came through this endpoint."""
        return entrance.keys_within(self._owners.over(entrance.account))


def require_region(entrance: Entrance, region: str) -> None:
    """Refuse a request that was signed for another Region than that of its endpoint's service."""
    if entrance.region not in {"", region}:
        raise SignatureDoesNotMatch("Credential should be scoped to a valid region.")
