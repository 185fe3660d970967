"""AWS Signature Version 4 of a JSON request, and the secret of a forwarded session."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

_ALGORITHM = "AWS4-HMAC-SHA256"
_FORWARDED = "keystead forwarded session 1"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key, with a session token if it is temporary. Its repr shows no secret."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


def forwarded(service: Credentials, access_key_id: str, session_token: str) -> Credentials:
    """The credentials of a forwarded session: their secret comes from the service's own."""
    text = f"{_FORWARDED}\n{access_key_id}\n{session_token}"
    digest = hmac.digest(service.secret_access_key.encode(), text.encode(), "sha256")
    return Credentials(access_key_id, base64.b64encode(digest).decode(), session_token)


def signed_headers(  # noqa: PLR0917  # what a signature is over
    credentials: Credentials,
    scope: tuple[str, str],
    host: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> dict[str, str]:
    """The headers of a signed `POST /`. `scope` is Region and service; `now` is in UTC."""
    region, service = scope
    time = now.strftime("%Y%m%dT%H%M%SZ")
    sent = {name.lower(): value for name, value in headers.items()}
    sent |= {"host": host, "x-amz-date": time}
    if credentials.session_token:
        sent["x-amz-security-token"] = credentials.session_token
    names = ";".join(sorted(sent))
    lines = "".join(f"{name}:{sent[name]}\n" for name in sorted(sent))
    canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    place = f"{time[:8]}/{region}/{service}/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{_ALGORITHM}\n{time}\n{place}\n{hashed}"
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in place.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    sent["authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key_id}/{place}, SignedHeaders={names},"
        f" Signature={signature}"
    )
    return sent
