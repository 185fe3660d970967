"""AWS's own policies, as far as they make sense here."""

from keystead.identity.managed_policies.catalogue import (
    ADMINISTRATOR_ACCESS,
    every,
    version,
    with_arn,
)

__all__ = ("ADMINISTRATOR_ACCESS", "every", "version", "with_arn")
