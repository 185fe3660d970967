"""Which policies speak for an identity?"""

from keystead.identity.permissions import attached, managed_policy, passed, trust

__all__ = ("attached", "managed_policy", "passed", "trust")
