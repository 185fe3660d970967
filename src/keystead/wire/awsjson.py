"""How is a JSON 1.1 request read and answered?  (kms.md 1, 8; iam.md 1.4)

Accept fast, explain slowly. A body is decoded straight into the operation's type. This fast reading
counts only where it is provably the only possible reading of the body. Otherwise, and for every
refusal, the strict parser reads the body again. It converts and checks each member by itself.
"""

from binascii import b2a_base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from keystead import strictjson
from keystead.errors import AwsError, SerializationException
from keystead.times import EPOCH
from keystead.wire.base64 import NotCanonical, decode_blob
from keystead.wire.constraints import checked
from keystead.wire.http import HttpResponse
from keystead.wire.operation import In, Operation, Out
from keystead.wire.schema import Kind, Schema, contains, parts, schema_of
from keystead.wire.shape import Shape

CONTENT_TYPE = "application/x-amz-json-1.1"

_HEADERS = (
    ("Content-Type", CONTENT_TYPE),
    ("Cache-Control", "no-cache, no-store, must-revalidate, private"),
    ("Expires", "0"),
    ("Pragma", "no-cache"),
)
_PLAIN = {Kind.STRING: str, Kind.INTEGER: int, Kind.BOOLEAN: bool}
_ENCODER = msgspec.json.Encoder()

# A value takes at least two bytes of text: a body of this size cannot hold too many.
_FAST_BYTES = 2 * strictjson.MAX_VALUES


def read(operation: Operation[In, Any], body: bytes) -> In:
    """The input in a body.

    Raises SerializationException for a body that is not JSON or has a member of the wrong type.
    Raises ValidationException, with every violation, for a body that breaks a constraint.
    """
    try:
        fast = _FAST[operation.input]
    except KeyError:
        fast = _FAST[operation.input] = _fast_reading(operation.input)
    if fast is not None and len(body) <= _FAST_BYTES and b"\\" not in body:
        try:
            value = fast.decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return _read_strictly(operation, body)
        if fast.is_only_reading(value, body):
            return value  # type: ignore[no-any-return]  # the decoder of operation.input
    return _read_strictly(operation, body)


def write(operation: Operation[Any, Out], value: Out) -> bytes:
    """The body of an answer. It is empty for an operation without output."""
    if value is None:
        return b""
    try:
        names = _TIMED[operation.output]
    except KeyError:
        names = _TIMED[operation.output] = timed(operation.output)
    if names:
        builtins = msgspec.to_builtins(value, builtin_types=(datetime,))
        _use_epoch_seconds(builtins, names)
        return _ENCODER.encode(builtins)
    return _ENCODER.encode(value)


def response(operation: Operation[Any, Out], value: Out, request_id: str) -> HttpResponse:
    """The response that carries an answer."""
    body = write(operation, value)
    return HttpResponse(200, (("x-amzn-RequestId", request_id), *_HEADERS), body)


def error(refusal: AwsError, request_id: str) -> HttpResponse:
    """The response that carries an error (kms.md 8.1)."""
    headers = (("x-amzn-RequestId", request_id), ("x-amzn-ErrorType", refusal.code), *_HEADERS)
    body = {"__type": refusal.code}
    if refusal.message is not None:
        # Recorded from KMS: this error always spells its member with a capital.
        capital = refusal.code == "AccessDeniedException"
        body["Message" if capital else refusal.message_member] = refusal.message
    if refusal.reason:
        body["Reason"] = refusal.reason
    return HttpResponse(refusal.status, headers, _ENCODER.encode(body))


# The fast reading


@dataclass(frozen=True, slots=True)
class _FastReading:
    """The fast reading of one type, and the proof that a body has no other reading."""

    decoder: msgspec.json.Decoder[Any]
    blobs: tuple[str, ...]
    with_blobs: tuple[str, ...]  # members that have blobs further inside

    def is_only_reading(self, value: Shape, body: bytes) -> bool:
        """Does `value` contain everything that the body says, as we would write it?

        A body without backslashes has exactly two quotes for each string. Suppose that the value,
        when we write it, has as many quotes as the body. Then no member of the body is unknown,
        null or named twice. Nothing in the body is nested deeper than the type. And every string
        but the blobs is written alike.

        A blob is written alike if its last group occurs in both equally often. msgspec accepts any
        value for the unused bits of that group. It accepts nothing else that is not canonical
        (threat-model PA-3).
        """
        written = _ENCODER.encode(value)
        if written.count(b'"') != body.count(b'"'):
            return False
        for attribute in self.blobs:
            blob = getattr(value, attribute)
            if blob is not None and (spare := len(blob) % 3):
                end = b2a_base64(blob[-spare:], newline=False) + b'"'
                if written.count(end) != body.count(end):
                    return False
        return not self.with_blobs or all(
            getattr(value, attribute) is None for attribute in self.with_blobs
        )


_FAST: dict[type, _FastReading | None] = {}  # per type of the models


def _fast_reading(structure: type[Any]) -> _FastReading | None:
    """The fast reading of a type. None for a type with timestamps: msgspec reads them as texts."""
    schema = schema_of(structure)
    if contains(schema, Kind.TIMESTAMP):
        return None
    holders = [member for member in schema.members if contains(member.schema, Kind.BLOB)]
    return _FastReading(
        msgspec.json.Decoder(structure),
        tuple(member.attribute for member in holders if member.schema.kind is Kind.BLOB),
        tuple(member.attribute for member in holders if member.schema.kind is not Kind.BLOB),
    )


# The strict reading


def _read_strictly(operation: Operation[In, Any], body: bytes) -> In:
    return checked(operation, tree(operation, body))


def tree(operation: Operation[Any, Any], body: bytes) -> dict[str, Any]:
    """The known members in a body. Their constraints are not checked yet.

    Raises SerializationException for a body that is not JSON or has a member of the wrong type.
    """
    try:
        value = strictjson.loads(body)
    except strictjson.NotStrictJson as reason:
        raise SerializationException(str(reason)) from None
    return _structure(schema_of(operation.input), value)


def _structure(schema: Schema, value: Any) -> dict[str, Any]:
    """The known members of a structure, converted. AWS ignores unknown members and nulls."""
    if not isinstance(value, dict):
        raise _misplaced(schema, value)
    return {
        member.wire_name: _value(member.schema, given)
        for member in schema.members
        if (given := value.get(member.wire_name)) is not None
    }


def _value(schema: Schema, value: Any) -> Any:
    """One value, converted to its type. None stays None, and `constraints` refuses it."""
    if value is None:
        return None
    match schema.kind:
        case Kind.STRUCTURE:
            return _structure(schema, value)
        case Kind.LIST if isinstance(value, list):
            return [_value(schema.element, item) for item in value]
        case Kind.MAP if isinstance(value, dict):
            return {name: _value(schema.element, item) for name, item in value.items()}
        case Kind.BLOB if isinstance(value, str):
            return _blob(value)
        case Kind.TIMESTAMP if type(value) in (int, float):
            return _timestamp(value)
        case Kind.DOUBLE if type(value) in (int, float):
            return float(value)
        case kind if type(value) is _PLAIN.get(kind):
            return value
    raise _misplaced(schema, value)


def _blob(text: str) -> bytes:
    try:
        return decode_blob(text)
    except NotCanonical:
        raise SerializationException("A blob is not canonical base64") from None


def _timestamp(seconds: float) -> datetime:
    try:
        return EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise SerializationException("A timestamp is out of range") from None


def _misplaced(schema: Schema, value: Any) -> SerializationException:
    """AWS's words for a JSON value of the wrong type."""
    if isinstance(value, dict):
        return SerializationException("Start of structure or map found where not expected.")
    if isinstance(value, list):
        return SerializationException("Start of list found where not expected")
    if schema.kind in (Kind.STRUCTURE, Kind.LIST, Kind.MAP):
        return SerializationException(f"Expected {schema.kind.value.lower()} or null")
    if isinstance(value, bool):
        given = f"{value}_VALUE".upper()
    else:
        given = "STRING_VALUE" if isinstance(value, str) else "NUMBER_VALUE"
    article = "an" if schema.kind is Kind.INTEGER else "a"
    return SerializationException(f"{given} can not be converted to {article} {schema.kind.value}")


# Writing


_TIMED: dict[type, frozenset[str]] = {}  # per type of the models


def timed(structure: type[Any]) -> frozenset[str]:
    """The names of all members of a type, at any depth, that are timestamps or hold some."""
    names: set[str] = set()
    for part, _ in parts(schema_of(structure)):
        if part.kind is Kind.MAP and contains(part, Kind.TIMESTAMP):
            raise TypeError("a map holds timestamps, and its keys are no names of members")
        names |= {m.wire_name for m in part.members if contains(m.schema, Kind.TIMESTAMP)}
    return frozenset(names)


def _use_epoch_seconds(tree: dict[str, Any], names: frozenset[str]) -> None:
    """Make each timestamp in a tree a number of seconds, which AWS writes as a double."""
    for name in names & tree.keys():
        value = tree[name]
        kind = type(value)
        if kind is datetime:
            tree[name] = value.timestamp()
        elif kind is dict:
            _use_epoch_seconds(value, names)
        elif kind is list:
            for item in value:
                _use_epoch_seconds(item, names)
