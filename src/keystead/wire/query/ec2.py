"""How does EC2 vary the Query protocol?  (iam.md 1.2, 1.3, 1.5)

    Action=CreateTags&Version=2016-11-15&ResourceId.1=vpce-0a…&Tag.1.Key=a&Tag.1.Value=b

A parameter has the model's name with a capital letter. Lists are `Name.N`, with N from 1. EC2
refuses a parameter that it does not know: so does this reader, and no newer member of a request is
silently left out.

    <CreateTagsResponse xmlns="…"><requestId>…</requestId><return>true</return></…>
    <Response><Errors><Error><Code>…</Code><Message>…</Message></Error></Errors>
              <RequestID>…</RequestID></Response>

The elements of a list are `item`. An operation without an output answers `return`.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from keystead.errors import AwsError
from keystead.wire import constraints
from keystead.wire.http import HttpResponse
from keystead.wire.operation import In, Operation, Out, Service
from keystead.wire.query import xml
from keystead.wire.query.query import Spelling, tree_of
from keystead.wire.schema import Member, schema_of

_COMMON = frozenset({"Action", "Version"})
_OF_SIGNATURE = "X-Amz-"
_SENTENCE = re.compile(
    r"\AValue (?:'(?P<shown>.*)' |null )?at '(?P<path>[^']*)' .*?: (?P<rule>.*)", re.DOTALL
)
_SHOWN = 100  # characters of a refused value that its message repeats


class MissingParameter(AwsError):
    """A required parameter is not there."""

    code = "MissingParameter"


class InvalidParameterValue(AwsError):
    """A parameter has a value that it cannot have."""

    code = "InvalidParameterValue"


class UnknownParameter(AwsError):
    """The operation has no such parameter."""

    code = "UnknownParameter"


def _capitalised(member: Member) -> str:
    return member.wire_name[:1].upper() + member.wire_name[1:]


_SPELLING = Spelling(_capitalised, "")


def read(operation: Operation[In, Any], form: Mapping[str, str]) -> In:
    """The input in a form; raises EC2's errors, the first that applies."""
    known = parameters(operation) | _COMMON
    for name in form:
        if name.partition(".")[0] not in known and not name.startswith(_OF_SIGNATURE):
            raise UnknownParameter(f"The parameter {name[:_SHOWN]} is not recognized")
    tree = tree_of(operation, form, _SPELLING)
    try:
        return msgspec.convert(tree, operation.input, builtin_types=constraints.PASSED_THROUGH)
    except msgspec.ValidationError:
        raise _refusal(constraints.violations(operation, tree)[0]) from None


def parameters(operation: Operation[Any, Any]) -> set[str]:
    """The parameters of an operation, as its forms spell them."""
    return {_capitalised(member) for member in schema_of(operation.input).members}


def _refusal(violation: str) -> AwsError:
    """EC2's error for a sentence about a constraint."""
    sentence = _SENTENCE.match(violation)
    if sentence is None:
        raise ValueError(f"not a sentence about a constraint: {violation}")
    path = ".".join(
        part[:1].upper() + part[1:] for part in sentence["path"].split(".") if part != "member"
    )
    if "must not be null" in sentence["rule"]:
        return MissingParameter(f"The request must contain the parameter {path}")
    shown = (sentence["shown"] or "")[:_SHOWN]
    return InvalidParameterValue(f"Value ({shown}) for parameter {path} is invalid.")


def response(operation: Operation[Any, Out], value: Out, request_id: str) -> HttpResponse:
    """The response that carries an answer."""
    root = f"{operation.name}Response"
    out = [f'<{root} xmlns="{operation.service.xml_namespace}"><requestId>{request_id}</requestId>']
    if value is None:
        out.append("<return>true</return>")
    else:
        xml.write_members(schema_of(operation.output), value, out, "item")
    out.append(f"</{root}>")
    return HttpResponse(200, xml.headers(request_id), "".join(out).encode())


def code(refusal: AwsError) -> str:
    """The name of an error, as EC2 gives it."""
    return refusal.ec2_code or refusal.query_code or refusal.code


def error(_: Service, refusal: AwsError, request_id: str) -> HttpResponse:
    """The response that carries an error."""
    __, status, message = xml.query_error(refusal)
    status = refusal.ec2_status or status
    text = f"<Message>{xml.escape(refusal.ec2_lead + (message or ''))}</Message>"
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>'
        f"<Code>{code(refusal)}</Code>{text}</Error></Errors>"
        f"<RequestID>{request_id}</RequestID></Response>"
    )
    return HttpResponse(status, xml.headers(request_id), body.encode())
