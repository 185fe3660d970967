"""Key material that is opened in this process."""

from keystead.custody.backends.software.symmetric import (
    BadCiphertext,
    OpenSymmetricMaterial,
    Sealed,
)

__all__ = ("BadCiphertext", "OpenSymmetricMaterial", "Sealed")
