"""How is a Query request read?  (iam.md 1.2, threat-model PA-2)

    Action=TagUser&Version=2010-05-08&UserName=alice&Tags.member.1.Key=a&Tags.member.1.Value=b

Lists are `Name.member.N`, maps `Name.entry.N.key` and `Name.entry.N.value`, with N from 1. A list
that is sent as `Name=` is empty. Blobs are base64, timestamps ISO 8601.

Unknown parameters are ignored, as AWS does. A parameter that is both a value and a structure is
ambiguous and refused. So is an index that is not a plain number.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from keystead.errors import SerializationException
from keystead.wire import forms
from keystead.wire.base64 import NotCanonical, decode_blob
from keystead.wire.constraints import checked
from keystead.wire.operation import In, Operation
from keystead.wire.schema import Kind, Member, Schema, schema_of

CONTENT_TYPE = "application/x-www-form-urlencoded"

_INDEX = re.compile(r"\A[1-9][0-9]{0,5}\Z", re.ASCII)
_INTEGER = re.compile(r"\A-?[0-9]{1,19}\Z", re.ASCII)
_DOUBLE = re.compile(r"\A-?[0-9]{1,19}(\.[0-9]{1,19})?\Z", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
_TIMESTAMP = re.compile(
    r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})\Z",
    re.ASCII,
)
_DEEPEST = 16  # no model nests parameters deeper


def parse_form(body: bytes) -> dict[str, str]:
    """The parameters in a body or a query string; raises SerializationException.

    Each parameter occurs once.
    """
    try:
        return forms.parse(body)
    except forms.NotAForm as reason:
        raise SerializationException(f"The request is refused: {reason}") from None


def in_path(text: str) -> str:
    """What stands in one segment of a path, where a plus sign is itself."""
    try:
        return forms.decode(text.replace("+", "%2B"))
    except forms.NotAForm as reason:
        raise SerializationException(f"The request is refused: {reason}") from None


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a service spells the parameters of its forms."""

    member: Callable[[Member], str]
    """The name of a structure's member."""

    step: str
    """What stands between the name of a list and an index; "" for nothing."""


_SPELLING = Spelling(lambda member: member.wire_name, "member")


def read(operation: Operation[In, Any], form: Mapping[str, str]) -> In:
    """The input in a form.

    Raises SerializationException for a value of the wrong type. Raises ValidationException, with
    every violation, for a form that breaks a constraint.
    """
    return checked(operation, tree_of(operation, form, _SPELLING))


def tree_of(
    operation: Operation[Any, Any], form: Mapping[str, str], spelling: Spelling
) -> dict[str, Any]:
    """The input in a form, under the names of the model; raises SerializationException."""
    schema = schema_of(operation.input)
    root = _Node()
    known = {spelling.member(member) for member in schema.members}
    for name, value in form.items():
        path = name.split(".", _DEEPEST)
        if path[0] in known:
            root.insert(path, value, name)
    return _Reading(spelling).structure(schema, root, "")


@dataclass(slots=True)
class _Node:
    """A parameter, or the common start of several, as `Tags` in `Tags.member.1.Key`."""

    value: str | None = None
    parts: "dict[str, _Node]" = field(default_factory=dict)

    def insert(self, path: list[str], value: str, name: str) -> None:
        """Put one parameter below this node."""
        node = self
        for step in path:
            if node.value is not None:
                raise _ambiguous(name)
            node = node.parts.setdefault(step, _Node())
        if node.value is not None or node.parts:
            raise _ambiguous(name)
        node.value = value


def _ambiguous(name: str) -> SerializationException:
    return SerializationException(
        f"The parameter '{name}' contradicts another one:"
        " a parameter cannot have both a value and members"
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads parameters in one spelling."""

    spelling: Spelling

    def structure(self, schema: Schema, node: _Node, name: str) -> dict[str, Any]:
        """The members of a structure that are given; `name` ends with a dot or is empty."""
        spelled = self.spelling.member
        return {
            member.wire_name: self._value(member.schema, part, f"{name}{spelled(member)}")
            for member in schema.members
            if (part := node.parts.get(spelled(member))) is not None
        }

    def _value(self, schema: Schema, node: _Node, name: str) -> Any:
        """The value of a parameter, converted to its type."""
        match schema.kind:
            case Kind.LIST:
                items = _indexed(node, self.spelling.step, name)
                return [self._value(schema.element, item, path) for path, item in items]
            case Kind.MAP:
                items = _indexed(node, "entry", name)
                return dict(self._entry(schema, item, path) for path, item in items)
            case Kind.STRUCTURE:
                if node.value:  # a structure without members is sent as "Name="
                    raise _misplaced(schema, name)
                return self.structure(schema, node, f"{name}.")
        if node.value is None:
            raise _misplaced(schema, name)
        return _scalar(schema, node.value, name)

    def _entry(self, schema: Schema, node: _Node, name: str) -> tuple[str, Any]:
        key, value = node.parts.get("key", _Node()), node.parts.get("value")
        if key.value is None or value is None:
            raise SerializationException(f"The parameter '{name}' needs a key and a value")
        return key.value, self._value(schema.element, value, f"{name}.value")


def _indexed(node: _Node, step: str, name: str) -> list[tuple[str, _Node]]:
    """The elements of a list or map, in the order of their indices."""
    start = f"{name}.{step}" if step else name
    if node.value or (step and node.parts.keys() - {step}):
        raise SerializationException(f"The parameter '{name}' needs the form '{start}.N'")
    below = node.parts.get(step, _Node()) if step else node
    if below.value or not all(map(_INDEX.match, below.parts)):
        raise SerializationException(
            f"The parameter '{name}' needs the form '{start}.N', with N from 1"
        )
    return [(f"{start}.{index}", below.parts[index]) for index in sorted(below.parts, key=int)]


def _scalar(schema: Schema, text: str, name: str) -> Any:
    match schema.kind:
        case Kind.STRING:
            return text
        case Kind.BOOLEAN if text in _BOOLEANS:
            return _BOOLEANS[text]
        case Kind.INTEGER if _INTEGER.match(text):
            return int(text)
        case Kind.DOUBLE if _DOUBLE.match(text):
            return float(text)
        case Kind.TIMESTAMP:
            with suppress(ValueError):
                return timestamp(text)
        case Kind.BLOB:
            with suppress(NotCanonical):
                return decode_blob(text)
    raise _misplaced(schema, name)


def timestamp(text: str) -> datetime:
    """The time that an ISO 8601 text names, with its zone; raises ValueError."""
    if not _TIMESTAMP.match(text):
        raise ValueError("not a timestamp")
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # no such day, hour or minute
        raise ValueError("not a timestamp") from None


def _misplaced(schema: Schema, name: str) -> SerializationException:
    article = "an" if schema.kind is Kind.INTEGER else "a"
    return SerializationException(
        f"The value of '{name}' can not be converted to {article} {schema.kind.value}"
    )
