"""The IAM operations, one family per module. Importing this package registers all of them."""

from keystead.identity.iam import (
    account,
    declined,
    entities,
    identities,
    policies,
    providers,
    simulation,
)

__all__ = ("account", "declined", "entities", "identities", "policies", "providers", "simulation")
