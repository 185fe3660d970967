"""Presigned requests and other unusual ones, over the wire: what is served and what is refused."""

import http.client
from datetime import UTC, datetime, timedelta
from unittest import mock
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.conftest import REGION, Server
from tests.patience import PATIENCE
from tests.raw import VERSIONS, Answer, Wire

IDENTITY = "Action=GetCallerIdentity&Version=2011-06-15"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def presigned(
    server: Server,
    parameters: str = IDENTITY,
    *,
    age: int = 0,
    expires: int = 60,
    method: str = "GET",
    service: str = "sts",
) -> str:
    """A presigned URL of the administrator's that was made some seconds ago."""
    request = AWSRequest(method, f"{server.endpoint}/?{parameters}")
    then = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=age)
    signer = Credentials(server.admin.access_key_id, server.admin.secret)
    with mock.patch("botocore.auth.get_current_datetime", return_value=then):
        SigV4QueryAuth(signer, service, REGION, expires=expires).add_auth(request)
    return str(request.url)


def ask(
    url: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    connection.request(method, path, body, headers or {})
    got = connection.getresponse()
    return Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())


def test_eks_counts_on_fourteen_minutes(server: Server) -> None:
    """GetCallerIdentity signed for 60 seconds is good for 15 minutes, and not a second longer."""
    assert b":user/admin</Arn>" in ask(presigned(server, age=14 * 60)).body
    late = ask(presigned(server, age=15 * 60 + 5))
    assert (late.status, late.code) == (403, "SignatureDoesNotMatch")
    assert late.message.startswith("Signature expired")


def test_other_presigned_requests_end_when_they_say(server: Server) -> None:
    """ListUsers signed for 60 seconds is refused after them, and served before."""
    listing = "Action=ListUsers&Version=2010-05-08"
    assert ask(presigned(server, listing, age=30, service="iam")).status == 200
    late = ask(presigned(server, listing, age=70, service="iam"))
    assert (late.status, late.code) == (403, "SignatureDoesNotMatch")
    assert ask(presigned(server, listing, age=70, expires=600, service="iam")).status == 200


@pytest.mark.parametrize("headers", [{}, FORM, {"Content-Type": "application/json"}])
def test_boto3_presigns_a_post(server: Server, headers: dict[str, str]) -> None:
    """A presigned POST without a body is served; with any byte of one it is refused."""
    url = server.client("sts").generate_presigned_url("get_caller_identity")
    answer = ask(url, "POST", b"", headers)
    assert answer.status == 200
    assert b":user/admin</Arn>" in answer.body
    for body in (b"\n", IDENTITY.encode()):
        refusal = ask(url, "POST", body, headers)
        assert (refusal.status, refusal.code) in {
            (400, "InvalidQueryParameter"),
            (403, "SignatureDoesNotMatch"),
        }
    assert ask(url, "GET").code == "SignatureDoesNotMatch"


def test_a_signed_body_beside_parameters_in_the_query(server: Server) -> None:
    """A POST whose query and body both have parameters is refused by a code that says so."""
    wire = Wire(server)
    body = f"Action=ListUsers&Version={VERSIONS['iam']}".encode()
    refusal = wire.send("iam", body, FORM, path="/?Action=DeleteUser")
    assert (refusal.status, refusal.code) == (400, "InvalidQueryParameter")
    assert wire.send("iam", body, FORM).status == 200


@pytest.mark.parametrize("path", ["//", "/./", "/a/../", "/."])
def test_paths_in_another_form(server: Server, path: str) -> None:
    """A path that would have to be normalised is refused, signed as it is or not."""
    body = IDENTITY.encode()
    wire = Wire(server)
    refusal = wire.send("sts", body, FORM, path=path)
    assert (refusal.status, refusal.code) == (403, "SignatureDoesNotMatch")
    assert wire.send("sts", body, FORM).status == 200


def test_sigv4a_is_refused(server: Server) -> None:
    """A signature by another algorithm is told so, in the header as in the query."""
    url = presigned(server).replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")
    header = "AWS4-ECDSA-P256-SHA256 Credential=AKIA/20260101/sts/aws4_request"
    in_header = ask(
        f"{server.endpoint}/", "POST", IDENTITY.encode(), {**FORM, "Authorization": header}
    )
    for refusal in (ask(url), in_header):
        assert (refusal.status, refusal.code) == (400, "IncompleteSignature")
        assert "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'" in refusal.message


def test_kms_without_a_target_answers_in_json(server: Server) -> None:
    """What is signed for KMS and names no operation is refused as JSON."""
    for headers in ({"Content-Type": "application/x-amz-json-1.1"}, FORM):
        refusal = Wire(server).send("kms", b"{}", headers)
        assert refusal.status == 400
        assert refusal.headers["content-type"] == "application/x-amz-json-1.1"
        assert refusal.code == "UnknownOperationException"


def test_aliases_of_aws_do_not_exist_yet(server: Server) -> None:
    """No service has a key of its own here: their aliases are not found, nor listed, nor made."""
    kms = server.client("kms")
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.describe_key(KeyId="alias/aws/s3")
    assert not [a for a in kms.list_aliases()["Aliases"] if "alias/aws/" in a["AliasName"]]
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    with pytest.raises(kms.exceptions.ClientError, match="NotAuthorizedException"):
        kms.create_alias(AliasName="alias/aws/s3", TargetKeyId=key)
