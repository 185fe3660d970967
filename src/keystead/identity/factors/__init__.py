"""What a person knows or has to prove who asks: passwords, and attempts at them."""

from keystead.identity.factors import attempts, passwords

__all__ = ("attempts", "passwords")
