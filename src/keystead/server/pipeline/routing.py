"""Which operation is this?  Exactly one protocol for each request (threat-model PA-9).

    JSON 1.1   POST /, media type application/x-amz-json-1.1, X-Amz-Target: Prefix.Operation
    REST-JSON  the method and path of an operation; its parameters in path and query string
    Query      and EC2's variant of it:
               POST /, media type application/x-www-form-urlencoded, Action=… in the body
               GET /?Action=…, without a body
               POST /?Action=…&X-Amz-Signature=…, presigned, without a body (iam.md 3.9)

In all other cases the query string of a POST may only have the parameters of a signature. A request
of no protocol, or of two, is refused after authentication: the caller learns first whether we know
them. The value that names the operation is parsed once, here. Nothing reads it again.

Of a form only the beginning is read here (`bodies`). The rest is read when the signature was found
right (`in_full`), because it costs milliseconds, and nobody is known yet. Some SDKs write the
action last: of a form without one, whose sender claims no credential, the end is read as well.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from keystead.errors import (
    AwsError,
    InvalidQueryParameter,
    MissingAction,
    RequestTooLarge,
    UnknownOperationException,
)
from keystead.registry import Implementation, implementation
from keystead.server.pipeline import bodies
from keystead.wire import awsjson, query
from keystead.wire.http import HttpRequest
from keystead.wire.models import (
    accessanalyzer,
    cloudtrail,
    ec2,
    iam,
    keystead,
    keystead_instances,
    kms,
    organizations,
    rolesanywhere,
    sts,
)
from keystead.wire.operation import Operation, Service
from keystead.wire.presented import claimed

_SERVICES = (
    kms.SERVICE, iam.SERVICE, sts.SERVICE, organizations.SERVICE, accessanalyzer.SERVICE,
    cloudtrail.SERVICE, ec2.SERVICE, keystead.SERVICE, keystead_instances.SERVICE,
    rolesanywhere.SERVICE,
)  # fmt: skip
_REST = (*accessanalyzer.OPERATIONS.values(), *rolesanywhere.OPERATIONS.values())
_BY_PATH = {(each.method, each.path): each for each in _REST if "{" not in each.path}
_BY_PATTERN: dict[tuple[str, int], list[tuple[list[str], Operation[Any, Any]]]] = {}
"""The operations whose paths have members in them, by method and number of segments."""
for _each in _REST:
    if "{" in _each.path:
        _segments = _each.path.split("/")
        _BY_PATTERN.setdefault((_each.method, len(_segments)), []).append((_segments, _each))
_BY_PREFIX = {service.target_prefix: service for service in _SERVICES if service.target_prefix}
FORMS = frozenset({"query", "ec2"})  # the protocols of requests that are forms
_BY_VERSION = {service.version: service for service in _SERVICES if service.protocol in FORMS}
_BY_NAME = {service.name: service for service in _SERVICES}

# The services of requests that no service serves. They have no operations, so no signature can be
# for them.
NOBODY_JSON = Service("", "json", "", event_source="unknown.amazonaws.com")
NOBODY_QUERY = Service("", "query", "", event_source="unknown.amazonaws.com")

_NAME = re.compile(r"\A[A-Za-z0-9]{1,128}\Z")

Form = Mapping[str, str]
NO_FORM: Form = {}


class Problem(msgspec.Struct, frozen=True):
    """Why a request goes nowhere: the error to raise.

    It is not an exception: a kept exception that is raised again collects tracebacks, and their
    frames hold requests.
    """

    error: type[AwsError] = UnknownOperationException
    message: str | None = None


NO_SUCH_OPERATION = Problem()


class Route(msgspec.Struct, frozen=True):
    """Where a request goes. `problem` says why it goes nowhere; only a known caller learns it."""

    service: Service
    name: str  # the operation's name in the request; "" when there is none
    implementation: Implementation | None = None
    form: Form = NO_FORM  # (query, rest-json)
    problem: Problem | None = None
    in_part: bool = False  # of a form whose other parameters are still to be read

    def refusal(self) -> AwsError:
        """The refusal of a request that goes nowhere, a new one each time."""
        problem = self.problem or NO_SUCH_OPERATION
        return problem.error(problem.message)


_JSON: dict[str, Route] = {}  # of the operations that are served, by target


def route(request: HttpRequest) -> Route:
    """The Route of a request; never raises."""
    target = request.headers.get("x-amz-target")
    if target is not None:
        return _json(request, target)
    return _query(request) if request.path == "/" else _rest(request)


def _json(request: HttpRequest, target: str) -> Route:
    known = _JSON.get(target)
    if (
        known is not None
        and request.method == "POST"
        and request.path == "/"
        and not request.query
        and request.headers.get("content-type") == awsjson.CONTENT_TYPE
    ):
        return known
    prefix, _, name = target.rpartition(".")
    service = _BY_PREFIX.get(prefix, NOBODY_JSON)
    name = name if _NAME.match(name) else ""
    served = implementation(service.name, name)
    if (
        served is None
        or request.method != "POST"
        or request.path != "/"
        or bodies.media_type(request.headers) != awsjson.CONTENT_TYPE
        or not _is_only_signature(request.query)
    ):
        return Route(service, name, problem=NO_SUCH_OPERATION)
    return _JSON.setdefault(target, Route(service, name, served))


def _rest(request: HttpRequest) -> Route:
    """The Route by path. A path of no operation is that of a misdirected Query request."""
    operation, members = _BY_PATH.get((request.method, request.path)), NO_FORM
    if operation is None:
        operation, members = _by_pattern(request.method, request.path.split("/"))
    if operation is None:
        service = _scoped(request, {"rest-json"})
        if service is NOBODY_QUERY:
            return _query(request)
        return Route(service, "", problem=NO_SUCH_OPERATION)
    service, name = operation.service, operation.name
    served = implementation(service.name, name)
    if served is None or bodies.media_type(request.headers) == bodies.FORM:
        return Route(service, name, problem=NO_SUCH_OPERATION)
    try:
        form = query.parse_form(request.query.encode())
        for member, text in members.items():
            form[member] = query.in_path(text)
    except AwsError as error:
        return Route(service, name, problem=Problem(type(error), error.message))
    return Route(service, name, served, form)


def _by_pattern(method: str, path: list[str]) -> tuple[Operation[Any, Any] | None, Form]:
    """The operation whose path has members, and what stands in their places, undecoded."""
    for segments, operation in _BY_PATTERN.get((method, len(path)), ()):
        pairs = list(zip(segments, path, strict=True))
        if all(mine == theirs or (mine[:1] == "{" and theirs) for mine, theirs in pairs):
            return operation, {mine[1:-1]: theirs for mine, theirs in pairs if mine[:1] == "{"}
    return None, NO_FORM


def in_full(request: HttpRequest, where: Route) -> Route:
    """The Route of a form of a known caller, with all its parameters; never raises.

    The service is that of the signature.
    """
    try:
        again = _by_form(request, query.parse_form(request.body), None)
    except AwsError as error:
        return Route(where.service, where.name, problem=Problem(type(error), error.message))
    if again.service is not where.service:
        text = f"Could not find operation {again.name} for this version"
        return Route(where.service, where.name, problem=Problem(UnknownOperationException, text))
    return again


def _query(request: HttpRequest) -> Route:
    form, problem = _form(request)
    if len(request.body) > bodies.BEGINNING and problem is None and "Action" not in form:
        form = form if claimed(request).access_key_id else _ending(request.body)
    where = _by_form(request, form, problem)
    whole = len(request.body) <= bodies.BEGINNING
    if whole or problem is not None or where.service is NOBODY_QUERY:
        return where
    # What is missing now, or wrong, may be right with the rest.
    return msgspec.structs.replace(where, form=NO_FORM, problem=None, in_part=True)


def _by_form(request: HttpRequest, form: Form, problem: Problem | None) -> Route:
    action, version = form.get("Action", ""), form.get("Version", "")
    service = _BY_VERSION.get(version) or _scoped(request)
    if service is NOBODY_QUERY and (asked := _scoped(request, {"json"})) is not NOBODY_QUERY:
        # A caller that signs for KMS speaks JSON, and is answered in JSON.
        return Route(asked, "", problem=NO_SUCH_OPERATION)
    name = action if _NAME.match(action) else ""
    if problem is not None:
        return Route(service, name, problem=problem)
    if not action:
        text = "The request must contain the parameter Action"
        return Route(service, "", problem=Problem(MissingAction, text))
    served = implementation(service.name, name)
    if served is None or version not in ("", service.version):
        text = f"Could not find operation {name} for version {version or service.version}"
        return Route(service, name, problem=Problem(UnknownOperationException, text))
    return Route(service, name, served, form)


def _form(request: HttpRequest) -> tuple[Form, Problem | None]:
    """The parameters of a Query request, or why it is not a Query request.

    Of a form only those that stand in its beginning.
    """
    by_query = not request.body and (request.method == "GET" or _is_presigned_post(request))
    post = request.method == "POST"
    posted = post and (
        bodies.media_type(request.headers) == bodies.FORM or not _is_only_signature(request.query)
    )
    if request.path != "/" or not (posted or by_query):
        return NO_FORM, Problem(MissingAction, "The request is not a Query request")
    if not (by_query or _is_only_signature(request.query)):
        misplaced = (
            "The parameters of a POST request belong in its body, or in a presigned query string"
            " without a body."
        )
        return NO_FORM, Problem(InvalidQueryParameter, misplaced)
    if len(request.body) > bodies.QUERY_LIMIT and not bodies.may_be_long(request.body):
        return NO_FORM, Problem(RequestTooLarge, bodies.too_long(bodies.QUERY_LIMIT))
    text = request.query.encode() if by_query else request.body
    if len(text) > bodies.BEGINNING and not by_query:
        text = bodies.beginning(text)
    try:
        return query.parse_form(text), None
    except AwsError as error:
        return NO_FORM, Problem(type(error), error.message)


def _ending(body: bytes) -> Form:
    """The parameters that stand whole in the end of a long form."""
    try:
        return query.parse_form(body[-bodies.BEGINNING :].partition(b"&")[2])
    except AwsError:
        return NO_FORM


def _is_presigned_post(request: HttpRequest) -> bool:
    """Does a POST have its parameters in the query string, as boto3 presigns it?"""
    parts = request.query.split("&")
    signed = any(part.startswith("X-Amz-Signature=") for part in parts)
    return request.method == "POST" and signed and not _is_only_signature(request.query)


def _is_only_signature(text: str) -> bool:
    """Does a query string hold only the parameters of a signature?"""
    return not text or all(part.startswith("X-Amz-") for part in text.split("&"))


def service_named(name: str) -> Service:
    """The service with this signing name."""
    return _BY_NAME[name]


def _scoped(request: HttpRequest, protocols: Collection[str] = FORMS) -> Service:
    """The service that the signature names. Authentication will check it."""
    service = _BY_NAME.get(claimed(request).service)
    return service if service is not None and service.protocol in protocols else NOBODY_QUERY
