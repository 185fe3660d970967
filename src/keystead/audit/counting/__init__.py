"""Which refusals get no record of their own, and what is recorded of them together?"""

from keystead.audit.counting.throttled_calls import ThrottledCalls
from keystead.audit.counting.unknown_callers import UnknownCallers

__all__ = ("ThrottledCalls", "UnknownCallers")
