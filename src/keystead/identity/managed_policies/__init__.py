"""AWS's own policies, as far as they make sense here."""

from keystead.identity.managed_policies.catalogue import every, version, with_arn

__all__ = ("every", "version", "with_arn")
