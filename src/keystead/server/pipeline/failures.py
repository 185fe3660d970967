"""How is an exception told to a caller?  As an error of AWS's, without details of our failures.

A caller learns that we failed, and the request id. The log and the metrics learn the details, here
and nowhere else.
"""

from collections.abc import Mapping

from keystead.custody.rows import NotTheNewest, RowIntegrityError
from keystead.errors import AwsError, InternalFailure, ServiceUnavailable, ThrottlingException
from keystead.server.pipeline.dialects import Dialect
from keystead.server.pipeline.routing import Route
from keystead.server.telemetry import Metrics, logs
from keystead.store.protocol import StoreCorrupt, StoreUnavailable
from keystead.wire.http import HttpResponse
from keystead.wire.models import accessanalyzer, iam, kms, organizations
from keystead.work import Undone

# The error by which each service tells of its own failure (iam.md 1.5).
_INTERNAL: Mapping[str, type[AwsError]] = {
    "kms": kms.KMSInternalException,
    "iam": iam.ServiceFailureException,
    "organizations": organizations.ServiceException,
    "access-analyzer": accessanalyzer.InternalServerException,
}
_INTERNAL_MESSAGE = "The request processing has failed because of an unknown error."


_THROTTLED: Mapping[str, type[AwsError]] = {
    "organizations": organizations.TooManyRequestsException,
    "access-analyzer": accessanalyzer.ThrottlingException,
}

# The sentence by which each service refuses too many calls (kms.md 8, iam.md 1.5).
_TOO_MUCH: Mapping[str, str] = {
    "kms": (
        "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."
    ),
}


class RequestAbandoned(AwsError):
    """The client did not wait for the answer. This error appears only in the record."""

    code = "RequestAbandoned"


class QuotaExceeded(ThrottlingException):
    """An account exceeds a request quota, as most services call it."""

    def __init__(self, where: Route, quota: str, per_second: float) -> None:
        rate = f"The request quota {quota} is {per_second:,.0f} per second."
        super().__init__(f"{_TOO_MUCH.get(where.service.name, 'Rate exceeded.')} {rate}")
        self.quota = quota


class _TooManyRequests(QuotaExceeded):
    """The same of Organizations."""

    code = organizations.TooManyRequestsException.code
    message_member = organizations.TooManyRequestsException.message_member


class _Throttling(QuotaExceeded):
    """The same of Access Analyzer."""

    status = accessanalyzer.ThrottlingException.status


_EXCEEDED: Mapping[str, type[QuotaExceeded]] = {
    "organizations": _TooManyRequests,
    "access-analyzer": _Throttling,
}


def quota_exceeded(where: Route, quota: str, per_second: float) -> QuotaExceeded:
    """The refusal of a call above a request quota, in the words of its service."""
    return _EXCEEDED.get(where.service.name, QuotaExceeded)(where, quota, per_second)


def throttled(where: Route) -> AwsError:
    """The refusal of a request for which there is no room."""
    service = where.service.name
    error = _THROTTLED.get(service, ThrottlingException)
    return error(_TOO_MUCH.get(service, "Rate exceeded"))


def as_undone(why: Undone, where: Route) -> AwsError:
    """The error of a request whose work was not done."""
    if why is Undone.LATE:
        return throttled(where)
    return RequestAbandoned(why.value) if why is Undone.LEFT else ServiceUnavailable()


def as_aws_error(raised: Exception, where: Route, request_id: str, metrics: Metrics) -> AwsError:
    """The error that the caller gets for an exception; tells log and metrics of our failures."""
    if isinstance(raised, AwsError):
        return raised
    if isinstance(raised, (StoreUnavailable, StoreCorrupt)):
        metrics.alarm("store")
        logs.outage("the store is unavailable", raised, request_id=request_id)
        return ServiceUnavailable()
    if isinstance(raised, RowIntegrityError):
        # Somebody changed the database: a call that depends on the row is refused (RK-4).
        metrics.alarm("integrity")
        old = isinstance(raised, NotTheNewest)
        logs.alarm(
            "stored rows are not the newest: calls of their account are refused"
            if old
            else "a stored row fails its authentication",
            raised,
            request_id=request_id,
            table=raised.table,
        )
    else:
        metrics.alarm("internal failure")
        logs.alarm(
            "a call failed",
            raised,
            request_id=request_id,
            service=where.service.name,
            operation=where.name,
        )
    return _INTERNAL.get(where.service.name, InternalFailure)(_INTERNAL_MESSAGE)


def unavailable(speech: Dialect, where: Route, request_id: str) -> HttpResponse:
    """The answer of a call whose turn could not be made durable."""
    return speech.refuse(where.service, ServiceUnavailable(), request_id)
