"""The pages of passkeys and security keys: one is added, one is used at sign-in.

Only a script can speak to an authenticator (`static/passkeys.js`). It asks for a challenge, and
sends the form with what the authenticator made. Such a page has a policy that lets this script run.
"""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from keystead.console.signing_in.following import destination
from keystead.console.visits import (
    SCRIPTED,
    Calls,
    Public,
    SignInFirst,
    again,
    cookies,
    form_of,
    fresh_session_of,
    own_session_of,
    page,
    to,
    visit_of,
)
from keystead.errors import AwsError
from keystead.identity.signin import Asserted, shapes, site_of

PATH = "/security/passkey"
LONGEST = 4_096  # characters of what an authenticator makes
_SIGN_IN_FIRST = "The session has ended, or began too long ago. Sign in again first."
_BUSY = "The server cannot do this now. Try again."


class PasskeyPages:
    """The pages of passkeys."""

    def __init__(self, calls: Calls, public: Public) -> None:
        self._calls = calls
        self._url = public.url

    async def show(self, request: Request) -> Response:
        """GET /security/passkey"""
        session = await fresh_session_of(self._calls, visit_of(request))
        return self._page(session, request.query_params.get("name", ""))

    async def start(self, request: Request) -> Response:
        """POST /security/passkey/options: what the browser needs to make a passkey."""
        visit, form = visit_of(request), form_of(request)
        try:
            await fresh_session_of(self._calls, visit)
        except SignInFirst:
            return _refused(_SIGN_IN_FIRST, HTTPStatus.FORBIDDEN)
        asked = shapes.StartPasskeyRegistrationRequest(name=_name(form), url=self._url)
        try:
            answer = await self._calls.call(visit.request, shapes.START_PASSKEY_REGISTRATION, asked)
        except AwsError as error:
            return _refused(error.message or _BUSY, error.status)
        return _options(answer)

    async def add(self, request: Request) -> Response:
        """POST /security/passkey: the passkey that the browser made. The session ends."""
        visit, form = visit_of(request), form_of(request, LONGEST)
        session = await fresh_session_of(self._calls, visit)
        asked = shapes.EnablePasskeyRequest(
            name=_name(form),
            url=self._url,
            client_data=form.get("client", ""),
            attestation=form.get("attestation", ""),
            transports=form.get("transports", ""),
        )
        try:
            await self._calls.call(visit.request, shapes.ENABLE_PASSKEY, asked)
        except AwsError as error:
            return self._page(session, asked.name, error.message or _BUSY)
        response = to("/changed?device")
        cookies.take(response, cookies.SESSION)
        return response

    async def start_check(self, request: Request) -> Response:
        """POST /signin/passkey/options: what the browser needs to use a passkey."""
        visit, form = visit_of(request), form_of(request)
        asked = shapes.StartPasskeyCheckRequest(
            cookie=cookies.value(visit, cookies.STEP),
            serial_number=form.get("device", ""),
            url=self._url,
        )
        try:
            answer = await self._calls.call(visit.request, shapes.START_PASSKEY_CHECK, asked)
        except AwsError as error:
            return _refused(error.message or _BUSY, error.status)
        return _options(answer)

    async def start_touch(self, request: Request) -> Response:
        """POST /security/again/options: what the browser needs to use a passkey in a session."""
        visit = visit_of(request)
        asked = shapes.StartPasskeyTouchRequest(url=self._url)
        try:
            answer = await self._calls.call(visit.request, shapes.START_PASSKEY_TOUCH, asked)
        except AwsError as error:
            return _refused(error.message or _BUSY, error.status)
        return _options(answer)

    async def touch(self, request: Request) -> Response:
        """POST /security/again: the person is there. The page is the one that asked for it."""
        visit = visit_of(request)
        session = await own_session_of(self._calls, visit)
        asked = shapes.TouchPasskeyRequest(url=self._url, given=_given(form_of(request, LONGEST)))
        try:
            await self._calls.call(visit.request, shapes.TOUCH_PASSKEY, asked)
        except AwsError as error:
            return again(session, error.message or _BUSY)
        place = await destination(self._calls, visit)
        response = to("/security" if place == "/" else place)
        cookies.take(response, cookies.NEXT)
        return response

    def _page(self, session: shapes.SessionAnswer, name: str = "", error: str = "") -> Response:
        values = {
            "session": session, "name": name, "error": error,
            "possible": site_of(self._url) is not None, "url": self._url,
        }  # fmt: skip
        status = HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK
        response = page("passkey.html", values, status)
        response.headers["Content-Security-Policy"] = SCRIPTED
        return response


def check_of(request: Request, url: str) -> shapes.CheckPasskeyRequest:
    """The use of a passkey that a form of the second factor has."""
    visit, form = visit_of(request), form_of(request, LONGEST)
    return shapes.CheckPasskeyRequest(
        cookie=cookies.value(visit, cookies.STEP),
        url=f"{url}/",
        given=_given(form),
    )


def _given(form: Mapping[str, str]) -> Asserted:
    """What the script put into the hidden fields."""
    return Asserted(
        credential_id=form.get("id", ""),
        client_data=form.get("client", ""),
        authenticator_data=form.get("data", ""),
        signature=form.get("signature", ""),
    )


def _name(form: Mapping[str, str]) -> str:
    return form.get("name", "").strip()


def _options(answer: shapes.PasskeyOptions) -> Response:
    return Response(answer.options, media_type="application/json")


def _refused(text: str, status: int) -> Response:
    return JSONResponse({"error": text}, status)
