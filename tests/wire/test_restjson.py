"""REST-JSON: path, query string and body in, AWS's envelopes out; botocore is the oracle."""

import json
from typing import Any

import botocore.model
import botocore.parsers
import botocore.serialize
import pytest
from botocore.awsrequest import HeadersDict

from keystead.errors import (
    AwsError,
    SerializationException,
    ServiceUnavailable,
    ValidationException,
)
from keystead.policy.evaluation.decision import AccessDenied
from keystead.wire import restjson
from keystead.wire.http import HttpResponse
from keystead.wire.models import accessanalyzer as api
from keystead.wire.restjson import InvalidFields
from keystead.wire.schema import schema_of
from keystead.wire.sigv4.errors import mismatch
from tests.models import service_model

MODEL = service_model("accessanalyzer")
OPERATION = MODEL.operation_model("ValidatePolicy")
WHOLE = {
    "policyDocument": '{"Version":"2012-10-17"}',
    "policyType": "RESOURCE_POLICY",
    "validatePolicyResourceType": "AWS::S3::Bucket",
    "locale": "EN",
    "maxResults": 7,
    "nextToken": "a token/+=&",
}


def read(body: Any, **parameters: str) -> api.ValidatePolicyRequest:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return restjson.read(api.ValidatePolicy, parameters, sent)


def parsed(response: HttpResponse) -> dict[str, Any]:
    """What botocore makes of a response."""
    parser = botocore.parsers.create_parser("rest-json")
    received = {
        "status_code": response.status,
        "headers": HeadersDict(dict(response.headers)),
        "body": response.body,
    }
    result: dict[str, Any] = parser.parse(received, OPERATION.output_shape)
    return result


def test_the_generated_model() -> None:
    """Members, places and paths are those of botocore's model; nothing but one operation."""
    assert list(api.OPERATIONS) == ["ValidatePolicy"]
    assert (api.ValidatePolicy.method, api.ValidatePolicy.path) == (
        OPERATION.http["method"],
        OPERATION.http["requestUri"],
    )
    shape = OPERATION.input_shape
    places = {
        name: member.serialization.get("location", "") for name, member in shape.members.items()
    }
    assert api.ValidatePolicy.in_query == {name for name, place in places.items() if place}
    described = schema_of(api.ValidatePolicyRequest).members
    assert {member.wire_name for member in described} == set(places)
    assert {m.wire_name for m in described if m.required} == set(shape.required_members)
    assert api.SERVICE.name == MODEL.signing_name == "access-analyzer"
    assert api.ValidatePolicy.read_only
    assert (api.AccessDeniedException.status, api.ThrottlingException.status) == (403, 429)


def test_what_botocore_sends_is_read() -> None:
    """Body and query string as the SDK writes them."""
    serializer = botocore.serialize.create_serializer("rest-json")
    sent = serializer.serialize_to_request(WHOLE, OPERATION)
    parameters = {name: str(value) for name, value in sent["query_string"].items()}
    assert (sent["url_path"], sent["method"]) == ("/policy/validation", "POST")

    request = read(sent["body"], **parameters)

    assert request == api.ValidatePolicyRequest(
        policy_document='{"Version":"2012-10-17"}',
        policy_type="RESOURCE_POLICY",
        validate_policy_resource_type="AWS::S3::Bucket",
        locale="EN",
        max_results=7,
        next_token="a token/+=&",
    )


def test_each_member_has_one_place() -> None:
    """What belongs in the query string is not read from the body, nor the other way round."""
    whole = {"policyDocument": "{}", "policyType": "IDENTITY_POLICY"}
    assert read({**whole, "maxResults": 7, "nextToken": "x"}).max_results is None
    assert (
        read({**whole, "maxResults": "seven"} | {"maxResults": 7}, maxResults="9").max_results == 9
    )
    with pytest.raises(InvalidFields) as refused:
        read({"policyDocument": "{}"}, policyType="IDENTITY_POLICY")
    assert [name for name, _ in refused.value.fields] == ["policyType"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff{}", b'{"a":1,"a":2}'])
def test_bodies_that_are_not_json(body: bytes) -> None:
    with pytest.raises(SerializationException):
        read(body)


@pytest.mark.parametrize("value", [7, True, [], {}])
def test_members_of_the_wrong_type(value: Any) -> None:
    with pytest.raises(SerializationException):
        read({"policyDocument": value, "policyType": "IDENTITY_POLICY"})


@pytest.mark.parametrize("text", ["", "seven", "1.5", "+1", " 1", "1" * 30, "\u0667"])
def test_integers_in_the_query_string(text: str) -> None:
    """Digits, and nothing that could be read in two ways."""
    with pytest.raises(InvalidFields) as refused:
        read({"policyDocument": "{}", "policyType": "IDENTITY_POLICY"}, maxResults=text)
    assert refused.value.reason == restjson.CANNOT_PARSE
    assert refused.value.fields[0][0] == "maxResults"


def test_all_violations_with_their_fields() -> None:
    """AWS's sentence for each member, and the member's name, whatever its value says."""
    tricky = "x' failed to satisfy constraint: y at 'z"
    with pytest.raises(InvalidFields) as refused:
        read({"policyType": tricky}, maxResults="99999999999")
    error = refused.value
    assert error.message is not None
    assert error.message.startswith("3 validation errors detected: ")
    assert sorted(name for name, _ in error.fields) == [
        "maxResults",
        "policyDocument",
        "policyType",
    ]

    result = parsed(restjson.error(error, "id"))
    assert result["Error"]["Code"] == "ValidationException"
    body = json.loads(restjson.error(error, "id").body)
    assert body["reason"] == "fieldValidationFailed"
    assert {one["name"] for one in body["fieldList"]} == {name for name, _ in error.fields}


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (AccessDenied(None, "User: a is not authorized"), "AccessDeniedException", 403),
        (mismatch(), "InvalidSignatureException", 403),
        (SerializationException("not JSON"), "SerializationException", 400),
        (api.InternalServerException("ours"), "InternalServerException", 500),
        (ServiceUnavailable(), "ServiceUnavailable", 503),
        (ValidationException("no"), "ValidationException", 400),
    ],
)
def test_errors(error: AwsError, code: str, status: int) -> None:
    """Name in the header, text in `message`, the statuses of REST."""
    response = restjson.error(error, "the-id")
    result = parsed(response)
    assert (response.status, result["Error"]["Code"]) == (status, code)
    assert result["Error"]["Message"] == (error.message or "")
    assert result["ResponseMetadata"]["RequestId"] == "the-id"
    if code == "ValidationException":
        assert json.loads(response.body)["reason"] == "other"


def test_answers() -> None:
    """botocore reads a finding back, whole."""
    start = api.Position(line=1, column=0, offset=0)
    finding = api.ValidatePolicyFinding(
        finding_details="d",
        finding_type="ERROR",
        issue_code="C",
        learn_more_link="https://example.com",
        locations=[
            api.Location(
                path=[
                    api.PathElement(value="Statement"),
                    api.PathElement(index=0),
                    api.PathElement(key="Acton"),
                    api.PathElement(substring=api.Substring(start=0, length=2)),
                ],
                span=api.Span(start=start, end=start),
            )
        ],
    )
    answer = api.ValidatePolicyResponse(findings=[finding], next_token="t")
    result = parsed(restjson.response(api.ValidatePolicy, answer, "the-id"))
    zero = {"line": 1, "column": 0, "offset": 0}
    assert result["findings"][0]["locations"] == [
        {
            "path": [
                {"value": "Statement"},
                {"index": 0},
                {"key": "Acton"},
                {"substring": {"start": 0, "length": 2}},
            ],
            "span": {"start": zero, "end": zero},
        }
    ]
    assert (result["nextToken"], result["findings"][0]["findingType"]) == ("t", "ERROR")
