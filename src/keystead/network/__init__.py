"""From where does a call come?  The subset of EC2 that is served. Importing this registers it."""

from keystead.network import instances, operations, tagging, tags
from keystead.network.call import NetworkCall
from keystead.network.endpoints import EndpointRepository, Entrance, Entrances, Vpcs
from keystead.network.rules import EC2

__all__ = (
    "EC2", "EndpointRepository", "Entrance", "Entrances", "NetworkCall", "Vpcs", "instances",
    "operations", "tagging", "tags",
)  # fmt: skip
