"""Who is signed in, and what is shown instead if nobody is, or not recently enough?"""

from starlette.responses import Response

from keystead.console import cookies
from keystead.console.pages import page, to
from keystead.console.visits import Calls, Visit
from keystead.errors import AwsError
from keystead.identity.signin import shapes


class SignInFirst(Exception):
    """The page is for somebody who has signed in; `response` is shown instead."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


async def session_of(calls: Calls, visit: Visit) -> shapes.SessionAnswer:
    """The session of this browser; raises SignInFirst."""
    if not cookies.value(visit, cookies.SESSION):
        raise SignInFirst(to("/signin"))
    try:
        return await calls.call(visit.request, shapes.DESCRIBE_SESSION, shapes.Nothing())
    except shapes.SignInEnded:
        response = to("/signin")
        cookies.take(response, cookies.SESSION)
        raise SignInFirst(response) from None


async def is_signed_in(calls: Calls, visit: Visit) -> bool:
    """Has this browser a session?"""
    if not cookies.value(visit, cookies.SESSION):
        return False
    try:
        await calls.call(visit.request, shapes.DESCRIBE_SESSION, shapes.Nothing())
    except AwsError:
        return False
    return True


async def own_session_of(calls: Calls, visit: Visit) -> shapes.SessionAnswer:
    """The session, if it is one of the person itself, whose credentials are kept here."""
    session = await session_of(calls, visit)
    if session.role:
        raise SignInFirst(page("not_yours.html", {"session": session}, 403))
    return session


async def fresh_session_of(calls: Calls, visit: Visit) -> shapes.SessionAnswer:
    """The session, for a change of one's own credentials: it began a short time ago (7.4)."""
    session = await own_session_of(calls, visit)
    if not session.is_fresh:
        raise SignInFirst(page("again.html", {"session": session}, 403))
    return session
