"""The page on which people of a directory sign in. (sign-in.md 4.6)

What it says of a wrong directory, name or password does not tell which of them was wrong.
"""

from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from keystead.console.signing_in.steps import Refusal, first_page, taken, without_cookies
from keystead.console.signing_in.waiting import told_to_wait
from keystead.console.visits import Calls, Public, form_of, page, visit_of
from keystead.errors import AwsError
from keystead.identity.signin import directory_shapes

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
        form = _form(str(request.path_params.get("name", "")))
        return await first_page(self._calls, visit_of(request), form)

    async def sign_in(self, request: Request) -> Response:
        """POST /directory"""
        visit, form = visit_of(request), form_of(request)
        if (told := without_cookies(visit, self._url)) is not None:
            return told
        directory, user = form.get("directory", "").strip(), form.get("user", "").strip()
        asked = directory_shapes.DirectoryLoginRequest(
            directory=directory,
            user_name=user,
            password=form.get("password", ""),
            url=f"{self._url}/",
        )
        again = partial(_form, directory, user)

        def refused(why: Refusal) -> Response | None:
            if isinstance(why, AwsError):
                return told_to_wait(why, again)
            if why == "away":
                return again(_AWAY, HTTPStatus.SERVICE_UNAVAILABLE)
            return again(_WRONG, HTTPStatus.FORBIDDEN)

        operation = directory_shapes.DIRECTORY_LOGIN
        return await taken(self._calls, visit, operation, asked, refused)


def _form(directory: str, user: str = "", error: str = "", status: int = HTTPStatus.OK) -> Response:
    values = {"directory": directory, "user": user, "error": error}
    return page("directory.html", values, status)
