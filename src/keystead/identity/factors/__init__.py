"""What a person knows or has to prove who asks: passwords, attempts at them, one-time codes."""

from keystead.identity.factors import attempts, codes, passwords

__all__ = ("attempts", "codes", "passwords")
