"""Calls of an installation in this process, encoded and decoded as botocore does it."""

from collections.abc import Mapping
from functools import cache
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlencode

import botocore.parsers
import botocore.serialize
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import ServiceModel

from keystead.server.pipeline import Again, Later
from keystead.wire.http import HttpRequest, HttpResponse
from keystead.work import Outcome, Undone
from tests.models import service_model
from tests.patience import PATIENCE
from tests.server.installations import REGION, Local

FOLDERS = {"access-analyzer": "accessanalyzer"}
"""The services whose models have another name than their actions."""


class Refused(AssertionError):
    """A call ended in an error."""


@cache
def _client(service: str) -> tuple[ServiceModel, Any, Any]:
    """The model of a service, botocore's serializer for it, and its parser."""
    model = service_model(FOLDERS.get(service, service))
    protocol = model.metadata["protocol"]
    serializer = botocore.serialize.create_serializer(protocol)
    return model, serializer, botocore.parsers.create_parser(protocol)


def request(
    local: Local,
    service: str,
    operation: str,
    who: Credentials,
    members: Mapping[str, Any],
    *,
    region: str = REGION,
) -> HttpRequest:
    """A signed request with these members."""
    model, serializer, _ = _client(service)
    parts = serializer.serialize_to_request(members, model.operation_model(operation))
    # As bytes, or as the members of a form.
    prepared = AWSRequest(parts["method"], "http://x/", data=parts["body"]).prepare()
    body = prepared.body or b""
    headers = {name.replace("-", "_"): value for name, value in parts["headers"].items()}
    sent = body if isinstance(body, bytes) else body.encode()
    method, query = parts["method"], urlencode(parts["query_string"], doseq=True)
    if model.metadata["protocol"] != "rest-json":
        method, query = "POST", ""
    return local.request(
        service, sent, who, path=parts["url_path"], region=region, method=method, query=query,
        **headers,
    )  # fmt: skip


def form(service: str, operation: str, members: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a form with these members, as an SDK spells them."""
    model, serializer, _ = _client(service)
    parts = serializer.serialize_to_request(members, model.operation_model(operation))
    return {name: str(value) for name, value in parts["body"].items()}


def call(
    local: Local, service: str, operation: str, who: Credentials, **members: Any
) -> dict[str, Any]:
    """Make a call within the turn; its output. Raises Refused."""
    response = answered(local, request(local, service, operation, who, members))
    found = parsed(service, operation, response)
    if response.status >= 400:
        raise Refused(f"{operation}: {found['Error']}")
    return found


def answered(local: Local, asked: HttpRequest) -> HttpResponse:
    """The answer to a request, after the work that it may leave; the turn goes on."""
    again: HttpRequest | Again = asked
    while isinstance(answer := local.installation.pipeline.answer_all([again], 60.0)[0], Later):
        ended: SimpleQueue[Outcome | Undone] = SimpleQueue()
        answer.begin(ended.put)
        again = answer.after(ended.get(timeout=PATIENCE))
    return answer.response


def parsed(service: str, operation: str, response: HttpResponse) -> dict[str, Any]:
    """The members of an answer, or its `Error`."""
    model, _, parser = _client(service)
    shape = model.operation_model(operation).output_shape
    described = {
        "status_code": response.status,
        "headers": dict(response.headers),
        "body": response.body,
    }
    found: dict[str, Any] = parser.parse(described, shape)
    return found
