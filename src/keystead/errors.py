"""What is an error of the API's contract?

An AwsError has AWS's name and AWS's wording, and is raised where the fact is known. The errors
of one service are generated with its model (`wire.models`); here are only the base class and the
errors that every service shares. Anything that is not an AwsError is our bug: the pipeline
answers it with an internal failure and keeps the details.
"""

from typing import ClassVar, TypeVar


class AwsError(Exception):
    """An error that AWS documents, with the name and status of either protocol.

    JSON services and Query services name the same refusal differently (iam.md 1.5), so an
    error that both can give carries both names. `message` is AWS's text; None when AWS sends no
    message at all. `recorded` is what the audit log gets: the same, unless AWS's text repeats what
    no record may hold (threat-model AD-2). `reason` is the model's `Reason` beside the message,
    where it has one (Organizations).
    """

    code: ClassVar[str]
    status: ClassVar[int] = 400
    query_code: ClassVar[str] = ""  # "" = as `code`
    query_status: ClassVar[int] = 0  # 0 = as `status`
    message_member: ClassVar[str] = "message"  # how the model spells it (json)

    def __init__(
        self, message: str | None = None, *, recorded: str | None = None, reason: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.recorded = message if recorded is None else recorded
        self.reason = reason


E = TypeVar("E", bound=AwsError)


def without_trace(error: E) -> E:
    """The error without the way it took: who keeps it keeps no frame, and so nothing of a call."""
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error


class ValidationException(AwsError):
    """A request that breaks the model's constraints, or a rule that AWS words as one."""

    code = "ValidationException"
    query_code = "ValidationError"


class SerializationException(AwsError):
    """A body that is not the protocol's, or a member of the wrong type."""

    code = "SerializationException"
    query_code = "MalformedInput"


class UnknownOperationException(AwsError):
    """No such operation in this service."""

    code = "UnknownOperationException"
    query_code = "InvalidAction"


class MissingAction(AwsError):
    """A Query request that names no operation."""

    code = "MissingAction"


class InvalidQueryParameter(AwsError):
    """Parameters that stand where none are read."""

    code = "InvalidQueryParameter"


class RequestTooLarge(AwsError):
    """A body over the limit; AWS answers in plain text (kms.md 1)."""

    code = "RequestEntityTooLarge"
    status = 413


class ThrottlingException(AwsError):
    """Too many requests."""

    code = "ThrottlingException"
    query_code = "Throttling"


class InternalFailure(AwsError):
    """Our bug. The caller learns nothing but the request id."""

    code = "InternalFailure"
    status = 500


class ServiceUnavailable(AwsError):
    """Store, audit or seal cannot serve now: refuse rather than guess (threat-model 6)."""

    code = "ServiceUnavailable"
    status = 503
