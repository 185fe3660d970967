"""The KMS operations that are served, one family per module. Importing registers them."""

from keystead.kms.operations import (
    agreement,
    aliases,
    data_key_pairs,
    data_keys,
    encapsulation,
    encryption,
    grants,
    imports,
    last_usage,
    lifecycle,
    macs,
    multi_region,
    policies,
    randomness,
    rotation,
    signatures,
    stores,
    tags,
)

__all__ = (
    "agreement", "aliases", "data_key_pairs", "data_keys", "encapsulation", "encryption",
    "grants", "imports", "last_usage", "lifecycle", "macs", "multi_region", "policies",
    "randomness", "rotation", "signatures", "stores", "tags",
)  # fmt: skip
