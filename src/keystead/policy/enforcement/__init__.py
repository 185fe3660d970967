"""The same decisions, faster: specialised, compiled, compared."""

from keystead.policy.enforcement.enforce import decide, disagreements, kept_bytes

__all__ = ("decide", "disagreements", "kept_bytes")
