"""The role chooser: which roles may somebody from outside choose?  (sign-in.md 4.8)

A list has 25 roles, and a search. It works without a script; choosing is a POST.
"""

from http import HTTPStatus
from itertools import groupby
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from keystead.console.signing_in.following import ROLE
from keystead.console.signing_in.signing_in import start_again
from keystead.console.signing_in.steps import Refusal, taken
from keystead.console.visits import (
    Calls,
    Public,
    Visit,
    cookies,
    form_of,
    is_signed_in,
    page,
    query_of,
    visit_of,
)
from keystead.errors import AwsError
from keystead.identity.signin import PAGE, role_shapes, shapes


class RolePages:
    """The pages of the role chooser."""

    def __init__(self, calls: Calls, public: Public) -> None:
        self._calls = calls
        self._url = public.url

    async def show(self, request: Request) -> Response:
        """GET /signin/role?q=TEXT&first=NUMBER"""
        query = query_of(request)
        first = _number(query.get("first", ""), 0)
        return await self._page(visit_of(request), query.get("q", ""), first)

    async def choose(self, request: Request) -> Response:
        """POST /signin/role"""
        visit, form = visit_of(request), form_of(request)
        number = form.get("role", "")
        asked = role_shapes.ChooseRoleRequest(
            cookie=cookies.value(visit, cookies.STEP), choice=_number(number, -1),
            url=f"{self._url}/",
        )  # fmt: skip

        async def refused(why: Refusal) -> Response:
            if isinstance(why, shapes.SignInEnded):
                return start_again()
            said = why.message if isinstance(why, AwsError) else ""
            return await self._page(visit, "", 0, said or "The role cannot be used now.")

        return await taken(self._calls, visit, role_shapes.CHOOSE_ROLE, asked, refused)

    async def _page(self, visit: Visit, search: str, first: int, error: str = "") -> Response:
        asked = role_shapes.DescribeRolesRequest(
            cookie=cookies.value(visit, cookies.STEP), search=search, first=first
        )
        try:
            shown = await self._calls.call(visit.request, role_shapes.DESCRIBE_ROLES, asked)
        except shapes.SignInEnded:
            return start_again()
        usable = [each for each in shown.roles if not each.refused]
        values = {
            "shown": shown, "search": search, "error": error, "path": ROLE,
            "accounts": [
                list(roles) for _, roles in groupby(usable, key=lambda each: each.account)
            ],
            "refused": [each for each in shown.roles if each.refused],
            "earlier": _part(search, max(0, first - PAGE)) if first else "",
            "later": _part(search, first + PAGE) if first + PAGE < shown.found else "",
            "open": await is_signed_in(self._calls, visit),
        }  # fmt: skip
        return page("roles.html", values, HTTPStatus.FORBIDDEN if error else HTTPStatus.OK)


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else otherwise


def _part(search: str, first: int) -> str:
    """The path of another part of the list."""
    return f"{ROLE}?{urlencode({'q': search, 'first': first})}"
