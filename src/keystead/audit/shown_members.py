"""Which calls show their request and their answer?  `requestParameters` and `responseElements`.

`wire.names` decides the spelling of members, and which members are never shown. The rows of the
operations say whose answers are shown (`rules`, kms.md 22.2).
"""

from collections.abc import Mapping
from typing import Any

from keystead.wire.names import event_parameters, event_response
from keystead.wire.operation import Operation
from keystead.wire.shape import Shape


def request_parameters(operation: Operation[Any, Any], value: Any) -> Mapping[str, Any] | None:
    """The members of a request that are recorded, or None."""
    return (event_parameters(operation, value) or None) if isinstance(value, Shape) else None


def response_elements(operation: Operation[Any, Any], value: Any) -> Mapping[str, Any] | None:
    """The members of an answer that are recorded, or None."""
    return (event_response(operation, value) or None) if isinstance(value, Shape) else None
