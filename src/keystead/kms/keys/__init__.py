"""What is a key?  Its row, its names, its metadata, and how it is found."""

from keystead.kms.keys import aliases, dates, identifiers, tags
from keystead.kms.keys.dates import Waiting
from keystead.kms.keys.identifiers import Reference, key_reference
from keystead.kms.keys.key import (
    RESOURCE_TYPE,
    Key,
    described,
    key_view,
    nobodys_key,
    over_resource,
)
from keystead.kms.keys.metadata import algorithm_lists, key_metadata, old_spec
from keystead.kms.keys.policies import DEFAULT_POLICY
from keystead.kms.keys.records import (
    AliasRecord,
    ImportedMaterial,
    KeyCount,
    KeyRecord,
    MaterialRecord,
    Place,
)
from keystead.kms.keys.related import RelatedKeys, promoted
from keystead.kms.keys.repository import KeyRepository
from keystead.kms.keys.uses import KeyUse, LastUses

__all__ = (
    "DEFAULT_POLICY", "RESOURCE_TYPE", "AliasRecord", "ImportedMaterial", "Key", "KeyCount",
    "KeyRecord", "KeyRepository", "KeyUse", "LastUses", "MaterialRecord", "Place", "Reference",
    "RelatedKeys", "Waiting", "algorithm_lists", "aliases", "dates", "described", "identifiers",
    "key_metadata", "key_reference", "key_view", "nobodys_key", "old_spec",
    "over_resource", "promoted", "tags",
)  # fmt: skip
