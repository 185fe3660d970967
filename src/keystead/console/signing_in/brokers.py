"""AWS's federation endpoint: getSigninToken, login, logout. (sign-in.md 4.10)

Brokers call it as they call AWS's. The answer to getSigninToken needs no cookie and gives none. A
login by GET only shows a page: its form is sent by a click, or by a script if nobody is signed in
in this browser. So no link changes who is signed in (login CSRF). A logout by GET does, as tools
expect it; the harm is a nuisance.

No query of these requests goes further than to this module: it may hold a secret.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from keystead.console.signing_in.steps import Refusal, taken
from keystead.console.visits import (
    FEDERATION,
    SCRIPTED,
    Calls,
    Public,
    cookies,
    current_session,
    form_of,
    page,
    query_of,
    to,
    visit_of,
)
from keystead.errors import AwsError
from keystead.identity.signin import broker_shapes, is_destination, shapes
from keystead.wire.http import HttpRequest

_LONGEST = 12 * 1024  # characters of a query or of a field
_ISSUER = re.compile(r"https://[\x21-\x7e]{1,1000}")
_WRONG = "The session or its duration is not right."
_OVER = "This link was used, or is older than 15 minutes. Get another one where you got it."


class _Credentials(msgspec.Struct, frozen=True):
    """The parameter Session."""

    access_key_id: str = msgspec.field(name="sessionId")
    secret_access_key: str = msgspec.field(name="sessionKey")
    session_token: str = msgspec.field(name="sessionToken")

    def __repr__(self) -> str:
        return "_Credentials(…)"


class Brokers:
    """The pages of brokers' logins."""

    def __init__(self, calls: Calls, public: Public) -> None:
        self._calls = calls
        self._public = public

    async def endpoint(self, request: Request) -> Response:
        """GET and POST /federation?Action="""
        asked = (
            form_of(request, _LONGEST) if request.method == "POST" else query_of(request, _LONGEST)
        )
        action = asked.get("Action", "")
        if action == "getSigninToken":
            return await self._token(request, asked)
        if action == "login" and request.method == "GET":
            return await self._show(request, asked)
        if action == "logout" and request.method == "GET":
            return await self._logout(request, asked)
        return _bad()

    async def login(self, request: Request) -> Response:
        """POST /federation/login: the form of our own page."""
        form, visit = form_of(request, _LONGEST), visit_of(request)
        asked = broker_shapes.BrokerLoginRequest(
            token=form.get("SigninToken", ""), issuer=_issuer(form), url=f"{self._public.url}/"
        )
        operation, path = broker_shapes.BROKER_LOGIN, self._destination(form)
        return await taken(self._calls, visit, operation, asked, _refused, path=path)

    async def _token(self, request: Request, asked: Mapping[str, str]) -> Response:
        duration = asked.get("SessionDuration") or None
        try:
            given = msgspec.json.decode(asked.get("Session", ""), type=_Credentials)
            seconds = None if duration is None else _seconds(duration)
        except (ValueError, msgspec.MsgspecError):
            return _bad()
        wanted = broker_shapes.GetSigninTokenRequest(
            access_key_id=given.access_key_id, secret_access_key=given.secret_access_key,
            session_token=given.session_token, duration=seconds, url=f"{self._public.url}/",
        )  # fmt: skip
        call = self._calls.call(_bare(request), broker_shapes.GET_SIGNIN_TOKEN, wanted)
        try:
            answer = await call
        except AwsError as error:
            return _bad(error.status)
        return JSONResponse({"SigninToken": answer.token})

    async def _show(self, request: Request, asked: Mapping[str, str]) -> Response:
        token = asked.get("SigninToken", "")
        wanted = broker_shapes.TokenRequest(token=token)
        try:
            who = await self._calls.call(
                _bare(request), broker_shapes.DESCRIBE_SIGNIN_TOKEN, wanted
            )
        except shapes.SignInEnded:
            return _over()
        values = {
            "who": who, "token": token, "issuer": asked.get("Issuer", ""),
            "destination": asked.get("Destination", ""),
            "session": await current_session(self._calls, visit_of(request)),
        }  # fmt: skip
        response = page("broker.html", values)
        response.headers["Content-Security-Policy"] = SCRIPTED
        return response

    async def _logout(self, request: Request, asked: Mapping[str, str]) -> Response:
        with suppress(AwsError):
            await self._calls.call(_bare(request), shapes.CONSOLE_LOGOUT, shapes.Nothing())
        target = self._ours(asked.get("redirect", ""))
        response = to("/signed-out" if target is None else target)
        cookies.sign_out(response)
        return response

    def _destination(self, asked: Mapping[str, str]) -> str:
        """A path of ours; "/" for everything else."""
        path = self._ours(asked.get("Destination", ""))
        return path if path is not None and is_destination(path) else "/"

    def _ours(self, url: str) -> str | None:
        """The path of a URL under our own, with its query, if a sign-in may end there."""
        base = f"{self._public.url}/"
        path = url[len(base) - 1 :] if url.startswith(base) else url
        return path if path in {"/", "/signin"} or is_destination(path) else None


def broker_routes(calls: Calls, public: Public) -> list[Route]:
    """The routes of the federation endpoint."""
    brokers = Brokers(calls, public)
    return [
        Route(FEDERATION, brokers.endpoint),
        Route(FEDERATION, brokers.endpoint, methods=["POST"]),
        Route(f"{FEDERATION}/login", brokers.login, methods=["POST"]),
    ]


def _bare(request: Request) -> HttpRequest:
    """The request without its query."""
    return msgspec.structs.replace(visit_of(request).request, query="")


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise ValueError(text)
    return int(text)


def _issuer(asked: Mapping[str, str]) -> str:
    """Where the broker lives, for a link: an https URL of a host, or nothing."""
    text = asked.get("Issuer", "")
    if _ISSUER.fullmatch(text) is None:
        return ""
    try:
        return text if urlsplit(text).hostname else ""
    except ValueError:
        return ""


def _refused(why: Refusal) -> Response | None:
    """The page of a token that is worth nothing; None for an error about something else."""
    if isinstance(why, AwsError) and not isinstance(why, shapes.SignInEnded):
        return None
    return _over()


def _over() -> Response:
    return page("error.html", {"text": _OVER}, HTTPStatus.FORBIDDEN)


def _bad(status: int = HTTPStatus.BAD_REQUEST) -> Response:
    """One answer for whatever is wrong with a request."""
    busy = status == HTTPStatus.TOO_MANY_REQUESTS
    return JSONResponse(
        {"message": "Rate exceeded" if busy else _WRONG}, status if busy else HTTPStatus.BAD_REQUEST
    )
