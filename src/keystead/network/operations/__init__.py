"""The operations about endpoints of networks. Importing this registers them."""

from keystead.network.operations import changes, creation, listing, services, tags

__all__ = ("changes", "creation", "listing", "services", "tags")
