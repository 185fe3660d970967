"""Which page follows a step of a sign-in, and which cookies has the browser then?

Every way to sign in ends here. The one session of a browser is that of the last sign-in.
"""

from http import HTTPStatus

from starlette.responses import Response

from keystead.console.visits import Calls, Visit, cookies, page, to
from keystead.errors import AwsError
from keystead.identity.signin import shapes

ROLE = "/signin/role"
_STEPS = {"mfa": "/signin/step", "password": "/signin/step", "role": ROLE}


async def follow(calls: Calls, visit: Visit, answer: shapes.StepAnswer, path: str = "") -> Response:
    """The page that follows a step that succeeded, or the end of a sign-in.

    A session begins at `path`, or else at the page that the browser asked for before.
    """
    step = _STEPS.get(answer.next)
    if step is not None:
        response = to(step)
        cookies.give(response, cookies.STEP, answer.cookie)
        return response
    if answer.next == "session":
        await _end_session(calls, visit)
        response = to(path or await destination(calls, visit))
        cookies.take(response, cookies.NEXT)
        cookies.give(response, cookies.SESSION, answer.cookie)
        if answer.known:
            cookies.know(response, answer.known)
        cookies.take(response, cookies.STEP)
        return response
    values = {"why": answer.next, "roles": answer.roles}
    response = page("ended.html", values, HTTPStatus.FORBIDDEN)
    cookies.give(response, cookies.STEP, cookies.NO_STEP)
    return response


async def destination(calls: Calls, visit: Visit) -> str:
    """The page that the browser asked for before."""
    cookie = cookies.value(visit, cookies.NEXT)
    if not cookie:
        return "/"
    asked = shapes.StepRequest(cookie=cookie)
    try:
        return (await calls.call(visit.request, shapes.TAKE_DESTINATION, asked)).path
    except AwsError:  # too many at a time
        return "/"


async def _end_session(calls: Calls, visit: Visit) -> None:
    """Somebody signed in anew: an earlier session of this browser is over."""
    if cookies.value(visit, cookies.SESSION):
        try:
            await calls.call(visit.request, shapes.CONSOLE_LOGOUT, shapes.Nothing())
        except AwsError:
            return
