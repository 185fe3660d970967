"""One request on its way through the pipeline: what is known when it comes, and what came of it.

A request is opened before anyone is authenticated; the steps of the pipeline fill in the rest.

INVARIANT: it holds an error only without its traceback (`errors.without_trace`). The frames of a
traceback hold the request again, body and all, and such a ring is kept for ever or until the next
collection.
"""

from datetime import datetime
from os import urandom
from typing import Any

import msgspec

from keystead.audit.event import Event
from keystead.call import Call
from keystead.errors import AwsError
from keystead.identity.authentication import Authenticated
from keystead.server.pipeline.dialects import Dialect, dialect
from keystead.server.pipeline.routing import Route, route
from keystead.wire.http import HttpRequest, HttpResponse

MOST_RECORDED = 1024  # characters of a text that a record takes from outside, as CloudTrail's


class Opened(msgspec.Struct):
    """A request on its way: where it goes, who asks for what, and what came of it."""

    request: HttpRequest
    where: Route
    speech: Dialect
    event: Event
    started: float
    epoch: int = -1  # at which its caller was authenticated
    caller: Authenticated | None = None
    asked: Any = None  # the input of the operation
    given: Any = None  # its output
    call: Call | None = None
    response: HttpResponse | None = None
    raised: AwsError | None = None  # why it goes no further, as its caller is told


def open_request(request: HttpRequest, now: datetime, started: float) -> Opened:
    """A request that came at this time, and where it goes."""
    where = route(request)  # 1
    event = event_of(request, where, now)
    return Opened(request, where, dialect(where.service, request), event, started)


def event_of(request: HttpRequest, where: Route, now: datetime) -> Event:
    """The event of a request, with what is known before anyone is authenticated."""
    headers, endpoint, implementation = request.headers, request.endpoint, where.implementation
    return Event(
        new_request_id(),
        now,
        where.service.event_source,
        where.name,
        "",  # the Region, until someone is authenticated
        request.source_ip,
        headers.get("user-agent", "")[:MOST_RECORDED],
        endpoint.name,
        endpoint.vpce_id,
        request.secure,
        host=headers.get("host", "")[:MOST_RECORDED],
        read_only=implementation is not None and implementation.operation.read_only,
    )


def new_request_id() -> str:
    """A random UUID (version 4), as AWS writes its request ids."""
    digits = urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
