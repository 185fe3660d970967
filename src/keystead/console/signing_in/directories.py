"""The page on which people of a directory sign in. (sign-in.md 4.6)

What it says of a wrong directory, name or password does not tell which of them was wrong.
"""

from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from keystead.console.signing_in.following import follow
from keystead.console.signing_in.waiting import told_to_wait
from keystead.console.visits import (
    Calls,
    Public,
    cookies,
    form_of,
    is_signed_in,
    page,
    to,
    visit_of,
)
from keystead.errors import ThrottlingException
from keystead.identity.signin import directory_shapes, shapes

PATH = "/directory"
_WRONG = "The directory, user name or password is not right."
_AWAY = "Sign-in is not available now."


class DirectoryPages:
    """The form, and what follows it."""

    def __init__(self, calls: Calls, public: Public) -> None:
        self._calls = calls
        self._url = public.url

    async def show(self, request: Request) -> Response:
        """GET /directory and /directory/NAME: the same for directories that do not exist."""
        visit = visit_of(request)
        if await is_signed_in(self._calls, visit):
            return to("/")
        response = _form(str(request.path_params.get("name", "")))
        if not cookies.value(visit, cookies.STEP):
            cookies.give(response, cookies.STEP, cookies.NO_STEP)
        return response

    async def sign_in(self, request: Request) -> Response:
        """POST /directory"""
        visit, form = visit_of(request), form_of(request)
        if not (cookies.value(visit, cookies.STEP) or cookies.value(visit, cookies.SESSION)):
            return page("no_cookies.html", {"url": self._url}, HTTPStatus.BAD_REQUEST)
        directory, user = form.get("directory", "").strip(), form.get("user", "").strip()
        asked = directory_shapes.DirectoryLoginRequest(
            directory=directory,
            user_name=user,
            password=form.get("password", ""),
            url=f"{self._url}/",
        )
        try:
            answer = await self._calls.call(visit.request, directory_shapes.DIRECTORY_LOGIN, asked)
        except (shapes.TooManyTries, ThrottlingException) as error:
            return told_to_wait(error, partial(_form, directory, user))
        if answer.next == "away":
            return _form(directory, user, _AWAY, HTTPStatus.SERVICE_UNAVAILABLE)
        if answer.next == "failed":
            return _form(directory, user, _WRONG, HTTPStatus.FORBIDDEN)
        return await follow(self._calls, visit, answer)


def _form(directory: str, user: str = "", error: str = "", status: int = HTTPStatus.OK) -> Response:
    values = {"directory": directory, "user": user, "error": error}
    return page("directory.html", values, status)
