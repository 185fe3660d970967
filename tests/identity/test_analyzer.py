"""Access Analyzer's ValidatePolicy as its clients see it."""

import json
import subprocess
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import REGION, Server, create_user, policy, refused
from tests.raw import Answer, Wire

CLEAN = policy(
    {
        "Effect": "Allow",
        "Action": ["kms:Encrypt", "kms:Decrypt"],
        "Resource": "arn:aws:kms:eu-central-1:111122223333:key/*",
    }
)
PATH = "/policy/validation"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def analyzer(server: Server) -> Any:
    return server.client("accessanalyzer")


@pytest.fixture(scope="module")
def wire(server: Server) -> Wire:
    return Wire(server)


def send(wire: Wire, body: Any, query: str = "", **headers: str) -> Answer:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return wire.send("access-analyzer", sent, {**JSON, **headers}, path=f"{PATH}{query}")


def test_a_clean_policy(analyzer: Any) -> None:
    """Nothing is found, and nothing is stored."""
    answer = analyzer.validate_policy(policyDocument=CLEAN, policyType="IDENTITY_POLICY")
    assert answer["findings"] == []
    assert "nextToken" not in answer


def test_broken_json(analyzer: Any) -> None:
    """The finding says where."""
    broken = '{\n  "Version": "2012-10-17",\n  "Statement": [,]\n}'
    answer = analyzer.validate_policy(policyDocument=broken, policyType="IDENTITY_POLICY")
    (found,) = answer["findings"]
    assert (found["issueCode"], found["findingType"]) == ("JSON_SYNTAX_ERROR", "ERROR")
    assert found["findingDetails"] == "Fix the JSON syntax error at index 45 line 3 column 16."
    at = {"line": 3, "column": 16, "offset": 45}
    assert found["locations"] == [{"path": [], "span": {"start": at, "end": at}}]
    assert found["learnMoreLink"].endswith(
        "#access-analyzer-reference-policy-checks-error-json-syntax-error"
    )


WHOLE_KEY = {"Resource": "*"}
KEY_POLICY = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*"}
TRUST = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}
ASSUMING = "AWS::IAM::AssumeRolePolicyDocument"


@pytest.mark.parametrize(
    ("statement", "parameters", "code"),
    [
        ({**KEY_POLICY, "Resource": "*"}, {"policyType": "RESOURCE_POLICY"}, ""),
        (KEY_POLICY, {"policyType": "RESOURCE_POLICY"}, "MISSING_RESOURCE"),
        ({**KEY_POLICY, **WHOLE_KEY}, {"policyType": "IDENTITY_POLICY"}, "UNSUPPORTED_PRINCIPAL"),
        (TRUST, {"policyType": "RESOURCE_POLICY"}, ""),
        (TRUST, {"policyType": "RESOURCE_POLICY", "validatePolicyResourceType": ASSUMING}, ""),
        (
            {**TRUST, "Resource": "*"},
            {"policyType": "RESOURCE_POLICY", "validatePolicyResourceType": ASSUMING},
            "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE",
        ),
        (
            {**KEY_POLICY, "Resource": "*"},
            {"policyType": "RESOURCE_POLICY", "validatePolicyResourceType": "AWS::S3::Bucket"},
            "UNSUPPORTED_ACTION_IN_POLICY",
        ),
        (
            {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"},
            {"policyType": "SERVICE_CONTROL_POLICY"},
            "SCP_SYNTAX_ERROR_PRINCIPAL",
        ),
        (
            {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"},
            {"policyType": "RESOURCE_CONTROL_POLICY"},
            "",
        ),
    ],
)  # fmt: skip
def test_each_type_of_policy(
    analyzer: Any, statement: dict[str, Any], parameters: dict[str, str], code: str
) -> None:
    answer = analyzer.validate_policy(policyDocument=policy(statement), **parameters)
    assert {one["issueCode"] for one in answer["findings"]} == ({code} if code else set())


def test_what_has_an_error_is_not_stored(server: Server, analyzer: Any) -> None:
    """IAM and Access Analyzer read the same rules; the corrected document passes both."""
    iam = server.client("iam")
    name = "analyzed"
    for sid, code in (("a b", "UNSUPPORTED_SID"), ("ab", "")):
        document = policy(
            {"Sid": sid, "Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"}
        )
        found = analyzer.validate_policy(policyDocument=document, policyType="IDENTITY_POLICY")
        assert [one["issueCode"] for one in found["findings"]] == ([code] if code else [])
        if code:
            with refused("MalformedPolicyDocument"):
                iam.create_policy(PolicyName=name, PolicyDocument=document)
        else:
            iam.create_policy(PolicyName=name, PolicyDocument=document)


# Pages

MANY = policy(
    *(
        {"Effect": "Allow", "Action": f"kms:No{number}", "Resource": "arn:aws:s3:::b"}
        for number in range(7)
    )
)


def test_pages(server: Server, analyzer: Any) -> None:
    """Each finding once, in the order of the document, whatever the size of the page."""
    whole = analyzer.validate_policy(policyDocument=MANY, policyType="IDENTITY_POLICY")["findings"]
    assert [one["issueCode"] for one in whole] == ["INVALID_ACTION"] * 7
    pages = list(
        analyzer.get_paginator("validate_policy").paginate(
            policyDocument=MANY, policyType="IDENTITY_POLICY", PaginationConfig={"PageSize": 3}
        )
    )
    assert [len(page["findings"]) for page in pages] == [3, 3, 1]
    assert [one for page in pages for one in page["findings"]] == whole


def test_tokens_are_bound(server: Server, analyzer: Any) -> None:
    """A token is good for the same caller and the same question, and nothing else."""
    asked: dict[str, Any] = {"policyDocument": MANY, "policyType": "IDENTITY_POLICY"}
    token = analyzer.validate_policy(**asked, maxResults=3)["nextToken"]
    assert len(analyzer.validate_policy(**asked, nextToken=token)["findings"]) == 4

    with refused("ValidationException", "nextToken"):
        analyzer.validate_policy(**asked, nextToken=token[:-4] + "AAAA")
    with refused("ValidationException", "nextToken"):
        analyzer.validate_policy(**{**asked, "policyDocument": f"{MANY} "}, nextToken=token)
    other = create_user(
        server, "pages",
        {"Effect": "Allow", "Action": "access-analyzer:ValidatePolicy", "Resource": "*"},
    )  # fmt: skip
    with refused("ValidationException", "nextToken"):
        server.client("accessanalyzer", other).validate_policy(**asked, nextToken=token)


# Permission


def test_permission(server: Server) -> None:
    """Nobody validates without the permission; with it, and no other, they do."""
    asked = {"policyDocument": CLEAN, "policyType": "IDENTITY_POLICY"}
    nobody = create_user(server, "not-an-analyst")
    with pytest.raises(ClientError) as caught:
        server.client("accessanalyzer", nobody).validate_policy(**asked)
    answer = caught.value.response
    assert answer["Error"]["Code"] == "AccessDeniedException"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert (
        "is not authorized to perform: access-analyzer:ValidatePolicy" in answer["Error"]["Message"]
    )

    statement = {"Effect": "Allow", "Action": "access-analyzer:ValidatePolicy", "Resource": "*"}
    analyst = create_user(server, "analyst", statement)
    found = server.client("accessanalyzer", analyst).validate_policy(**asked)
    assert found["findings"] == []
    with refused("AccessDenied"):
        server.client("iam", analyst).list_users()


def test_unknown_callers(server: Server) -> None:
    """Refused with REST's status, in REST's envelope."""
    admin = server.admin
    stranger = type(admin)("AKIAIOSFODNN7EXAMPLE", admin.secret)
    with pytest.raises(ClientError) as caught:
        server.client("accessanalyzer", stranger).validate_policy(
            policyDocument=CLEAN, policyType="IDENTITY_POLICY"
        )
    assert caught.value.response["Error"]["Code"] == "UnrecognizedClientException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


# Malformed requests

GOOD = {"policyDocument": CLEAN, "policyType": "IDENTITY_POLICY"}


@pytest.mark.parametrize(
    ("body", "query", "code"),
    [
        (b"", "", "SerializationException"),
        (b"[]", "", "SerializationException"),
        (b"{", "", "SerializationException"),
        (b"\xff\xfe", "", "SerializationException"),
        ({}, "", "ValidationException"),
        ({**GOOD, "policyType": "NOPE"}, "", "ValidationException"),
        ({**GOOD, "policyDocument": 7}, "", "SerializationException"),
        ({**GOOD, "policyDocument": "x" * 40_001}, "", "ValidationException"),
        ({**GOOD, "locale": "xx"}, "", "ValidationException"),
        ({**GOOD, "validatePolicyResourceType": ASSUMING}, "", "ValidationException"),
        ({**GOOD, "validatePolicyResourceType": "AWS::KMS::Key"}, "", "ValidationException"),
        (GOOD, "?maxResults=x", "ValidationException"),
        (GOOD, "?maxResults=0", "ValidationException"),
        (GOOD, "?maxResults=1001", "ValidationException"),
        (GOOD, "?maxResults=1&maxResults=2", "IncompleteSignatureException"),
        (GOOD, "?nextToken=x", "ValidationException"),
    ],
)
def test_malformed_requests(wire: Wire, body: Any, query: str, code: str) -> None:
    """AWS's errors, never one of ours; the same request without the mistake is answered."""
    answer = send(wire, body, query)
    assert (answer.status, answer.code) == (400, code)
    assert answer.request_id
    assert send(wire, GOOD).status == 200


@pytest.mark.parametrize(
    "text", ["", "null", "7", '"x"', "[]", "{}", "[" * 30, "\ud83d\ude00", "{" * 39_000]
)
def test_any_text_has_findings(analyzer: Any, text: str) -> None:
    """Whatever the document is, it is the document that is wrong and not the request."""
    answer = analyzer.validate_policy(policyDocument=text, policyType="RESOURCE_POLICY")
    assert "ERROR" in {one["findingType"] for one in answer["findings"]}


@pytest.mark.parametrize(
    ("path", "headers", "service", "status"),
    [
        ("/policy/validation/", {}, "access-analyzer", 400),
        ("/analyzer", {}, "access-analyzer", 400),
        (PATH, {"Content-Type": "application/x-www-form-urlencoded"}, "access-analyzer", 400),
        (PATH, {}, "iam", 403),
    ],
)
def test_other_paths_and_services(
    wire: Wire, path: str, headers: dict[str, str], service: str, status: int
) -> None:
    """One path, one service: a signature for another one is not for this."""
    answer = wire.send(service, json.dumps(GOOD).encode(), {**JSON, **headers}, path=path)
    assert answer.status == status
    assert answer.code in ("UnknownOperationException", "InvalidSignatureException")


def test_the_aws_cli(server: Server) -> None:
    """The command from AWS's manual, with nothing but an endpoint."""
    document = policy({"Effect": "Allow", "Action": "kms:Decrpt", "Resource": "*"})
    command = ["aws", "accessanalyzer", "validate-policy", "--policy-type", "IDENTITY_POLICY",
               "--policy-document", document, "--endpoint-url", server.endpoint,
               "--region", REGION, "--output", "json"]  # fmt: skip
    done = subprocess.run(
        command, env=server.environment(), capture_output=True, text=True, check=True, timeout=120
    )
    (found,) = json.loads(done.stdout)["findings"]
    assert found["issueCode"] == "INVALID_ACTION"
    assert found["findingDetails"].endswith("Did you mean kms:Decrypt?")


def test_the_record(server: Server, analyzer: Any) -> None:
    """A validation leaves one record, as a reading call of its service."""
    request_id = analyzer.validate_policy(**GOOD)["ResponseMetadata"]["RequestId"]
    shown = server.keystead("audit", "show", "--json", "--last", "100")
    records = [json.loads(line) for line in shown.stdout.splitlines()]
    (record,) = [one for one in records if one["requestID"] == request_id]
    assert record["eventName"] == "ValidatePolicy"
    assert record["eventSource"] == "access-analyzer.amazonaws.com"
    assert record["readOnly"] is True
    assert record["requestParameters"]["policyType"] == "IDENTITY_POLICY"
