"""The STS operations, one family per module. Importing this package registers all of them."""

from keystead.identity.sts import identity

__all__ = ("identity",)
