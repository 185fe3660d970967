"""How is somebody told to wait?  In the same words, and as long, for every name (CO-6)."""

from collections.abc import Callable
from http import HTTPStatus

from starlette.responses import Response

from keystead.errors import AwsError, ThrottlingException
from keystead.identity.signin import shapes

BUSY = "Too many people are signing in now. Try again in a few seconds."


def told_to_wait(error: AwsError, form: Callable[..., Response]) -> Response:
    """The form once more, with how long to wait; `form` takes an `error` and a `status`.

    Raises every error that is about something else.
    """
    if not isinstance(error, (shapes.TooManyTries, ThrottlingException)):
        raise error
    if not isinstance(error, shapes.TooManyTries):
        return form(error=BUSY, status=HTTPStatus.TOO_MANY_REQUESTS)
    response = form(error=error.message or BUSY, status=HTTPStatus.TOO_MANY_REQUESTS)
    response.headers["Retry-After"] = str(error.seconds)
    return response
