"""Exactly one protocol for each request; what is neither, or of both, is refused (PA-9)."""

import pytest

import keystead.identity.analyzer
import keystead.identity.anywhere
import keystead.identity.iam
import keystead.identity.instances
import keystead.identity.organizations
import keystead.identity.sts
import keystead.kms.operations
import keystead.network
import keystead.trails
from keystead.server.pipeline.routing import Route, route
from keystead.wire.http import Endpoint, HttpRequest

OPERATIONS = (
    keystead.identity.analyzer,
    keystead.identity.anywhere,
    keystead.identity.iam,
    keystead.identity.instances,
    keystead.identity.organizations,
    keystead.identity.sts,
    keystead.kms.operations,
    keystead.network,
    keystead.trails,
)

JSON = {"content-type": "application/x-amz-json-1.1"}
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
ENCRYPT = {**JSON, "x-amz-target": "TrentService.Encrypt"}
REST = {"content-type": "application/json"}
VALIDATION = "/policy/validation"
FOR_ANALYZER = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-central-1/access-analyzer/aws4_request"
FOR_KMS = FOR_ANALYZER.replace("access-analyzer", "kms")
LIST = b"Action=ListUsers&Version=2010-05-08"
WHOAMI = b"Action=GetCallerIdentity&Version=2011-06-15"
PRESIGNED = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20260101%2Fus-east-1%2Fsts%2F"
PRESIGNED += "aws4_request&X-Amz-Signature=00"


def routed(
    headers: dict[str, str],
    body: bytes = b"",
    *,
    method: str = "POST",
    path: str = "/",
    query: str = "",
) -> Route:
    return route(HttpRequest(method, path, query, headers, body, "127.0.0.1", False, Endpoint()))


@pytest.mark.parametrize(
    ("found", "service", "name"),
    [
        (routed(ENCRYPT, b"{}"), "kms", "Encrypt"),
        (
            routed({**ENCRYPT, "content-type": "Application/X-Amz-JSON-1.1 ; charset=utf-8"}),
            "kms",
            "Encrypt",
        ),
        (routed(ENCRYPT, query=PRESIGNED), "kms", "Encrypt"),
        (routed(REST, b"{}", path=VALIDATION), "access-analyzer", "ValidatePolicy"),
        (
            routed(REST, b"{}", path=VALIDATION, query=f"maxResults=7&{PRESIGNED}"),
            "access-analyzer",
            "ValidatePolicy",
        ),
        (routed(FORM, LIST), "iam", "ListUsers"),
        (routed(FORM, WHOAMI), "sts", "GetCallerIdentity"),
        (routed(FORM, WHOAMI, query=PRESIGNED), "sts", "GetCallerIdentity"),
        (
            routed({}, method="GET", query=f"{WHOAMI.decode()}&{PRESIGNED}"),
            "sts",
            "GetCallerIdentity",
        ),
        (
            routed({}, method="GET", query=f"Action=GetCallerIdentity&{PRESIGNED}"),
            "sts",
            "GetCallerIdentity",
        ),
        (routed({}, query=f"{WHOAMI.decode()}&{PRESIGNED}"), "sts", "GetCallerIdentity"),
        (routed(FORM, query=f"{PRESIGNED}&{WHOAMI.decode()}"), "sts", "GetCallerIdentity"),
    ],
)
def test_each_protocol(found: Route, service: str, name: str) -> None:
    """Every protocol, in each of its forms, finds its operation."""
    assert found.problem is None
    assert (found.service.name, found.name) == (service, name)
    assert found.implementation is not None
    assert found.implementation.operation.name == name


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (routed({**ENCRYPT, **FORM}), "UnknownOperationException"),
        (routed({**ENCRYPT, "content-type": "text/json"}), "UnknownOperationException"),
        (
            routed({**ENCRYPT, "content-type": "x-application/x-amz-json-1.1"}),
            "UnknownOperationException",
        ),
        (routed({"x-amz-target": "TrentService.Encrypt"}), "UnknownOperationException"),
        (routed({**ENCRYPT, "x-amz-target": "TrentService.No"}), "UnknownOperationException"),
        (routed({**ENCRYPT, "x-amz-target": "Other.Encrypt"}), "UnknownOperationException"),
        (routed({**ENCRYPT, "x-amz-target": "Encrypt"}), "UnknownOperationException"),
        (
            routed({**ENCRYPT, "x-amz-target": "x.TrentService.Encrypt"}),
            "UnknownOperationException",
        ),
        (routed(ENCRYPT, method="PUT"), "UnknownOperationException"),
        (routed(ENCRYPT, method="GET"), "UnknownOperationException"),
        (routed(ENCRYPT, path="/kms"), "UnknownOperationException"),
        (routed(ENCRYPT, query="Action=ListKeys"), "UnknownOperationException"),
        (routed({**ENCRYPT, **REST}, path=VALIDATION), "UnknownOperationException"),
        (routed(FORM, LIST, path=VALIDATION), "UnknownOperationException"),
        (
            routed({**REST, "authorization": FOR_ANALYZER}, path="/policy"),
            "UnknownOperationException",
        ),
        (
            routed({**REST, "authorization": FOR_ANALYZER}, path=VALIDATION, method="PUT"),
            "UnknownOperationException",
        ),
        (routed(REST, path="/policy"), "MissingAction"),
        (routed(REST, path=VALIDATION, query="a=1&a=2"), "SerializationException"),
        (routed(JSON, LIST), "MissingAction"),
        (routed({}, LIST), "MissingAction"),
        (routed({"content-type": "multipart/form-data"}, LIST), "MissingAction"),
        (routed(FORM, b"Version=2010-05-08"), "MissingAction"),
        (routed(FORM, LIST, query="Action=DeleteUser"), "InvalidQueryParameter"),
        (routed(FORM, LIST, query=f"UserName=a&{PRESIGNED}"), "InvalidQueryParameter"),
        (routed(FORM, query=LIST.decode()), "InvalidQueryParameter"),
        (routed(FORM, b"x", query=f"{WHOAMI.decode()}&{PRESIGNED}"), "InvalidQueryParameter"),
        (routed({}, b"\n", query=f"{WHOAMI.decode()}&{PRESIGNED}"), "InvalidQueryParameter"),
        (routed({}, query=f"{WHOAMI.decode()}&{PRESIGNED}", method="PUT"), "MissingAction"),
        (routed({"authorization": FOR_KMS}), "UnknownOperationException"),
        (
            routed({**FORM, "authorization": FOR_KMS}, b"Action=Encrypt"),
            "UnknownOperationException",
        ),
        (routed(FORM, LIST, path="/iam"), "MissingAction"),
        (routed(FORM, LIST, method="PUT"), "MissingAction"),
        (routed({}, b"x", method="GET", query=LIST.decode()), "MissingAction"),
        (routed(FORM, b"Action=No&Version=2010-05-08"), "UnknownOperationException"),
        (routed(FORM, b"Action=ListUsers&Version=2011-06-15"), "UnknownOperationException"),
        (routed(FORM, b"Action=ListUsers&Version=2099-01-01"), "UnknownOperationException"),
        (routed(FORM, b"Action=ListUsers"), "UnknownOperationException"),
        (routed(FORM, LIST + b"&action=DeleteUser"), "SerializationException"),
        (routed(FORM, LIST + b"&x=%zz"), "SerializationException"),
    ],
)
def test_everything_else(found: Route, code: str) -> None:
    """What is of both protocols, of neither, or of nobody has no function to run."""
    assert found.problem is not None
    assert found.problem.error.code == code
    assert found.implementation is None


@pytest.mark.parametrize(
    ("headers", "body"), [({}, b""), (FORM, b"Action=ListKeys"), (JSON, b"{}")]
)
@pytest.mark.parametrize("path", ["/", "/kms"])
def test_who_signs_for_kms_is_answered_in_json(
    headers: dict[str, str], body: bytes, path: str
) -> None:
    """Without a target it is KMS that does not know the operation, as with one."""
    found = routed({**headers, "authorization": FOR_KMS}, body, path=path)
    assert (found.service.name, found.service.protocol) == ("kms", "json")
    assert found.problem is not None


def test_names_of_strangers_do_not_get_into_records() -> None:
    """An operation's name that could not be one is not repeated."""
    assert routed(FORM, b"Action=%0d%0aX&Version=2010-05-08").name == ""
    assert routed({**ENCRYPT, "x-amz-target": "TrentService.<b>"}).name == ""
