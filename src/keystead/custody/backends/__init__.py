"""Where is opened key material used?  Each backend is a package."""

from keystead.custody.backends.software import BadCiphertext, OpenSymmetricMaterial, Sealed

__all__ = ("BadCiphertext", "OpenSymmetricMaterial", "Sealed")
