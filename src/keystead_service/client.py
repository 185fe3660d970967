"""The calls that a service makes: in its own name, and for the caller whose request it received."""

import http.client
import json
import ssl
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from keystead_service.request import CallerRequest
from keystead_service.signing import Credentials, forwarded, signed_headers

_JSON = "application/x-amz-json-1.1"
_MOST = 1000  # sessions that are kept for the same request
_LONGEST_TEXT = 1024  # bytes of an answer in plain text that a refusal shows
_TARGETS = {"kms": "TrentService", "keystead": "KeysteadServices"}


class Refused(Exception):
    """A call was refused, with the code and the message of the server."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class ForwardedAccess:
    """A session for one caller, which this service alone can use."""

    credentials: Credentials  # for any SDK, too
    expires: datetime
    caller_arn: str
    caller_account: str
    caller_id: str


class ServiceClient:
    """The calls of one service. It may be used by several threads."""

    def __init__(
        self,
        endpoint: str,
        region: str,
        credentials: Credentials,
        *,
        timeout: float = 10.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`endpoint` is the URL of Keystead; `timeout` is in seconds."""
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise ValueError(f"`{endpoint}` is not the URL of a server: http://host:port")
        self._secure = parts.scheme == "https"
        self._host, self._port, self._netloc = parts.hostname, parts.port, parts.netloc
        self._region = region
        self._credentials = credentials
        self._timeout = timeout
        self._tls = tls
        self._lock = threading.Lock()
        self._sessions: OrderedDict[bytes, ForwardedAccess] = OrderedDict()

    def forward(self, request: CallerRequest, *, again: bool = False) -> ForwardedAccess:
        """A session for whoever signed this request; raises Refused.

        Each request of a caller is handed in by itself, and once. Two requests of one second may
        be the same in all that is signed. With `again`, the second gets the session of the first,
        while that lives: for requests that only read, as S3 has it.
        """
        same = request.signed_part() if again else b""
        known = self._known(same) if again else None
        if known is not None:
            return known
        told = self._call("keystead", "ForwardAccess", {"Request": request.members()})
        given, caller = told["Credentials"], told["Caller"]
        access = ForwardedAccess(
            forwarded(self._credentials, given["AccessKeyId"], given["SessionToken"]),
            datetime.fromtimestamp(given["Expiration"], UTC),
            caller["Arn"],
            caller["AccountId"],
            caller["UserId"],
        )
        if again:
            with self._lock:
                self._sessions[same] = access
                if len(self._sessions) > _MOST:
                    self._sessions.popitem(last=False)
        return access

    def _known(self, same: bytes) -> ForwardedAccess | None:
        """The session of the very same request, if it lives."""
        with self._lock:
            access = self._sessions.get(same)
        return access if access is not None and datetime.now(UTC) < access.expires else None

    def require_passed(self, access: ForwardedAccess, role_arn: str, about: str = "") -> None:
        """May the caller hand this role to the service, for the resource `about`?  Or Refused."""
        members = {"RoleArn": role_arn, **({"AssociatedResourceArn": about} if about else {})}
        self._call("keystead", "PassRole", members, access.credentials)

    def kms(
        self,
        operation: str,
        members: Mapping[str, Any],
        *,
        access: ForwardedAccess | None = None,
        source_arn: str = "",
        source_account: str = "",
    ) -> dict[str, Any]:
        """A call of KMS, with AWS's members; raises Refused.

        It is for the caller of `access`; without it in the service's own name, and then for the
        resource and the account that are named.
        """
        source = {"x-amz-source-arn": source_arn, "x-amz-source-account": source_account}
        named = {name: value for name, value in source.items() if value}
        if access is not None and named:
            raise ValueError("a source is named in the service's own name, and for no caller")
        credentials = None if access is None else access.credentials
        return self._call("kms", operation, members, credentials, named)

    def _call(
        self,
        service: str,
        operation: str,
        members: Mapping[str, Any],
        credentials: Credentials | None = None,
        more: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        body = json.dumps(members).encode()
        headers = {
            "content-type": _JSON,
            "x-amz-target": f"{_TARGETS[service]}.{operation}",
            **(more or {}),
        }
        signed = signed_headers(
            credentials or self._credentials,
            (self._region, service),
            self._netloc,
            headers,
            body,
            datetime.now(UTC),
        )
        connection = self._connection()
        try:
            connection.request("POST", "/", body, signed)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise _refused(response.status, answer)
        told: dict[str, Any] = json.loads(answer) if answer else {}
        return told

    def _connection(self) -> http.client.HTTPConnection:
        if self._secure:
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout, context=self._tls
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)


def _refused(status: int, answer: bytes) -> Refused:
    """The refusal in an answer. Of one in plain text, as of a balancer, the text is the message."""
    try:
        told = json.loads(answer)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        return Refused(status, "", answer[:_LONGEST_TEXT].decode(errors="replace"))
    code = str(told.get("__type", "")).rpartition("#")[2]
    return Refused(status, code, str(told.get("message", told.get("Message", ""))))
