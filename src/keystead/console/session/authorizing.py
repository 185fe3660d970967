"""The page on which a person lets a program act as it does, and the door of such programs.

    GET  /v1/authorize   what does the program ask for?  It changes nothing
    POST /v1/authorize   the person allows it, or not
    POST /v1/token, /v1/revoke   programs alone: no cookie is read there

A browser that nobody has signed in with goes to the sign-in first, and comes back.
"""

import re
from http import HTTPStatus
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from keystead.console.visits import (
    OF_PROGRAMS,
    BadForm,
    Calls,
    Public,
    Visit,
    form_of,
    keep_page,
    page,
    session_of,
    to,
    touch_page,
    visit_of,
)
from keystead.errors import AwsError, ServiceUnavailable, ThrottlingException
from keystead.identity.signin import logins, shapes
from keystead.wire.http import HttpRequest

AUTHORIZE = logins.AUTHORIZE
_LOGINS = "/security/logins"
_ACTOR = re.compile(r"[0-9a-f]{12}", re.ASCII)
LONGEST_QUERY = 2048  # characters
_HOURS = (1, 4, 8, logins.MOST_HOURS)
_NOT_PRINTED = "Nothing was sent anywhere. Start the command once more."
_TOLD = 300  # characters of a reason


class Authorizing:
    """The pages for programs that act as a person does."""

    def __init__(self, calls: Calls, public: Public) -> None:
        self._calls = calls
        self._urls = public.places or (public.url,)

    async def show(self, request: Request) -> Response:
        """GET /v1/authorize"""
        visit = visit_of(request)
        query = visit.request.query
        try:
            asked = logins.read(_parameters(query), self._urls)
        except logins.NotAnAuthorization as refused:
            return _refused(refused)
        return _consent(asked, await session_of(self._calls, visit))

    async def decide(self, request: Request) -> Response:
        """POST /v1/authorize"""
        visit, form = visit_of(request), form_of(request)
        fields = {name: form.get(name, "") for name in logins.PARAMETERS}
        try:
            asked = logins.read(fields, self._urls)
        except logins.NotAnAuthorization as refused:
            return _refused(refused)
        page_of_it = _page_of(visit, asked)
        session = await session_of(self._calls, page_of_it)
        if form.get("answer") != "allow":
            return self._without(asked, "access_denied", "You did not allow it.")
        hours = form.get("hours", "")
        if hours not in {str(each) for each in _HOURS}:
            raise BadForm
        wanted = logins.shapes.AuthorizeRequest(asked=asked, hours=int(hours))
        request_of_actor = _as(visit, form.get("actor", ""))
        try:
            given = await self._calls.call(request_of_actor, logins.shapes.AUTHORIZE, wanted)
        except logins.shapes.FreshFactorNeeded:
            response = touch_page("fresh.html", session)
            await keep_page(self._calls, page_of_it, response)
            return response
        except (ThrottlingException, ServiceUnavailable):
            return self._without(asked, "temporarily_unavailable", "Try again in a few seconds.")
        except AwsError as error:
            return self._without(asked, "access_denied", error.message or "It is refused.")
        if asked.client == "same-device":
            return _guarded(asked, RedirectResponse(asked.with_code(given.code), 303))
        values = {"session": session, "typed": asked.typed(given.code), "seconds": given.seconds}
        return page("code.html", values)

    async def pass_on(self, request: Request) -> Response:
        """POST /v1/token and /v1/revoke"""
        visit = visit_of(request)
        body: bytes = request.scope["state"]["body"]
        answer = await self._calls.pass_on(msgspec.structs.replace(visit.request, body=body))
        return Response(answer.body, answer.status, dict(answer.headers))

    async def show_logins(self, request: Request) -> Response:
        """GET /security/logins: for those who have no other credentials here, in a role."""
        visit = visit_of(request)
        session = await session_of(self._calls, visit)
        listed = await self._calls.call(visit.request, logins.shapes.LIST_LOGINS, shapes.Nothing())
        values = {"session": session, "logins": listed.logins, "no_logins": ""}
        return page("programs.html", values)

    async def end(self, request: Request) -> Response:
        """POST /security/login/end"""
        visit, form = visit_of(request), form_of(request)
        session = await session_of(self._calls, visit)
        wanted = logins.shapes.EndLoginRequest(login_id=form.get("id", "")[:64])
        await self._calls.call(visit.request, logins.shapes.END_LOGIN, wanted)
        return to(_LOGINS if session.role else "/security#logins-title")

    def _without(self, asked: logins.Authorization, error: str, why: str) -> Response:
        """No code. The program hears of it, so that it waits no longer."""
        if asked.client == "cross-device":
            return page("error.html", {"text": why}, HTTPStatus.FORBIDDEN)
        printable = "".join(c for c in why if " " <= c <= "~" and c not in '"\\')[:_TOLD]
        url = f"{asked.with_error(error)}&error_description={quote(printable)}"
        return _guarded(asked, RedirectResponse(url, 303))


def _parameters(query: str) -> dict[str, str]:
    """The parameters of a query, each of them once; raises NotAnAuthorization."""
    if len(query) > LONGEST_QUERY:
        raise logins.NotAnAuthorization("the request is too long")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=32)
    except ValueError:
        raise logins.NotAnAuthorization("the request has no parameters that can be read") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise logins.NotAnAuthorization("the request has a parameter twice")
    return parameters


def _as(visit: Visit, actor: str) -> HttpRequest:
    """The request, as the person or as a role to which it switched: its path says it."""
    if not actor:
        return visit.request
    if not _ACTOR.fullmatch(actor):
        raise BadForm
    return msgspec.structs.replace(visit.request, path=f"/c/{actor}{AUTHORIZE}")


def _page_of(visit: Visit, asked: logins.Authorization) -> Visit:
    """The visit of the page whose form came with this one."""
    request = msgspec.structs.replace(
        visit.request, method="GET", path=AUTHORIZE, query=urlencode(asked.parameters)
    )
    return Visit(request, visit.local)


def _refused(refused: logins.NotAnAuthorization) -> Response:
    if refused.redirect:
        return RedirectResponse(refused.redirect, 303)
    text = f"A program asked for your credentials, but {refused.why}. {_NOT_PRINTED}"
    return page("error.html", {"text": text}, HTTPStatus.BAD_REQUEST)


def _consent(asked: logins.Authorization, session: shapes.SessionAnswer) -> Response:
    values = {
        "session": session, "asked": asked, "parameters": asked.parameters, "hours": _HOURS,
        "action": AUTHORIZE,
    }  # fmt: skip
    return _guarded(asked, page("consent.html", values))


def _guarded(asked: logins.Authorization, response: Response) -> Response:
    """The form of this page may lead to the program, and to nobody else.

    Browsers hold a form's redirects against its policy, too.
    """
    if asked.client == "same-device":
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'self'; img-src 'self';"
            f" form-action 'self' {asked.origin}; base-uri 'none'; frame-ancestors 'none'"
        )
    return response


def routes_of_programs(calls: Calls, public: Public) -> list[Route]:
    """The paths of this module's pages."""
    pages = Authorizing(calls, public)
    return [
        Route(AUTHORIZE, pages.show),
        Route(AUTHORIZE, pages.decide, methods=["POST"]),
        Route(_LOGINS, pages.show_logins),
        Route("/security/login/end", pages.end, methods=["POST"]),
        *(Route(path, pages.pass_on, methods=["POST"]) for path in OF_PROGRAMS),
    ]
