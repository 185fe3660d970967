"""The pages of a sign-in: name and password, second factor, new password. (sign-in.md 4.2 to 4.4)

What they say of a wrong name, password or code does not tell which of them was wrong.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from keystead.console.signing_in.factor import factor_page
from keystead.console.signing_in.following import follow
from keystead.console.signing_in.passkeys import LONGEST, check_of
from keystead.console.signing_in.waiting import BUSY, told_to_wait
from keystead.console.visits import (
    Calls,
    Public,
    Visit,
    cookies,
    form_of,
    is_signed_in,
    page,
    to,
    visit_of,
)
from keystead.errors import ThrottlingException
from keystead.identity.signin import shapes
from keystead.wire.models.iam import PasswordPolicyViolationException

_WRONG_USER = "The account, user name or password is not right."
_WRONG_ROOT = "The e-mail or password is not right."
_WRONG_CODE = "That code was not accepted. Wait for the next one."
_NOTHING = "Nothing happened? Try again, or use another device."
_WRONG_OLD = "The old password is not right."
_DIFFERENT = "The two new passwords are not the same."
_AGAIN = "The sign-in took too long, or was continued elsewhere. Start again."


class SigningIn:
    """The pages of a sign-in."""

    def __init__(self, calls: Calls, public: Public) -> None:
        self._calls = calls
        self._url = public.url
        self._ways = public.ways

    async def show_form(self, request: Request) -> Response:
        """GET /signin and /signin/ACCOUNT: the same for accounts that do not exist."""
        visit = visit_of(request)
        if await is_signed_in(self._calls, visit):
            return to("/")
        account, user = cookies.remembered(visit)
        remember = bool(account)
        named = str(request.path_params.get("account", ""))
        if named and named != account:
            account, user = named, ""
        is_root = request.scope["query_string"] == b"root"
        response = _form(
            account=account, user=user, is_root=is_root, remember=remember, ways=self._ways
        )
        if not cookies.value(visit, cookies.STEP):
            cookies.give(response, cookies.STEP, cookies.NO_STEP)
        return response

    async def sign_in(self, request: Request) -> Response:
        """POST /signin"""
        visit, form = visit_of(request), form_of(request)
        if not (cookies.value(visit, cookies.STEP) or cookies.value(visit, cookies.SESSION)):
            return page("no_cookies.html", {"url": self._url}, HTTPStatus.BAD_REQUEST)
        is_root = form.get("as") == "root"
        account, user = form.get("account", "").strip(), form.get("user", "").strip()
        email = form.get("email", "").strip()
        remember = "remember" in form
        asked = shapes.ConsoleLoginRequest(
            password=form.get("password", ""),
            email=email if is_root else "",
            account="" if is_root else account,
            user_name="" if is_root else user,
            local=visit.local,
            known=cookies.value(visit, cookies.KNOWN),
            url=f"{self._url}/",
        )
        again = partial(
            _form, account=account, user=user, email=email, is_root=is_root, remember=remember,
            ways=self._ways,
        )  # fmt: skip
        try:
            answer = await self._calls.call(visit.request, shapes.CONSOLE_LOGIN, asked)
        except (shapes.TooManyTries, ThrottlingException) as error:
            return told_to_wait(error, again)
        if answer.next == "failed":
            wrong = _WRONG_ROOT if is_root else _WRONG_USER
            return again(error=wrong, status=HTTPStatus.FORBIDDEN)
        response = await follow(self._calls, visit, answer)
        if not is_root:
            if remember:
                cookies.remember(response, account, user)
            elif cookies.value(visit, cookies.NAMES):
                cookies.take(response, cookies.NAMES)
        return response

    async def show_step(self, request: Request) -> Response:
        """GET /signin/step: the page of the step that the browser has reached."""
        visit = visit_of(request)
        pending = await self._pending(visit)
        if pending is None:
            return start_again()
        return self._step(pending, device=request.query_params.get("device", ""))

    async def check_mfa(self, request: Request) -> Response:
        """POST /signin/mfa"""
        visit, form = visit_of(request), form_of(request)
        code, second = ("".join(form.get(name, "").split()) for name in ("code", "second"))
        asked = shapes.CheckMfaRequest(
            cookie=cookies.value(visit, cookies.STEP),
            code=code,
            second_code=second,
            serial_number=form.get("device", ""),
            url=f"{self._url}/",
        )
        call = partial(self._calls.call, visit.request, shapes.CHECK_MFA, asked)
        device = form.get("device", "")
        return await self._next(visit, call, _WRONG_CODE, device, resyncs="second" in form)

    async def check_passkey(self, request: Request) -> Response:
        """POST /signin/passkey"""
        visit, asked = visit_of(request), check_of(request, self._url)
        call = partial(self._calls.call, visit.request, shapes.CHECK_PASSKEY, asked)
        device = form_of(request, LONGEST).get("device", "")
        return await self._next(visit, call, _NOTHING, device)

    async def change_password(self, request: Request) -> Response:
        """POST /signin/password"""
        visit, form = visit_of(request), form_of(request)
        new = form.get("new", "")
        if new != form.get("again", ""):
            pending = await self._pending(visit)
            if pending is None:
                return start_again()
            return self._step(pending, _DIFFERENT, HTTPStatus.BAD_REQUEST)
        asked = shapes.UpdatePasswordRequest(
            cookie=cookies.value(visit, cookies.STEP),
            old=form.get("old", ""),
            new=new,
            url=f"{self._url}/",
        )
        call = partial(self._calls.call, visit.request, shapes.UPDATE_PASSWORD, asked)
        return await self._next(visit, call, _WRONG_OLD)

    async def _next(
        self,
        visit: Visit,
        call: Callable[[], Awaitable[shapes.StepAnswer]],
        wrong: str,
        device: str = "",
        *,
        resyncs: bool = False,
    ) -> Response:
        """Take a step, and show the page that follows."""
        try:
            answer = await call()
        except shapes.SignInEnded:
            return start_again()
        except PasswordPolicyViolationException as error:
            wrong, status = error.message or "", HTTPStatus.BAD_REQUEST
        except ThrottlingException:
            wrong, status = BUSY, HTTPStatus.TOO_MANY_REQUESTS
        else:
            if answer.next != "failed":
                return await follow(self._calls, visit, answer)
            status = HTTPStatus.FORBIDDEN
        pending = await self._pending(visit)
        if pending is None:
            return start_again()
        return self._step(pending, wrong, status, device, resyncs=resyncs)

    def _step(
        self,
        pending: shapes.PendingAnswer,
        error: str = "",
        status: int = HTTPStatus.OK,
        device: str = "",
        *,
        resyncs: bool = False,
    ) -> Response:
        """The page of a step; `device` was chosen for the second factor."""
        if pending.next == "mfa":
            return factor_page(pending, self._url, device, error, status, resyncs=resyncs)
        return page("password.html", {"pending": pending, "error": error}, status)

    async def _pending(self, visit: Visit) -> shapes.PendingAnswer | None:
        """The step that the browser has reached; None: it must start again."""
        cookie = cookies.value(visit, cookies.STEP)
        if cookie in {"", cookies.NO_STEP}:
            return None
        try:
            return await self._calls.call(
                visit.request, shapes.DESCRIBE_STEP, shapes.StepRequest(cookie=cookie)
            )
        except (shapes.SignInEnded, ThrottlingException):
            return None


def _form(
    *,
    account: str = "",
    user: str = "",
    email: str = "",
    is_root: bool = False,
    remember: bool = False,
    error: str = "",
    ways: Sequence[tuple[str, str]] = (),
    status: int = HTTPStatus.OK,
) -> Response:
    values: Mapping[str, object] = {
        "account": account, "user": user, "email": email, "is_root": is_root,
        "remember": remember, "error": error, "ways": ways,
    }  # fmt: skip
    return page("signin.html", values, status)


def start_again() -> Response:
    """A sign-in that cannot go on."""
    response = _form(error=_AGAIN, status=HTTPStatus.FORBIDDEN)
    cookies.give(response, cookies.STEP, cookies.NO_STEP)
    return response
