"""The page of a session: who am I, how did I sign in, and until when?  And its end."""

from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response

from keystead.console.visits import Calls, cookies, page, session_of, to, visit_of
from keystead.identity.signin import shapes


class SessionPages:
    """The pages of a session."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def show(self, request: Request) -> Response:
        """GET /"""
        session = await session_of(self._calls, visit_of(request))
        return page("session.html", {"session": session})

    async def sign_out(self, request: Request) -> Response:
        """POST /signout"""
        visit = visit_of(request)
        issuer = ""
        with suppress(shapes.SignInEnded):  # it was over before
            ended = self._calls.call(visit.request, shapes.CONSOLE_LOGOUT, shapes.Nothing())
            issuer = (await ended).issuer
        response = page("signed_out.html", {"issuer": issuer}) if issuer else to("/signed-out")
        cookies.sign_out(response)
        return response

    async def signed_out(self, _: Request) -> Response:  # a route, as the others
        """GET /signed-out"""
        return page("signed_out.html", {"issuer": ""})

    async def changed(self, request: Request) -> Response:  # as above
        """GET /changed: after a change of one's own factors."""
        return page("changed.html", {"part": request.scope["query_string"].decode("ascii")})
