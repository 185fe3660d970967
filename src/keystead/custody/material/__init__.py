"""Who may use key material?  Only a caller with a permit."""

from keystead.custody.material.material import (
    BadCiphertext,
    Custody,
    KeyPair,
    Sealed,
    Secret,
)
from keystead.custody.material.tombstones import BadTombstone, Told, Tombstone, Verifier
from keystead.custody.material.tombstones import read as read_tombstone
from keystead.custody.material.verbs import VERBS, Verb

__all__ = (
    "VERBS", "BadCiphertext", "BadTombstone", "Custody", "KeyPair", "Sealed", "Secret", "Told",
    "Tombstone", "Verb", "Verifier", "read_tombstone",
)  # fmt: skip
