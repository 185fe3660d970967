"""What a person knows or has to prove who asks: passwords, attempts, one-time codes, devices."""

from keystead.identity.factors import attempts, codes, devices, passwords

__all__ = ("attempts", "codes", "devices", "passwords")
