"""Which operation is this?  Exactly one protocol for each request (threat-model PA-9).

    JSON 1.1   POST /, media type application/x-amz-json-1.1, X-Amz-Target: Prefix.Operation
    Query      POST /, media type application/x-www-form-urlencoded, Action=… in the body
               GET /?Action=…, without a body

Only the parameters of a signature may stand in the query string of a POST. What is neither, or
something of both, is refused, after authentication: the caller learns first whether we know them.
The value that names the operation is parsed once, here; nothing reads it again.
"""

import re
from collections.abc import Mapping

import msgspec

from keystead.errors import AwsError, MissingAction, UnknownOperationException
from keystead.registry import Implementation, implementation
from keystead.wire import awsjson, query
from keystead.wire.http import HttpRequest
from keystead.wire.models import iam, kms, sts
from keystead.wire.operation import Service

FORM = "application/x-www-form-urlencoded"

_SERVICES = (kms.SERVICE, iam.SERVICE, sts.SERVICE)
_BY_PREFIX = {service.target_prefix: service for service in _SERVICES if service.target_prefix}
_BY_VERSION = {service.version: service for service in _SERVICES if service.protocol == "query"}
_BY_NAME = {service.name: service for service in _SERVICES}

# Who is asked for what nobody serves: these have no operations, and so no signature can be for
# them.
NOBODY_JSON = Service("", "json", "", event_source="unknown.amazonaws.com")
NOBODY_QUERY = Service("", "query", "", event_source="unknown.amazonaws.com")

_SCOPE = re.compile(r"Credential=[^/,\s]*/[^/,\s]*/[^/,\s]*/([a-z0-9-]{1,64})/")
_SCOPE_IN_QUERY = re.compile(r"(?:\A|&)X-Amz-Credential=[^&]*?%2F[^&]*?%2F[^&]*?%2F([a-z0-9-]+)%2F")
_NAME = re.compile(r"\A[A-Za-z0-9]{1,128}\Z")

Form = Mapping[str, str]
NO_FORM: Form = {}


class Route(msgspec.Struct, frozen=True):
    """Where a request goes. `problem` is the refusal, once the caller is known."""

    service: Service
    name: str  # the operation's name as asked for; "" when there is none
    implementation: Implementation | None = None
    form: Form = NO_FORM  # (query)
    problem: AwsError | None = None


def route(request: HttpRequest) -> Route:
    """The Route of a request; never raises."""
    target = request.headers.get("x-amz-target")
    if target is not None:
        return _json(request, target)
    return _query(request)


def media_type(headers: Mapping[str, str]) -> str:
    """The media type of the body, without parameters, lower-case; "" when there is none."""
    return headers.get("content-type", "").partition(";")[0].strip(" \t").lower()


def _json(request: HttpRequest, target: str) -> Route:
    prefix, _, name = target.rpartition(".")
    service = _BY_PREFIX.get(prefix, NOBODY_JSON)
    name = name if _NAME.match(name) else ""
    found = implementation(service.name, name)
    if (
        found is None
        or request.method != "POST"
        or request.path != "/"
        or media_type(request.headers) != awsjson.CONTENT_TYPE
        or not _is_only_signature(request.query)
    ):
        return Route(service, name, problem=UnknownOperationException())
    return Route(service, name, found)


def _query(request: HttpRequest) -> Route:
    form, problem = _form(request)
    action, version = form.get("Action", ""), form.get("Version", "")
    service = _BY_VERSION.get(version) or _scoped(request)
    name = action if _NAME.match(action) else ""
    if problem is not None:
        return Route(service, name, problem=problem)
    if not action:
        return Route(
            service, "", problem=MissingAction("The request must contain the parameter Action")
        )
    found = implementation(service.name, name)
    if found is None or version not in ("", service.version):
        text = f"Could not find operation {name} for version {version or service.version}"
        return Route(service, name, problem=UnknownOperationException(text))
    return Route(service, name, found, form)


def _form(request: HttpRequest) -> tuple[Form, AwsError | None]:
    """The parameters of a Query request, or why it is none."""
    posted = request.method == "POST" and media_type(request.headers) == FORM
    got = request.method == "GET" and not request.body
    if request.path != "/" or not (posted or got):
        return NO_FORM, MissingAction("The request is not a Query request")
    if posted and not _is_only_signature(request.query):
        return NO_FORM, MissingAction("The parameters of a POST request belong in its body")
    try:
        return query.parse_form(request.body if posted else request.query.encode()), None
    except AwsError as error:
        return NO_FORM, error


def _is_only_signature(text: str) -> bool:
    """Does a query string hold nothing but the parameters of a signature?"""
    return not text or all(part.startswith("X-Amz-") for part in text.split("&"))


def _scoped(request: HttpRequest) -> Service:
    """The service that the signature says it is for. Authentication will hold it to that."""
    found = _SCOPE.search(request.headers.get("authorization", "")) or _SCOPE_IN_QUERY.search(
        request.query
    )
    service = _BY_NAME.get(found[1]) if found else None
    return service if service is not None and service.protocol == "query" else NOBODY_QUERY
