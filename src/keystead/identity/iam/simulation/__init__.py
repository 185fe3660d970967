"""The operations that simulate decisions."""

from keystead.identity.iam.simulation import context_keys, operations, source

__all__ = ("context_keys", "operations", "source")
