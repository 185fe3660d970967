"""What does every page do that takes a step of a sign-in?  A form, a call, and its refusal.

The first page of a way gives a cookie, whose return shows that the browser keeps any.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from inspect import isawaitable
from typing import TypeVar

from starlette.responses import Response

from keystead.console.signing_in.following import follow
from keystead.console.visits import Calls, Visit, cookies, is_signed_in, page, to
from keystead.errors import AwsError
from keystead.identity.signin import shapes
from keystead.wire.operation import Operation

In = TypeVar("In")

Refusal = AwsError | str
"""Why a step was not taken: an error, or the word of an answer: `failed`, or `away`."""

Shown = Callable[[Refusal], Response | Awaitable[Response | None] | None]
"""The page of a refusal; None for an error that the page has nothing to say of."""

_NO_STEP = frozenset({"failed", "away"})


def _nothing_more(_: Response) -> None:
    """For a step after which the browser keeps nothing else."""


async def first_page(calls: Calls, visit: Visit, form: Response) -> Response:
    """The first page of a way to sign in: this form, unless somebody is signed in."""
    if await is_signed_in(calls, visit):
        return to("/")
    if not cookies.value(visit, cookies.STEP):
        cookies.give(form, cookies.STEP, cookies.NO_STEP)
    return form


def without_cookies(visit: Visit, url: str) -> Response | None:
    """The page for a browser that keeps no cookies; None for every other."""
    if cookies.value(visit, cookies.STEP) or cookies.value(visit, cookies.SESSION):
        return None
    return page("no_cookies.html", {"url": url}, HTTPStatus.BAD_REQUEST)


async def taken(
    calls: Calls,
    visit: Visit,
    operation: Operation[In, shapes.StepAnswer],
    asked: In,
    refused: Shown,
    *,
    path: str = "",
    then: Callable[[Response], None] = _nothing_more,
) -> Response:
    """The page that follows a step, or the one that `refused` shows; raises errors without one.

    `path` is as for `follow`; `then` adds to the page that follows.
    """
    try:
        answer = await calls.call(visit.request, operation, asked)
    except AwsError as error:
        shown = await _shown(refused, error)
        if shown is None:
            raise
        return shown
    if answer.next in _NO_STEP:
        shown = await _shown(refused, answer.next)
        assert shown is not None  # noqa: S101  # only an error may have no page
        return shown
    response = await follow(calls, visit, answer, path)
    then(response)
    return response


async def _shown(refused: Shown, why: Refusal) -> Response | None:
    shown = refused(why)
    return await shown if isawaitable(shown) else shown
