"""botocore as the independent oracle: its models, its serializers and parsers, and values."""

import random
import string
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import botocore.parsers
import botocore.serialize
import msgspec
from botocore.awsrequest import HeadersDict

from keystead.wire.models import iam, kms, sts
from keystead.wire.operation import Operation
from keystead.wire.schema import Kind, Schema, schema_of
from tests.models import service_model

SERVICES: dict[str, ModuleType] = {"kms": kms, "iam": iam, "sts": sts}
OPERATIONS: list[Operation[Any, Any]] = [
    operation for module in SERVICES.values() for operation in module.OPERATIONS.values()
]

MODELS = {name: service_model(name) for name in SERVICES}

_UNIONS = {
    name
    for model in MODELS.values()
    for name in model.shape_names
    if getattr(model.shape_for(name), "is_tagged_union", False)
}

# One of these fits every pattern of the three models.
_TEXTS = [
    "alice",
    "123456789012",
    "123456",
    "/",
    "/team/",
    "a" * 64,
    "cluster-234567abcdefg",
    "arn:aws:kms:eu-central-1:111122223333:key/1234abcd",
    "eu-central-1",
    "events.amazonaws.com.example",
    "https://xks.example.com",
    "https://xks.example.com/path",
    "/kms/xks/v1",
    "com.amazonaws.vpce.eu-central-1.vpce-svc-0e1",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "v1",
    "v12",
    "o-abcdefghij",
    "o-abcdefghij/r-abcd/ou-abcd-12345678/",
    "p-examplepolicy",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "0123456789abcdefABCDEF0123456789abcdefABCDE=",
    "b" * 48,
    "x" * 1000,
]


def shapes(operation: Operation[Any, Any]) -> Any:
    """botocore's model of an operation."""
    return MODELS[operation.service.name].operation_model(operation.name)


class Values:
    """Valid values for a schema, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def structure(self, schema: Schema) -> dict[str, Any]:
        """The required members, and about half of the others, in any order.

        At least one: the Query protocol has no form for an empty structure, nor for an empty map.
        """
        members = [
            member for member in schema.members if member.required or self._random.random() < 0.5
        ] or list(schema.members[:1])
        self._random.shuffle(members)
        if schema.structure is not None and schema.structure.__name__ in _UNIONS:
            del members[1:]
        return {member.wire_name: self.value(member.schema) for member in members}

    def value(self, schema: Schema) -> Any:
        """A value of any kind."""
        match schema.kind:
            case Kind.STRUCTURE:
                return self.structure(schema)
            case Kind.LIST:
                low, high = schema.minimum or 0, schema.maximum or 10
                length = self._random.randint(low, min(high, low + 2))
                return [self.value(schema.element) for _ in range(length)]
            case Kind.MAP:
                assert schema.key is not None
                count = self._random.randint(1, 3)
                return {self.value(schema.key): self.value(schema.element) for _ in range(count)}
            case Kind.BLOB:
                return self._random.randbytes(max(schema.minimum or 0, self._random.randint(1, 40)))
            case Kind.BOOLEAN:
                return self._random.random() < 0.5
            case Kind.INTEGER:
                low, high = schema.minimum or 0, schema.maximum or 10
                return self._random.randint(low, high)
            case Kind.TIMESTAMP:
                return datetime.fromtimestamp(self._random.randint(0, 2**32), UTC)
            case _:
                return self._text(schema)

    def _text(self, schema: Schema) -> str:
        if schema.enum:
            return self._random.choice(schema.enum)
        low, high = schema.minimum or 0, schema.maximum or 10_000
        if schema.pattern is None:
            length = self._random.randint(low, min(high, low + 20))
            alphabet = string.printable[:95] + 'äöü€\U0001f511"\\<>&%+=:/ '
            return "".join(self._random.choices(alphabet, k=length))
        fitting = [
            text for text in _TEXTS if low <= len(text) <= high and schema.pattern.fullmatch(text)
        ]
        assert fitting, f"no text fits {schema.model_pattern} with length {low} to {high}"
        return self._random.choice(fitting)


def inputs(operation: Operation[Any, Any], count: int) -> list[dict[str, Any]]:
    """Valid inputs of an operation, under wire names."""
    return [Values(seed).structure(schema_of(operation.input)) for seed in range(count)]


def outputs(operation: Operation[Any, Any], count: int) -> list[dict[str, Any]]:
    """Possible outputs of an operation, under wire names; one empty one where it has none."""
    if operation.output is type(None):
        return [{}]
    return [Values(seed).structure(schema_of(operation.output)) for seed in range(count)]


def plain(value: Any) -> Any:
    """A structure as a tree under wire names."""
    return msgspec.to_builtins(value, builtin_types=(bytes, datetime))


def typed(operation: Operation[Any, Any], tree: dict[str, Any]) -> Any:
    """The output that a tree describes."""
    if operation.output is type(None):
        return None
    return built(schema_of(operation.output), tree)


def built(schema: Schema, value: Any) -> Any:
    """A value of the models' types, made without any check."""
    match schema.kind:
        case Kind.STRUCTURE:
            assert schema.structure is not None
            return schema.structure(
                **{
                    member.attribute: built(member.schema, value[member.wire_name])
                    for member in schema.members
                    if member.wire_name in value
                }
            )
        case Kind.LIST:
            return [built(schema.element, item) for item in value]
        case Kind.MAP:
            return {key: built(schema.element, item) for key, item in value.items()}
        case _:
            return value


def serialized(operation: Operation[Any, Any], tree: dict[str, Any]) -> Any:
    """The body that botocore sends for an input: bytes (JSON) or a dict of fields (Query)."""
    serializer = botocore.serialize.create_serializer(operation.service.protocol)
    return serializer.serialize_to_request(tree, shapes(operation))["body"]


def parsed(operation: Operation[Any, Any], status: int, headers: Any, body: bytes) -> Any:
    """What botocore reads from a response, without its metadata."""
    parser = botocore.parsers.create_parser(operation.service.protocol)
    response = {"status_code": status, "headers": HeadersDict(headers), "body": body}
    result = parser.parse(response, shapes(operation).output_shape)
    metadata = result.pop("ResponseMetadata", {})
    return result, metadata
