"""Which members of a call are remembered?  `requestParameters` and `responseElements`.

Names are CloudTrail's: the model's with a small first letter. INVARIANT: a sensitive member, a
blob and everything inside of them is left out (threat-model AD-2; kms.md 22.2). The shapes say
which members are sensitive; nothing here knows an operation by name but for `_SILENT`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

from keystead.wire.operation import Operation
from keystead.wire.schema import Kind, Member, Schema, members
from keystead.wire.shape import Shape

# Changing operations whose answers CloudTrail shows (kms.md 22.2). Others of KMS answer null; IAM
# and STS show every answer.
_KMS_ANSWERS = frozenset(
    {"CancelKeyDeletion", "CreateGrant", "CreateKey", "ReplicateKey", "ScheduleKeyDeletion"}
)

_PLAIN = frozenset({Kind.STRING, Kind.INTEGER, Kind.DOUBLE, Kind.BOOLEAN})


def request_parameters(operation: Operation[Any, Any], value: Any) -> Mapping[str, Any] | None:
    """The members of a request that are remembered; None when there are none."""
    return _shown(operation.input, value) if isinstance(value, Shape) else None


def response_elements(operation: Operation[Any, Any], value: Any) -> Mapping[str, Any] | None:
    """The members of an answer that are remembered: only what a changing operation made."""
    if operation.read_only or not isinstance(value, Shape):
        return None
    if operation.service.name == "kms" and operation.name not in _KMS_ANSWERS:
        return None
    return _shown(type(value), value)


@cache
def _remembered(
    structure: type[Shape],
) -> tuple[tuple[Callable[[Any], Any], str, Callable[[Any], Any] | None], ...]:
    """How each remembered member of a structure is got, called and written."""
    return tuple(
        (attrgetter(member.attribute), member.event_name, _writer(member.schema))
        for member in members(structure)
        if _is_remembered(member)
    )


def _is_remembered(member: Member) -> bool:
    return not member.sensitive and not _is_blob(member.schema)


def _is_blob(schema: Schema) -> bool:
    """Is this a blob, or a list or map of them?"""
    return schema.kind is Kind.BLOB or (schema.item is not None and _is_blob(schema.item))


def _writer(schema: Schema) -> Callable[[Any], Any] | None:
    """How a value is written; None for one that is written as it is."""
    if schema.kind in _PLAIN:
        return None
    if schema.kind is Kind.STRUCTURE and schema.structure is not None:
        structure = schema.structure
        return lambda value: _shown(structure, value)
    if schema.kind is Kind.TIMESTAMP:
        return _time
    inner = _writer(schema.element)
    if inner is None:
        return None
    if schema.kind is Kind.LIST:
        return lambda value: [inner(part) for part in value]
    return lambda value: {name: inner(part) for name, part in value.items()}


def _time(value: datetime) -> str:
    """A time as CloudTrail writes it: `Aug 10, 2022, 10:38:27 PM`."""
    return f"{value:%b} {value.day}, {value.year}, {value:%I:%M:%S %p}".replace(", 0", ", ")


def _shown(structure: type[Shape], value: Any) -> Mapping[str, Any] | None:
    shown: dict[str, Any] = {}
    for get, name, write in _remembered(structure):
        member = get(value)
        if member is not None:
            shown[name] = member if write is None else write(member)
    return shown or None
