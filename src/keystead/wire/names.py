"""How does an event spell a request and an answer?  As in CloudTrail (kms.md 22.2).

A member is shown under its lowerCamel name. Blobs are never shown, nor are members that the model
or kms.md marks as secret. The shown members of a type are worked out once.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from keystead.wire.operation import In, Operation, Out
from keystead.wire.schema import Kind, Schema, contains, members
from keystead.wire.shape import Shape

Convert = Callable[[Any], Any]


_Plan = tuple[tuple[str, str, Convert | None], ...]
"""The shown members of a type: the name in the event, the attribute, and the conversion, if any.

Plain tuples: a named one takes three times as long to take apart.
"""

_PLANS: dict[type, _Plan] = {}  # per type of the models


def event_parameters(operation: Operation[In, Any], request: In) -> dict[str, Any]:
    """CloudTrail's requestParameters: the members of a request that are given and may be shown."""
    return _shown(operation.input, request)


def event_response(operation: Operation[Any, Out], answer: Out) -> dict[str, Any]:
    """CloudTrail's responseElements: the members of an answer that are given and may be shown."""
    return {} if answer is None else _shown(operation.output, answer)


def _shown(structure: type[Any], value: Any) -> dict[str, Any]:
    try:
        plan = _PLANS[structure]
    except KeyError:
        plan = _PLANS[structure] = _plan(structure)
    shown: dict[str, Any] = {}
    for name, attribute, convert in plan:
        given = getattr(value, attribute)
        if given is not None:
            shown[name] = given if convert is None else convert(given)
    return shown


def _plan(structure: type[Any]) -> _Plan:
    """The members of a type that are shown. Those of a type that is not AWS's are not."""
    if not issubclass(structure, Shape):
        return ()
    return tuple(
        (member.event_name, member.attribute, _converter(member.schema))
        for member in members(structure)
        if not (member.sensitive or _is_blob(member.schema))
    )


def _is_blob(schema: Schema) -> bool:
    return schema.kind is Kind.BLOB or (schema.item is not None and _is_blob(schema.item))


def _converter(schema: Schema) -> Convert | None:
    """The conversion of a value, or None if the value is shown unchanged."""
    if schema.structure is not None:
        structure = schema.structure
        return lambda value: _shown(structure, value)
    if schema.kind is Kind.TIMESTAMP:
        return _date
    if schema.item is None or not (
        contains(schema.item, Kind.STRUCTURE) or contains(schema.item, Kind.TIMESTAMP)
    ):
        return None
    inner = _converter(schema.item) or _same
    if schema.kind is Kind.MAP:
        return lambda value: {key: inner(item) for key, item in value.items()}
    return lambda value: [inner(item) for item in value]


def _same(value: Any) -> Any:
    return value


def _date(time: datetime) -> str:
    """A date as CloudTrail writes it: "Aug 10, 2022, 10:38:27 PM"."""
    utc = time.astimezone(UTC)
    hour = utc.hour % 12 or 12
    half = "AM" if utc.hour < 12 else "PM"
    minute_second = f"{utc.minute:02}:{utc.second:02}"
    return f"{_MONTHS[utc.month - 1]} {utc.day}, {utc.year}, {hour}:{minute_second} {half}"


# The names of strftime would be in the language of the host.
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
