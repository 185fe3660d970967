"""Which errors belong to the API's contract?  The base class, and the errors of every service.

An AwsError has AWS's name and AWS's wording, and is raised where the fact is known. The errors
of one service are generated with its model (`wire.models`). An exception that is not an AwsError
is our bug: the pipeline answers with an internal failure and keeps the details.
"""

from collections.abc import Mapping
from typing import ClassVar, TypeVar


class AwsError(Exception):
    """An error that AWS documents, with the name and status of either protocol.

    JSON services, Query services and EC2 name the same refusal differently (iam.md 1.5), so an
    error that all can give carries all names. `message` is AWS's text; None when AWS sends none.
    `recorded` is the text for the audit log. It is the same, unless AWS's text repeats a
    value that no record may hold (threat-model AD-2). `reason` is the model's `Reason` beside the
    message, if the model has one (Organizations). `why` says which step of a proof failed. An
    administrator learns it, from the record and by the request id; the caller never does.
    `answered` is what the record shows as the answer of a call that ended so.
    """

    code: ClassVar[str]
    status: ClassVar[int] = 400
    query_code: ClassVar[str] = ""  # "" = as `code`
    query_status: ClassVar[int] = 0  # 0 = as `status`
    ec2_code: ClassVar[str] = ""  # "" = as `query_code`
    ec2_status: ClassVar[int] = 0  # 0 = as `query_status`
    ec2_lead: ClassVar[str] = ""  # what stands before the message
    message_member: ClassVar[str] = "message"  # how the model spells it (json)
    answered: ClassVar[Mapping[str, str] | None] = None

    def __init__(
        self,
        message: str | None = None,
        *,
        recorded: str | None = None,
        reason: str = "",
        why: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.recorded = (why or message) if recorded is None else recorded
        self.reason = reason
        self.why = why


E = TypeVar("E", bound=AwsError)


def without_trace(error: E) -> E:
    """The error without its traceback: it can be kept, and holds no frame and nothing of a call."""
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error


class ValidationException(AwsError):
    """A request that breaks the model's constraints, or a rule that AWS words as a constraint."""

    code = "ValidationException"
    query_code = "ValidationError"
    ec2_code = "InvalidParameterValue"


class SerializationException(AwsError):
    """A body that does not follow the protocol, or a member of the wrong type."""

    code = "SerializationException"
    query_code = "MalformedInput"
    ec2_code = "InvalidParameterValue"


class UnknownOperationException(AwsError):
    """The service has no such operation."""

    code = "UnknownOperationException"
    query_code = "InvalidAction"


class MissingAction(AwsError):
    """A Query request that names no operation."""

    code = "MissingAction"


class InvalidQueryParameter(AwsError):
    """Parameters at a place where none are read."""

    code = "InvalidQueryParameter"


class RequestTooLarge(AwsError):
    """A body over the limit; AWS answers in plain text (kms.md 1)."""

    code = "RequestEntityTooLarge"
    status = 413


class ThrottlingException(AwsError):
    """Too many requests."""

    code = "ThrottlingException"
    query_code = "Throttling"
    ec2_code = "RequestLimitExceeded"
    ec2_status = 503


class InternalFailure(AwsError):
    """Our bug. The caller learns nothing but the request id."""

    code = "InternalFailure"
    status = 500
    ec2_code = "InternalError"


class ServiceUnavailable(AwsError):
    """Store or audit log cannot serve now: refuse rather than guess (threat-model 6)."""

    code = "ServiceUnavailable"
    status = 503
    ec2_code = "Unavailable"
