"""The same decisions, faster: specialised, compiled, compared."""

from keystead.policy.enforcement.enforce import Enforcer

__all__ = ("Enforcer",)
