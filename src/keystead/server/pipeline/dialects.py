"""How does each protocol carry requests and answers?  One face for all of them.

All forms come from `wire`. Here they get one face, so that the pipeline does not know which
protocol it speaks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keystead.errors import AwsError
from keystead.server.pipeline.routing import Route
from keystead.wire import awsjson, query, restjson
from keystead.wire.http import HttpRequest, HttpResponse
from keystead.wire.operation import Operation, Service
from keystead.wire.query import ec2, query_json, xml


@dataclass(frozen=True, slots=True)
class Dialect:
    """One protocol."""

    read: Callable[[Operation[Any, Any], Route, HttpRequest], Any]
    """The input of an operation; raises an AwsError if it is wrong."""

    answer: Callable[[Operation[Any, Any], Any, str], HttpResponse]
    """The response that carries an answer, with this request id."""

    refuse: Callable[[Service, AwsError, str], HttpResponse]
    """The response that carries an error."""

    code: Callable[[AwsError], str]
    """The error's name."""


def _query_code(error: AwsError) -> str:
    return error.query_code or error.code


JSON = Dialect(
    read=lambda operation, _, request: awsjson.read(operation, request.body),
    answer=awsjson.response,
    refuse=lambda _, error, request_id: awsjson.error(error, request_id),
    code=lambda error: error.code,
)
QUERY = Dialect(
    read=lambda operation, where, _: query.read(operation, where.form),
    answer=xml.response,
    refuse=xml.error,
    code=_query_code,
)
EC2 = Dialect(
    read=lambda operation, where, _: ec2.read(operation, where.form),
    answer=ec2.response,
    refuse=ec2.error,
    code=ec2.code,
)
REST_JSON = Dialect(
    read=lambda operation, where, request: restjson.read(operation, where.form, request.body),
    answer=restjson.response,
    refuse=lambda _, error, request_id: restjson.error(error, request_id),
    code=lambda error: error.code,
)
QUERY_IN_JSON = Dialect(
    read=QUERY.read,
    answer=query_json.response,
    refuse=lambda _, error, request_id: query_json.error(error, request_id),
    code=_query_code,
)


def dialect(service: Service, request: HttpRequest) -> Dialect:
    """The protocol in which a request is answered."""
    if service.protocol == "json":
        return JSON
    if service.protocol == "rest-json":
        return REST_JSON
    if service.protocol == "ec2":
        return EC2
    # Only STS answers in JSON when asked to: verifiers of identities rely on it (iam.md 3.9).
    if service.name == "sts" and query_json.is_wanted(request.headers):
        return QUERY_IN_JSON
    return QUERY
