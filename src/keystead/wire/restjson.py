"""How is a REST-JSON request read and answered?  (iam.md 1.1, 1.13, 7.2)

    POST /policy/validation?maxResults=10
    {"policyDocument": "…", "policyType": "…"}

The path names the operation. A member that the model places in the query string is read there, and
nowhere else.

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
    """The input in a body and in the parameters of a query string.

    Raises SerializationException for a body that is not JSON or has a member of the wrong type.
    Raises InvalidFields, with every violation, for a request that breaks a constraint.
    """
    tree = awsjson.tree(operation, body)
    for member in schema_of(operation.input).members:
        name = member.wire_name
        if name in operation.in_query:
            tree.pop(name, None)
            if name in parameters:
                tree[name] = _from_text(member.schema, name, parameters[name])
    try:
        return checked(operation, tree)
    except ValidationException as refused:
        fields = [(_place(sentence), sentence) for sentence in violations(operation, tree)]
        raise InvalidFields(refused.message or "", FIELDS, *fields) from None


def response(operation: Operation[Any, Out], value: Out, request_id: str) -> HttpResponse:
    """The response that carries an answer."""
    return HttpResponse(200, _headers(request_id), awsjson.write(operation, value))


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
    """The value of a parameter. The models place only texts and integers in the query string."""
    if schema.kind is not Kind.INTEGER:
        return text
    if not _INTEGER.fullmatch(text):
        sentence = f"Value at '{name}' is not an integer"
        raise InvalidFields(sentence, CANNOT_PARSE, (name, sentence))
    return int(text)


def _place(sentence: str) -> str:
    """The member that a violation names. The quoted value before it may contain any text."""
    return sentence.rpartition("' failed to satisfy constraint: ")[0].rpartition(" at '")[2]
