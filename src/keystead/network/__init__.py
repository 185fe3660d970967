"""From where does a call come?  The subset of EC2 that is served. Importing this registers it."""

from keystead.network import endpoints
from keystead.network.call import NetworkCall
from keystead.network.rules import EC2

__all__ = ("EC2", "NetworkCall", "endpoints")
