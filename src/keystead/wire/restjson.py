"""How is a REST-JSON request read and answered?  (iam.md 1.1, 1.13, 7.2)

    POST /policy/validation?maxResults=10
    {"policyDocument": "…", "policyType": "…"}

The path names the operation. A member that the model places in the path or the query string is read
there, and nowhere else. Of a list there one item is read, because no parameter occurs twice. A few
members may stand in the body instead; they may not say two different things.

An error has its name in a header and its text in `message`. A ValidationException also gives its
reason, and the members with violations.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from keystead.errors import AwsError, ValidationException
from keystead.wire import awsjson
from keystead.wire.constraints import checked, violations
from keystead.wire.http import HttpResponse
from keystead.wire.operation import In, Operation, Out
from keystead.wire.schema import Kind, Schema, schema_of

CONTENT_TYPE = "application/json"

CANNOT_PARSE, FIELDS, OTHER = "cannotParse", "fieldValidationFailed", "other"
"""The reasons of a ValidationException."""

_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_ENCODER = msgspec.json.Encoder()

Field = tuple[str, str]
"""A member's name, and its violation."""


class InvalidFields(ValidationException):
    """A ValidationException with its reason and its fields."""

    def __init__(self, message: str, reason: str, *fields: Field) -> None:
        super().__init__(message)
        self.reason = reason
        self.fields = fields


def read(operation: Operation[In, Any], parameters: Mapping[str, str], body: bytes) -> In:
    """The input in a body and in the parameters of a path and a query string.

    Raises SerializationException for a body that is not JSON or has a member of the wrong type.
    Raises InvalidFields, with every violation, for a request that breaks a constraint.
    """
    elsewhere, members = operation.in_query | operation.in_path, schema_of(operation.input).members
    needed = any(one.required and one.wire_name not in elsewhere for one in members)
    tree = awsjson.tree(operation, body) if body or needed else {}
    for member in members:
        name = member.wire_name
        if name not in elsewhere:
            continue
        in_body = tree.pop(name, None)
        if name in parameters:
            tree[name] = _from_text(member.schema, name, parameters[name])
        if name not in operation.in_either or in_body is None:
            continue
        if tree.setdefault(name, in_body) != in_body:
            sentence = f"Value at '{name}' differs in the query string and in the body"
            raise InvalidFields(sentence, CANNOT_PARSE, (name, sentence))
    try:
        return checked(operation, tree)
    except ValidationException as refused:
        fields = [(_place(sentence), sentence) for sentence in violations(operation, tree)]
        raise InvalidFields(refused.message or "", FIELDS, *fields) from None


def response(operation: Operation[Any, Out], value: Out, request_id: str) -> HttpResponse:
    """The response that carries an answer."""
    if operation.service.iso_times:
        body = _ENCODER.encode(value)
    else:
        body = awsjson.write(operation, value)
    return HttpResponse(operation.success, _headers(request_id), body)


def error(refusal: AwsError, request_id: str) -> HttpResponse:
    """The response that carries an error. REST services use the statuses of Query services."""
    body: dict[str, Any] = {"message": refusal.message or ""}
    if isinstance(refusal, ValidationException):
        body["reason"] = refusal.reason if isinstance(refusal, InvalidFields) else OTHER
        if isinstance(refusal, InvalidFields):
            body["fieldList"] = [{"name": name, "message": text} for name, text in refusal.fields]
    headers = (*_headers(request_id), ("x-amzn-ErrorType", refusal.code))
    status = refusal.query_status or refusal.status
    return HttpResponse(status, headers, _ENCODER.encode(body))


def _headers(request_id: str) -> tuple[tuple[str, str], ...]:
    return (("x-amzn-RequestId", request_id), ("Content-Type", CONTENT_TYPE))


def _from_text(schema: Schema, name: str, text: str) -> Any:
    """The value of a parameter. The models place only texts and integers, and a list of texts."""
    if schema.kind is Kind.LIST:
        return [text]
    if schema.kind is not Kind.INTEGER:
        return text
    if not _INTEGER.fullmatch(text):
        sentence = f"Value at '{name}' is not an integer"
        raise InvalidFields(sentence, CANNOT_PARSE, (name, sentence))
    return int(text)


def _place(sentence: str) -> str:
    """The member that a violation names. The quoted value before it may contain any text."""
    return sentence.rpartition("' failed to satisfy constraint: ")[0].rpartition(" at '")[2]
