"""The Access Analyzer operations. Importing this package registers all of them."""

from keystead.identity.analyzer import policies

__all__ = ("policies",)
