"""Who may use key material?  Only a caller with a permit."""

from keystead.custody.material.material import BadCiphertext, Custody, Sealed

__all__ = ("BadCiphertext", "Custody", "Sealed")
