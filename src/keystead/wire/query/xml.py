"""How is a Query request answered?  XML in AWS's envelopes (iam.md 1.3).

    <CreateUserResponse xmlns="…">
      <CreateUserResult><User>…</User></CreateUserResult>
      <ResponseMetadata><RequestId>…</RequestId></ResponseMetadata>
    </CreateUserResponse>

Members stand in the model's order. A list that is given is always written, even if it is empty,
because clients fail on a missing list. Policy documents come percent-encoded from their room.
"""

import re
from datetime import datetime
from typing import Any

from keystead.errors import AwsError
from keystead.times import iso_seconds
from keystead.wire.base64 import encode_blob
from keystead.wire.http import HttpResponse
from keystead.wire.operation import Operation, Out, Service
from keystead.wire.schema import Kind, Schema, schema_of
from keystead.wire.sigv4 import MissingAuthenticationToken

CONTENT_TYPE = "text/xml"

# The characters that XML 1.0 cannot hold unescaped. A carriage return would be read back as a line
# feed. A character that no document may contain at all becomes U+FFFD.
_SPECIAL = re.compile('[&<>"\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_NO_XML = (*range(0x20), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF)
_RARE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_PIECE = 64 * 1024  # characters
_ESCAPES = {
    **dict.fromkeys(_NO_XML, "\ufffd"),
    ord("\t"): "\t", ord("\n"): "\n", ord("\r"): "&#xD;",
    ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;",
}  # fmt: skip


_OFTEN = [(character, _ESCAPES[ord(character)]) for character in '&<>"\r']  # "&" is the first

# To find a member of an Enum takes eight times as long as a name of the module.
_STRUCTURE, _LIST, _MAP, _STRING = Kind.STRUCTURE, Kind.LIST, Kind.MAP, Kind.STRING


class Escaped(str):
    """A text that is the content of an element already. Only `escaped` makes it."""

    __slots__ = ()


def response(operation: Operation[Any, Out], value: Out, request_id: str) -> HttpResponse:
    """The response that carries an answer."""
    return HttpResponse(200, headers(request_id), write(operation, value, request_id))


def write(operation: Operation[Any, Out], value: Out, request_id: str) -> bytes:
    """The body of an answer."""
    root = f"{operation.name}Response"
    out = [f'<{root} xmlns="{operation.service.xml_namespace}">']
    if operation.result_wrapper:
        out.append(f"<{operation.result_wrapper}>")
        write_members(schema_of(operation.output), value, out)
        out.append(f"</{operation.result_wrapper}>")
    out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{root}>")
    return "".join(out).encode()


def error(service: Service, refusal: AwsError, request_id: str) -> HttpResponse:
    """The response that carries an error."""
    code, status, message = query_error(refusal)
    text = f"<Message>{escape(message)}</Message>" if message is not None else ""
    body = (
        f'<ErrorResponse xmlns="{service.xml_namespace}"><Error><Type>{sender(status)}</Type>'
        f"<Code>{code}</Code>{text}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return HttpResponse(status, headers(request_id), body.encode())


def query_error(refusal: AwsError) -> tuple[str, int, str | None]:
    """An error's code, status and message as Query services give them."""
    message = refusal.message
    if isinstance(refusal, MissingAuthenticationToken):
        message = refusal.query_message
    return refusal.query_code or refusal.code, refusal.query_status or refusal.status, message


def sender(status: int) -> str:
    """The side that caused an error: the service or the caller."""
    return "Receiver" if status >= 500 else "Sender"


def headers(request_id: str) -> tuple[tuple[str, str], ...]:
    """The headers of every XML answer."""
    return (("x-amzn-RequestId", request_id), ("Content-Type", CONTENT_TYPE))


def escape(text: str) -> str:
    """A text as the content of an element."""
    if isinstance(text, Escaped) or _SPECIAL.search(text) is None:
        return text
    return text.translate(_ESCAPES)


def escaped(text: str) -> Escaped:
    """A long text as the content of an element, made beside the loop.

    `str.translate` takes 50 ns for a character. Of pieces without characters that XML cannot hold,
    five replacements take a twentieth of that. No piece holds the interpreter for long.
    """
    pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
    return Escaped("".join(map(_quickly, pieces)))


def _quickly(piece: str) -> str:
    if _RARE.search(piece) is not None:
        return piece.translate(_ESCAPES)
    for character, escape_sequence in _OFTEN:
        piece = piece.replace(character, escape_sequence)
    return piece


def text_of(schema: Schema, value: Any) -> str:
    """A scalar as text, for XML and for JSON answers of a Query service."""
    match schema.kind:
        case Kind.BOOLEAN:
            return "true" if value else "false"
        case Kind.TIMESTAMP:
            return timestamp(value)
        case Kind.BLOB:
            return encode_blob(value)
        case _:
            return value if isinstance(value, str) else str(value)


def timestamp(time: datetime) -> str:
    """Whole seconds in UTC: "2024-01-31T12:00:00Z"."""
    return iso_seconds(time)


def write_members(schema: Schema, value: Any, out: list[str], item: str = "member") -> None:
    """The elements of a structure's members that are given. `item` names the elements of lists."""
    for member in schema.members:
        given = getattr(value, member.attribute)
        if given is not None:
            _write(member.schema, given, member.wire_name, out, item)


def _write(schema: Schema, value: Any, name: str, out: list[str], item: str) -> None:
    """One element with everything inside it."""
    kind = schema.kind
    if kind is _STRING:
        out.append(f"<{name}>{escape(value)}</{name}>")
        return
    if kind is _STRUCTURE:
        out.append(f"<{name}>")
        write_members(schema, value, out, item)
    elif kind is _LIST:
        out.append(f"<{name}>")
        for each in value:
            _write(schema.element, each, item, out, item)
    elif kind is _MAP:
        out.append(f"<{name}>")
        for key, each in value.items():
            out.append(f"<entry><key>{escape(key)}</key>")
            _write(schema.element, each, "value", out, item)
            out.append("</entry>")
    else:
        out.append(f"<{name}>{escape(text_of(schema, value))}")
    out.append(f"</{name}>")
