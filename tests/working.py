"""An operation as the pipeline runs it: once, and again after each work that it left."""

from typing import Any

from keystead.call import Call
from keystead.registry import Implementation
from keystead.work import Work


def performed(implementation: Implementation, call: Call, request: Any) -> Any:
    """The answer. The work is done in between, and the operation runs again."""
    given = implementation.function(call, request)
    while isinstance(given, Work):
        assert call.done(given) is None, "it left the same work again"
        call.outcomes = (*call.outcomes, given.do())
        given = implementation.function(call, request)
    return given
