"""How are the same decisions made faster?  They are specialised, compiled and compared."""

from keystead.policy.enforcement.enforce import Enforcer

__all__ = ("Enforcer",)
