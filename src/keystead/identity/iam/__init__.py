"""The IAM operations, one family per module. Importing this package registers all of them."""

from keystead.identity.iam import account, identities, policies, simulation

__all__ = ("account", "identities", "policies", "simulation")
