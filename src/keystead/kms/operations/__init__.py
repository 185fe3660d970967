"""The KMS operations that are served, one family per module. Importing registers them."""

from keystead.kms.operations import (
    aliases,
    data_keys,
    encryption,
    lifecycle,
    policies,
    randomness,
    rotation,
    tags,
)

__all__ = (
    "aliases", "data_keys", "encryption", "lifecycle", "policies", "randomness", "rotation", "tags",
)  # fmt: skip
