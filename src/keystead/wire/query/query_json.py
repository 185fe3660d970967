"""How is a Query request answered in JSON?  A caller of STS may accept nothing else.

GetCallerIdentity is used as a proof of identity. Its verifiers send `Accept: application/json`
(iam.md 3.9):

    {"GetCallerIdentityResponse": {"GetCallerIdentityResult": {…},
                                   "ResponseMetadata": {"RequestId": "…"}}}
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from keystead.errors import AwsError
from keystead.wire.http import HttpResponse
from keystead.wire.operation import Operation, Out
from keystead.wire.query import xml
from keystead.wire.schema import Kind, Schema, schema_of

CONTENT_TYPE = "application/json"

_ENCODER = msgspec.json.Encoder()


def is_wanted(headers: Mapping[str, str]) -> bool:
    """Does the caller accept JSON only?"""
    accepted = headers.get("accept", "").split(",")
    return [kind.partition(";")[0].strip(" \t").lower() for kind in accepted] == [CONTENT_TYPE]


def response(operation: Operation[Any, Out], value: Out, request_id: str) -> HttpResponse:
    """The response that carries an answer."""
    answer: dict[str, Any] = {}
    if operation.result_wrapper:
        answer[operation.result_wrapper] = _members(schema_of(operation.output), value)
    answer["ResponseMetadata"] = {"RequestId": request_id}
    return _response(200, {f"{operation.name}Response": answer}, request_id)


def error(refusal: AwsError, request_id: str) -> HttpResponse:
    """The response that carries an error."""
    code, status, message = xml.query_error(refusal)
    described = {"Type": xml.sender(status), "Code": code, "Message": message}
    return _response(status, {"Error": described, "RequestId": request_id}, request_id)


def _response(status: int, body: dict[str, Any], request_id: str) -> HttpResponse:
    headers = (("x-amzn-RequestId", request_id), ("Content-Type", CONTENT_TYPE))
    return HttpResponse(status, headers, _ENCODER.encode(body))


def _members(schema: Schema, value: Any) -> dict[str, Any]:
    return {
        member.wire_name: _value(member.schema, given)
        for member in schema.members
        if (given := getattr(value, member.attribute)) is not None
    }


def _value(schema: Schema, value: Any) -> Any:
    match schema.kind:
        case Kind.STRUCTURE:
            return _members(schema, value)
        case Kind.LIST:
            return [_value(schema.element, item) for item in value]
        case Kind.MAP:
            return {key: _value(schema.element, item) for key, item in value.items()}
        case Kind.TIMESTAMP | Kind.BLOB:
            return xml.text_of(schema, value)
        case _:
            return value
