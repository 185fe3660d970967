"""The tags of what EC2 knows here: instances, and endpoints of networks."""

from keystead.network.tags import changes, listing

__all__ = ("changes", "listing")
