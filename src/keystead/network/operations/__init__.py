"""The operations about endpoints of networks. Importing this registers them."""

from keystead.network.operations import changes, creation, listing, services
from keystead.network.operations.finding import existing

__all__ = ("changes", "creation", "existing", "listing", "services")
