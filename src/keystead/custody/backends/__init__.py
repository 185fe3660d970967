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
from keystead.custody.backends.software import GIVEN_SPECS, GivenSecret, given

__all__ = (
    "GIVEN_SPECS", "Backend", "BadCiphertext", "GivenSecret", "KeyPair", "OpenMaterial", "Sealed",
    "Secret", "Verb", "WrongMaterial", "given", "software",
)  # fmt: skip
