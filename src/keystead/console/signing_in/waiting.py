"""How is somebody told to wait?  In the same words, and as long, for every name (CO-6)."""

from collections.abc import Callable
from http import HTTPStatus

from starlette.responses import Response

from keystead.errors import AwsError, ThrottlingException
from keystead.identity.signin import shapes

BUSY = "Too many people are signing in now. Try again in a few seconds."


def told_to_wait(error: AwsError, form: Callable[..., Response]) -> Response | None:
    """The form once more, with how long to wait; None for an error that is about something else.

    `form` takes an `error` and a `status`.
    """
    if isinstance(error, ThrottlingException):
        return form(error=BUSY, status=HTTPStatus.TOO_MANY_REQUESTS)
    if not isinstance(error, shapes.TooManyTries):
        return None
    response = form(error=error.message or BUSY, status=HTTPStatus.TOO_MANY_REQUESTS)
    response.headers["Retry-After"] = str(error.seconds)
    return response
