"""An operation as the pipeline runs it: once, and again with what came of the work that it left."""

from typing import Any

from keystead.call import Call
from keystead.registry import Implementation
from keystead.work import Work


def performed(implementation: Implementation, call: Call, request: Any) -> Any:
    """The answer. The work is done in between, and the call is asked once more."""
    given = implementation.function(call, request)
    if isinstance(given, Work):
        call.outcome = given.do()
        given = implementation.function(call, request)
    assert not isinstance(given, Work)
    return given
