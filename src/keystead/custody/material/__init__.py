"""Who may use key material?  Only a caller with a permit."""

from keystead.custody.material.material import (
    BadCiphertext,
    Custody,
    KeyPair,
    Sealed,
    Secret,
)
from keystead.custody.material.verbs import VERBS, Verb

__all__ = ("VERBS", "BadCiphertext", "Custody", "KeyPair", "Sealed", "Secret", "Verb")
