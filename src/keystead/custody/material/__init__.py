"""Who may use key material?  Only who has a permit."""

from keystead.custody.material.material import BadCiphertext, Custody, Sealed

__all__ = ("BadCiphertext", "Custody", "Sealed")
