"""Requests signed by botocore: a signer that shares no code with ours."""

from collections.abc import Mapping
from datetime import datetime
from unittest import mock
from urllib.parse import urlsplit

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from keystead.identity.access_keys import IssuedKey
from keystead.wire.http import Endpoint, HttpRequest
from tests.identity.world import NOW, REGION

HOST = "keystead.example"
IDENTITY = b"Action=GetCallerIdentity&Version=2011-06-15"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


def signed(
    key: IssuedKey,
    service: str = "sts",
    *,
    body: bytes = IDENTITY,
    headers: Mapping[str, str] = FORM,
    now: datetime = NOW,
    region: str = REGION,
    token: str | None = None,
) -> HttpRequest:
    """A POST with an Authorization header."""
    request = AWSRequest("POST", f"http://{HOST}/", headers=dict(headers), data=body)
    credentials = Credentials(key.access_key_id, key.secret, token)
    with _at(now):
        auth.SigV4Auth(credentials, service, region).add_auth(request)
    return _received(request, body)


def presigned(
    key: IssuedKey,
    *,
    expires: int = 60,
    now: datetime = NOW,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpRequest:
    """A GET of GetCallerIdentity with the signature in its query string."""
    url = f"http://{HOST}/?{IDENTITY.decode()}"
    request = AWSRequest("GET", url, headers=dict(headers or {}))
    credentials = Credentials(key.access_key_id, key.secret, token)
    with _at(now):
        auth.SigV4QueryAuth(credentials, "sts", REGION, expires=expires).add_auth(request)
    return _received(request, b"")


def _at(now: datetime) -> "mock._patch[mock.Mock]":
    return mock.patch("botocore.auth.get_current_datetime", return_value=now.replace(tzinfo=None))


def _received(request: AWSRequest, body: bytes) -> HttpRequest:
    """The request as the door would hand it on."""
    parts = urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers.setdefault("host", parts.netloc)
    return HttpRequest(
        method=request.method,
        path=parts.path,
        query=parts.query,
        headers=headers,
        body=body,
        source_ip="192.0.2.1",
        secure=False,
        endpoint=Endpoint(),
    )
