"""The pages of a sign-in: name and password, second factor, new password. (sign-in.md 4.2 to 4.4)

What they say of a wrong name, password or code does not tell which of them was wrong.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from keystead.console.signing_in.factor import factor_page
from keystead.console.signing_in.passkeys import LONGEST, check_of
from keystead.console.signing_in.steps import Refusal, first_page, taken, without_cookies
from keystead.console.signing_in.waiting import BUSY, told_to_wait
from keystead.console.visits import (
    Calls,
    Public,
    Visit,
    cookies,
    form_of,
    page,
    visit_of,
)
from keystead.errors import AwsError, ThrottlingException
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
        account, user = cookies.remembered(visit)
        remember = bool(account)
        named = str(request.path_params.get("account", ""))
        if named and named != account:
            account, user = named, ""
        is_root = request.scope["query_string"] == b"root"
        form = _form(
            account=account, user=user, is_root=is_root, remember=remember, ways=self._ways
        )
        return await first_page(self._calls, visit, form)

    async def sign_in(self, request: Request) -> Response:
        """POST /signin"""
        visit, form = visit_of(request), form_of(request)
        if (told := without_cookies(visit, self._url)) is not None:
            return told
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

        def refused(why: Refusal) -> Response | None:
            if isinstance(why, AwsError):
                return told_to_wait(why, again)
            wrong = _WRONG_ROOT if is_root else _WRONG_USER
            return again(error=wrong, status=HTTPStatus.FORBIDDEN)

        def kept(response: Response) -> None:
            if remember and not is_root:
                cookies.remember(response, account, user)
            elif cookies.value(visit, cookies.NAMES) and not is_root:
                cookies.take(response, cookies.NAMES)

        operation = shapes.CONSOLE_LOGIN
        return await taken(self._calls, visit, operation, asked, refused, then=kept)

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
        again = partial(self._again, visit, _WRONG_CODE, form.get("device", ""), "second" in form)
        return await taken(self._calls, visit, shapes.CHECK_MFA, asked, again)

    async def check_passkey(self, request: Request) -> Response:
        """POST /signin/passkey"""
        visit, asked = visit_of(request), check_of(request, self._url)
        device = form_of(request, LONGEST).get("device", "")
        again = partial(self._again, visit, _NOTHING, device, False)
        return await taken(self._calls, visit, shapes.CHECK_PASSKEY, asked, again)

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
        again = partial(self._again, visit, _WRONG_OLD, "", False)
        return await taken(self._calls, visit, shapes.UPDATE_PASSWORD, asked, again)

    async def _again(  # the facts of one page
        self, visit: Visit, wrong: str, device: str, resyncs: bool, why: Refusal
    ) -> Response | None:
        """The page of the step once more; `wrong` is said of a wrong proof. None as for `Shown`."""
        status = HTTPStatus.FORBIDDEN
        if isinstance(why, shapes.SignInEnded):
            return start_again()
        if isinstance(why, PasswordPolicyViolationException):
            wrong, status = why.message or "", HTTPStatus.BAD_REQUEST
        elif isinstance(why, ThrottlingException):
            wrong, status = BUSY, HTTPStatus.TOO_MANY_REQUESTS
        elif isinstance(why, AwsError):
            return None
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
