"""Where is opened key material used?  Each backend is a package."""

from keystead.custody.backends import software
from keystead.custody.backends.shape import (
    Backend,
    BadCiphertext,
    KeyPair,
    OpenMaterial,
    Sealed,
    Secret,
    Verb,
    WrongMaterial,
)

__all__ = (
    "Backend", "BadCiphertext", "KeyPair", "OpenMaterial", "Sealed", "Secret", "Verb",
    "WrongMaterial", "software",
)  # fmt: skip
