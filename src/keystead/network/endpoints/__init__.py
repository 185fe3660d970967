"""Through which endpoints of networks do calls come?  Their rows, and what they mean for a call."""

from keystead.network.endpoints.endpoint import (
    NEW,
    RESOURCE_TYPE,
    Endpoint,
    Shape,
    of_place,
    written,
)
from keystead.network.endpoints.entrances import Entrance, Entrances
from keystead.network.endpoints.offers import OWNER, TYPE, Offer, offer, offers
from keystead.network.endpoints.repository import EndpointRepository
from keystead.network.endpoints.vpcs import Vpcs

__all__ = (
    "NEW", "OWNER", "RESOURCE_TYPE", "TYPE", "Endpoint", "EndpointRepository", "Entrance",
    "Entrances", "Offer", "Shape", "Vpcs", "of_place", "offer", "offers", "written",
)  # fmt: skip
