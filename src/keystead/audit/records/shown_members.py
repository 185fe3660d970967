"""Which calls show their request and their answer?  `requestParameters` and `responseElements`.

`wire.names` decides the spelling of members, and which members are never shown. The rows of the
operations say whose answers are shown (`rules`, kms.md 22.2).
"""

from collections.abc import Mapping
from typing import Any

from keystead.audit.records import jsontext, overflow
from keystead.audit.records.lines import LIMIT
from keystead.wire.names import event_parameters, event_response
from keystead.wire.operation import Operation


def request_parameters(operation: Operation[Any, Any], value: Any) -> Mapping[str, Any] | None:
    """The members of a request that are recorded, or None."""
    return event_parameters(operation, value) or None


def without_long(members: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The members of a long request, without the texts for which no record has room.

    A record would omit them itself, after it was written out as a whole several times (AD-1).
    """
    if members is None:
        return None
    return {
        name: overflow.marker(jsontext.encode(member)) if _is_long(member) else member
        for name, member in members.items()
    }


def _is_long(member: Any) -> bool:
    return isinstance(member, str) and len(member) > LIMIT


def response_elements(operation: Operation[Any, Any], value: Any) -> Mapping[str, Any] | None:
    """The members of an answer that are recorded, or None."""
    return event_response(operation, value) or None
