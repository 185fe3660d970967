"""Who is signed in, and what is shown instead if nobody is, or not recently enough?"""

from contextlib import suppress

from starlette.responses import Response

from keystead.console.visits import cookies
from keystead.console.visits.guard import SCRIPTED
from keystead.console.visits.pages import page, to
from keystead.console.visits.visits import Calls, Visit
from keystead.errors import AwsError
from keystead.identity.signin import is_destination, shapes


class SignInFirst(Exception):
    """The page is for somebody who has signed in; `response` is shown instead."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


async def session_of(calls: Calls, visit: Visit) -> shapes.SessionAnswer:
    """The session of this browser; raises SignInFirst."""
    cookie = cookies.value(visit, cookies.SESSION)
    if not cookie:
        raise SignInFirst(await _sign_in(calls, visit))
    try:
        return await calls.call(visit.request, shapes.DESCRIBE_SESSION, shapes.Nothing())
    except shapes.SignInEnded:
        raise SignInFirst(await _over(calls, visit, cookie)) from None


async def _over(calls: Calls, visit: Visit, cookie: str) -> Response:
    """What is shown to a browser whose session is over.

    A cookie that never was one may be that of before a switch of roles, in a second tab. The
    browser has another one by now, and keeps that.
    """
    try:
        asked = shapes.StepRequest(cookie=cookie)
        issuer = (await calls.call(visit.request, shapes.END_SESSION, asked)).issuer
    except AwsError:
        return await _sign_in(calls, visit)
    values = {"issuer": issuer}
    response = page("signed_out.html", values, 401) if issuer else await _sign_in(calls, visit)
    cookies.take(response, cookies.SESSION)
    return response


async def _sign_in(calls: Calls, visit: Visit) -> Response:
    """The way to sign in, and back to the page that was asked for."""
    response = to("/signin")
    await keep_page(calls, visit, response)
    return response


async def keep_page(calls: Calls, visit: Visit, response: Response) -> None:
    """After the next sign-in the browser comes to the page that it asks for now."""
    request = visit.request
    path = request.path + (f"?{request.query}" if request.query else "")
    if request.method == "GET" and is_destination(path):
        with suppress(AwsError):
            asked = shapes.Destination(path=path)
            kept = await calls.call(request, shapes.KEEP_DESTINATION, asked)
            cookies.give(response, cookies.NEXT, kept.cookie)


async def current_session(calls: Calls, visit: Visit) -> shapes.SessionAnswer | None:
    """The session of this browser, if it has one.

    Raises AwsError if that is not known now: nobody's session is replaced for want of an answer.
    """
    if not cookies.value(visit, cookies.SESSION):
        return None
    try:
        return await calls.call(visit.request, shapes.DESCRIBE_SESSION, shapes.Nothing())
    except shapes.SignInEnded:
        return None


async def is_signed_in(calls: Calls, visit: Visit) -> bool:
    """Has this browser a session?"""
    return await current_session(calls, visit) is not None


async def own_session_of(calls: Calls, visit: Visit) -> shapes.SessionAnswer:
    """The session, if it is one of the person itself, whose credentials are kept here."""
    session = await session_of(calls, visit)
    if not session.is_person:
        raise SignInFirst(page("not_yours.html", {"session": session}, 403))
    return session


async def fresh_session_of(calls: Calls, visit: Visit) -> shapes.SessionAnswer:
    """The session, for a change of one's own credentials: it began a short time ago (7.4)."""
    session = await own_session_of(calls, visit)
    if not session.is_fresh:
        raise SignInFirst(again(session))
    return session


def again(session: shapes.SessionAnswer, error: str = "") -> Response:
    """The page for a session that is too old for a change: sign in, or use the passkey again."""
    return touch_page("again.html", session, error=error)


def touch_page(template: str, session: shapes.SessionAnswer, **values: object) -> Response:
    """A page that asks for a proof of now: a passkey can give it, if the session began with one."""
    touches = ":u2f/" in session.device
    response = page(template, {"session": session, "touches": touches, **values}, 403)
    if touches:
        response.headers["Content-Security-Policy"] = SCRIPTED
    return response
