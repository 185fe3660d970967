"""Through which endpoints of networks do calls come?  Importing this registers the operations."""

from keystead.network.endpoints import services

__all__ = ("services",)
