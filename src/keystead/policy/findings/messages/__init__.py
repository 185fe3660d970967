"""Which issues can be found, of which type, and in which words?"""

from keystead.policy.findings.messages.issues import ISSUES, Type

__all__ = ("ISSUES", "Type")
