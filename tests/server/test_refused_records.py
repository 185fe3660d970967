"""What the log keeps of a request that nobody was authenticated for, and what it never does."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from keystead.wire.http import HttpRequest
from tests.server.installations import Local, open_local

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SIGNATURE = "5ab" * 21 + "5"
SCOPE = "20261126/us-east-1/iam/aws4_request"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    opened = open_local(tmp_path_factory.mktemp("refused") / "data")
    yield opened
    opened.installation.close()


def log(local: Local) -> bytes:
    """Every byte of the audit log."""
    directory = local.installation.directory / "audit"
    return b"".join(file.read_bytes() for file in sorted(directory.glob("records-*")))


def newest(local: Local) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(log(local).splitlines()[-1])["event"]
    return found


def with_headers(request: HttpRequest, **headers: str) -> HttpRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return msgspec.structs.replace(request, headers={**request.headers, **named})


def v4(*parameters: str) -> str:
    return f"AWS4-HMAC-SHA256 {', '.join(parameters)}"


GOOD = (f"Credential=AKIAX/{SCOPE}", "SignedHeaders=host", f"Signature={SIGNATURE}")
WORD = SECRET.replace("/", "")  # a secret that does not end a part of a credential


@pytest.mark.parametrize(
    ("authorization", "told"),
    [
        (v4(*GOOD), ""),
        (v4(GOOD[0], GOOD[2]), SIGNATURE),
        (v4(f"AKIAX:{SECRET}", GOOD[2]), SECRET),
        (f"{SECRET} {GOOD[0]}", SECRET),
        (v4(f"{SECRET}=1", f"{SECRET}=2", GOOD[2]), SECRET),
        (v4(f"Credential={SECRET}", *GOOD[1:]), SECRET),
        (v4(GOOD[0], f"SignedHeaders={SECRET}", GOOD[2]), SECRET),
        (v4(f"Credential=AKIAX/{WORD}/us-east-1/iam/aws4_request", *GOOD[1:]), WORD),
        (SECRET, ""),
    ],
)
def test_nothing_of_an_authorization_header_is_recorded(
    local: Local, authorization: str, told: str
) -> None:
    """AWS's sentence may repeat to the caller what it sent; the log never does (AD-2)."""
    before = len(log(local))
    answer = local.send(with_headers(local.iam_request("ListUsers"), authorization=authorization))
    recorded = log(local)[before:]

    assert answer.status in (400, 403)
    assert told.encode() in answer.body
    assert recorded.count(b"\n") == 1
    for part in (SECRET, WORD, SIGNATURE):
        assert part.encode() not in recorded
    assert newest(local)["errorMessage"]


def test_the_key_that_a_bad_signature_claims_is_recorded(local: Local) -> None:
    """Whose key is being tried can be told from the log; it does not make anybody of the caller."""
    request = local.iam_request("ListUsers")
    key_id = local.founded.access_key.access_key_id
    authorization = request.headers["authorization"]

    assert local.send(request).status == 200
    assert newest(local)["userIdentity"]["type"] == "IAMUser"
    other = authorization[:-1] + ("0" if authorization[-1] != "0" else "1")
    local.send(with_headers(request, authorization=other))
    assert newest(local)["userIdentity"] == {"type": "Unknown", "accessKeyId": key_id}
    local.send(with_headers(request, authorization=authorization.replace(key_id, SECRET[:20])))
    assert newest(local)["userIdentity"] == {"type": "Unknown"}


def test_the_key_of_a_presigned_request_is_recorded(local: Local) -> None:
    """The same for a signature in the query string."""
    key_id = local.founded.access_key.access_key_id
    request = msgspec.structs.replace(
        local.iam_request("ListUsers"), method="GET", body=b"", headers={"host": "a"},
        query=f"Action=ListUsers&X-Amz-Credential={key_id}%2F{SCOPE.replace('/', '%2F')}",
    )  # fmt: skip

    local.send(request)
    assert newest(local)["userIdentity"] == {"type": "Unknown", "accessKeyId": key_id}
