"""How do programs ask for tokens?  `/v1/token` and `/v1/revoke`, as AWS's Sign-In service has them.

    POST /v1/token    {"clientId", "grantType", "code", "redirectUri", "codeVerifier",
    DPoP: a proof      "refreshToken"}, or the same names with `_`

One URL is enough for a program: the listeners of the API answer here, too, and send a browser that
comes to `/v1/authorize` to the pages. A request takes the pipeline's steps like every other.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from time import perf_counter
from typing import Any

import msgspec

from keystead import strictjson
from keystead.errors import AwsError, ThrottlingException
from keystead.identity.signin import logins
from keystead.policy.evaluation import AccessDenied
from keystead.server.pipeline import Answer, Arrived, Dialect, Route, arrived_from
from keystead.wire.http import HttpRequest, HttpResponse
from keystead.wire.operation import Operation, Service

shapes = logins.shapes
_JSON = "application/json"
_LONGEST = 4096  # characters of a member
_OURS = "The server cannot answer now. Try again."
_NAMES: Mapping[str, str] = {
    "clientId": "client_id", "grantType": "grant_type", "redirectUri": "redirect_uri",
    "codeVerifier": "code_verifier", "refreshToken": "refresh_token",
}  # fmt: skip
_OPERATIONS: Mapping[str, Operation[Any, Any]] = {
    logins.TOKEN: shapes.CREATE_TOKEN,
    logins.REVOKE: shapes.REVOKE_TOKEN,
}
_encode = msgspec.json.Encoder().encode


def is_of_programs(method: str, path: str) -> bool:
    """Is this a request of a program, which has neither a cookie nor a form?"""
    return method == "POST" and path in _OPERATIONS


def arrived(request: HttpRequest, now: datetime, dialect: Dialect | None = None) -> Arrived:
    """A request of a program, as it takes the pipeline's steps."""
    operation = _OPERATIONS[request.path]
    where = Route(operation.service, operation.name, logins.BY_PROGRAMS[operation.name])
    return arrived_from(request, where, dialect or DIALECT, now, perf_counter())


def door(url: str, now: Callable[[], datetime]) -> Callable[[HttpRequest], Answer | Arrived | None]:
    """What the listeners of the API do with a request of a sign-in; `url` is that of the pages."""

    def of(request: HttpRequest) -> Answer | Arrived | None:
        if is_of_programs(request.method, request.path):
            return arrived(request, now())
        if request.path == logins.AUTHORIZE and request.method in {"GET", "HEAD"}:
            return _elsewhere(f"{url}{logins.AUTHORIZE}?{request.query}")
        return None

    return of


def _elsewhere(url: str) -> Answer:
    headers = (("Location", url), ("Cache-Control", "no-store"))
    response = HttpResponse(302, headers, b"")
    return Answer(response, lambda: response)


def _read(operation: Operation[Any, Any], _: Route, request: HttpRequest) -> Any:
    if request.query or request.headers.get("content-type", "").partition(";")[0].strip() != _JSON:
        raise shapes.InvalidRequest(
            "The request is a POST of application/json, without a query string."
        )
    try:
        body = strictjson.loads(request.body, max_depth=2, max_values=32)
    except strictjson.NotStrictJson:
        raise shapes.InvalidRequest("The body is not a JSON object with one reading.") from None
    if not isinstance(body, dict):
        raise shapes.InvalidRequest("The body is not a JSON object with one reading.")
    members: dict[str, str] = {}
    for name, value in body.items():
        member = _NAMES.get(name, name)
        if member in members or not isinstance(value, str) or len(value) > _LONGEST:
            raise shapes.InvalidRequest(
                "A member is there twice, or is not a text of usable length."
            )
        members[member] = value
    members["proof"] = request.headers.get("dpop", "")
    kind = shapes.TokenRequest if operation is shapes.CREATE_TOKEN else shapes.RevokeRequest
    try:
        return msgspec.convert(members, kind)
    except msgspec.ValidationError:
        raise shapes.InvalidRequest("A member is missing.") from None


def _answer(_: Operation[Any, Any], value: Any, request_id: str) -> HttpResponse:
    if isinstance(value, shapes.TokenRefused):
        return _response(
            value.status, "AccessDeniedException", value.error, value.message, request_id
        )
    return HttpResponse(200, _headers(request_id), _encode(_written(value)))


def _written(value: shapes.TokenResult | object) -> dict[str, Any]:
    if not isinstance(value, shapes.TokenAnswer):
        return {}
    return {
        "accessToken": {
            "accessKeyId": value.access_key_id,
            "secretAccessKey": value.secret_access_key,
            "sessionToken": value.session_token,
        },
        "tokenType": "aws_sigv4",
        "expiresIn": value.expires_in,
        "refreshToken": value.refresh_token,
        **({"idToken": value.id_token} if value.id_token else {}),
    }


def _refuse(_: Service, error: AwsError, request_id: str) -> HttpResponse:
    text = error.message or ""
    if isinstance(error, shapes.NotGiven):
        return _response(error.status_given, error.code, error.reason_given, text, request_id)
    if isinstance(error, AccessDenied):
        code, reason = "AccessDeniedException", "INSUFFICIENT_PERMISSIONS"
        return _response(403, code, reason, text, request_id)
    if isinstance(error, ThrottlingException):
        return _response(429, "TooManyRequestsError", "rate_exceeded", text, request_id)
    if error.status >= 500:
        text = text or _OURS
        return _response(error.status, "InternalServerException", "server_error", text, request_id)
    return _response(error.status, "ValidationException", "INVALID_REQUEST", text, request_id)


def _response(status: int, code: str, error: str, message: str, request_id: str) -> HttpResponse:
    """An error of AWS's model: its name in a header, and its `error` in the body."""
    headers = (*_headers(request_id), ("x-amzn-ErrorType", code))
    return HttpResponse(status, headers, _encode({"error": error, "message": message}))


def _headers(request_id: str) -> tuple[tuple[str, str], ...]:
    return (
        ("x-amzn-RequestId", request_id),
        ("Content-Type", _JSON),
        ("Cache-Control", "no-store"),
    )


DIALECT = Dialect(read=_read, answer=_answer, refuse=_refuse, code=lambda error: error.code)
