"""Which parts has a shape?  The generated types as values that code can walk.

The fast paths do not use a Schema: they run on msgspec's compiled decoders. The slow and the
general paths use it, for the messages of refusals, for forms, XML and events. A Schema is derived
from the generated types. So a request has one description and not two.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from msgspec import inspect

from keystead.wire.shape import Shape


class Kind(Enum):
    """The kinds of value in a model. The values are the names that Coral's messages use."""

    STRUCTURE = "Structure"
    LIST = "List"
    MAP = "Map"
    STRING = "String"
    BLOB = "Blob"
    INTEGER = "Integer"
    DOUBLE = "Double"
    BOOLEAN = "Boolean"
    TIMESTAMP = "Timestamp"


@dataclass(frozen=True, slots=True)
class Schema:
    """One type: its kind, its parts and its constraints."""

    kind: Kind
    structure: type[Shape] | None = None
    item: "Schema | None" = None  # of a list; the values of a map
    key: "Schema | None" = None  # of a map
    enum: tuple[str, ...] = ()
    minimum: int | None = None  # of a length, or of an integer's value
    maximum: int | None = None
    pattern: re.Pattern[str] | None = None
    model_pattern: str = ""  # as the model writes it, for messages

    @property
    def members(self) -> "tuple[Member, ...]":
        """The members of a structure, in the model's order. Other kinds have none."""
        return () if self.structure is None else members(self.structure)

    @property
    def element(self) -> "Schema":
        """The schema of a list's items or a map's values."""
        if self.item is None:
            raise TypeError(f"{self.kind} has no elements")
        return self.item


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a structure."""

    attribute: str  # "key_id"
    wire_name: str  # "KeyId"
    event_name: str  # "keyId"
    schema: Schema
    required: bool
    sensitive: bool


def lower_first(name: str) -> str:
    """The model's name as messages and events spell it: `KeyId` -> `keyId`.

    Only the first letter changes, as at AWS: `SAMLProviderArn` -> `sAMLProviderArn`.
    """
    return name[:1].lower() + name[1:]


_SCHEMAS: dict[type, Schema] = {}  # per type of the models


def schema_of(structure: type[Any]) -> Schema:
    """The schema of a structure."""
    known = _SCHEMAS.get(structure)
    if known is None:
        known = _SCHEMAS[structure] = Schema(Kind.STRUCTURE, structure=structure)
    return known


@cache
def members(structure: type[Shape]) -> tuple[Member, ...]:
    """The members of a structure, in the model's order."""
    described = inspect.type_info(structure)
    if not isinstance(described, inspect.StructType):
        raise TypeError(f"{structure} is not a structure")
    return tuple(
        Member(
            attribute=field.name,
            wire_name=field.encode_name,
            event_name=lower_first(field.encode_name),
            schema=_schema(field.type),
            required=field.required,
            sensitive=field.name in structure.SENSITIVE,
        )
        for field in described.fields
    )


def parts(schema: Schema) -> Iterator[tuple[Schema, bool]]:
    """Every type that can occur in a value, and for each: is it in a sensitive member?"""
    waiting = [(schema, False)]
    seen: set[type[Shape]] = set()
    while waiting:
        part, sensitive = waiting.pop()
        yield part, sensitive
        waiting.extend((below, sensitive) for below in (part.item, part.key) if below is not None)
        if part.structure is not None and part.structure not in seen:
            seen.add(part.structure)
            waiting.extend((member.schema, member.sensitive) for member in part.members)


def contains(schema: Schema, kind: Kind) -> bool:
    """Can a value of this schema contain a value of this kind?"""
    return any(part.kind is kind for part, _ in parts(schema))


def _schema(described: inspect.Type) -> Schema:
    """The schema for msgspec's description of a type."""
    match described:
        case inspect.UnionType(types=(first, inspect.NoneType())):
            return _schema(first)
        case inspect.Metadata(type=inspect.StrType() as inner, extra=dict(extra)):
            return Schema(
                Kind.STRING,
                minimum=inner.min_length,
                maximum=inner.max_length,
                pattern=re.compile(inner.pattern) if inner.pattern else None,
                model_pattern=extra.get("pattern", ""),
            )
        case inspect.StructType(cls=cls):
            return schema_of(cls)
        case inspect.ListType(item_type=item, min_length=low, max_length=high):
            return Schema(Kind.LIST, item=_schema(item), minimum=low, maximum=high)
        case inspect.DictType(key_type=key, value_type=value, min_length=low, max_length=high):
            return Schema(
                Kind.MAP, key=_schema(key), item=_schema(value), minimum=low, maximum=high
            )
        case inspect.StrType(min_length=low, max_length=high):
            return Schema(Kind.STRING, minimum=low, maximum=high)
        case inspect.LiteralType(values=values):
            return Schema(Kind.STRING, enum=tuple(str(value) for value in values))
        case inspect.BytesType(min_length=low, max_length=high):
            return Schema(Kind.BLOB, minimum=low, maximum=high)
        case inspect.IntType(ge=low, le=high):
            return Schema(Kind.INTEGER, minimum=low, maximum=high)
        case _:
            return Schema(_PLAIN[type(described)])


_PLAIN: dict[type[inspect.Type], Kind] = {
    inspect.FloatType: Kind.DOUBLE,
    inspect.BoolType: Kind.BOOLEAN,
    inspect.DateTimeType: Kind.TIMESTAMP,
}
