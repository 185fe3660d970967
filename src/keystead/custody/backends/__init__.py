"""Where is opened key material used?  One package for each place."""

from keystead.custody.backends.software import BadCiphertext, OpenSymmetricMaterial, Sealed

__all__ = ("BadCiphertext", "OpenSymmetricMaterial", "Sealed")
