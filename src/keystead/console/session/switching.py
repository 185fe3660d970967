"""Switch role, act in it, go back: pages of a person's roles. (sign-in.md 4.9, 7.3)

The switch is decided for the person who signed in, so these forms have paths outside of `/c/`. A
link fills the form and never sends it.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from keystead.console.visits import (
    Calls,
    Public,
    Visit,
    cookies,
    form_of,
    page,
    query_of,
    session_of,
    to,
    visit_of,
)
from keystead.errors import AwsError
from keystead.identity.signin import role_shapes, shapes
from keystead.wire.operation import Operation

SWITCH = "/switchrole"
COLORS = {
    "F2B0A9": "red", "FBBF93": "orange", "FAD791": "yellow", "B7CA9D": "green", "99BCE3": "blue",
}  # fmt: skip
_FIELDS = ("account", "roleName", "displayName", "color")
_COLOR = re.compile(r"[0-9A-Fa-f]{6}")
_LONGEST_NAME, _LONGEST_ROLE = 64, 576  # characters, of a role with its path
_NOT_FOR_YOU = "The root user and federated users cannot switch roles. Sign in as a user for that."


class Switching:
    """The pages of a person's roles."""

    def __init__(self, calls: Calls, public: Public) -> None:
        self._calls = calls
        self._url = public.url

    async def show(self, request: Request) -> Response:
        """GET /switchrole?account=&roleName=&displayName=&color=&q="""
        query = query_of(request, _LONGEST_ROLE)
        typed = {name: query.get(name, "") for name in _FIELDS}
        return await self._form(visit_of(request), typed, query.get("q", ""))

    async def switch(self, request: Request) -> Response:
        """POST /switchrole"""
        visit, form = visit_of(request), form_of(request, _LONGEST_ROLE)
        typed = {name: form.get(name, "").strip() for name in _FIELDS}
        color = typed["color"] if _COLOR.fullmatch(typed["color"]) else ""
        asked = role_shapes.SwitchRoleRequest(
            account=typed["account"], role=typed["roleName"],
            name=typed["displayName"][:_LONGEST_NAME], color=color.upper(), url=f"{self._url}/",
        )  # fmt: skip
        try:
            answer = await self._calls.call(visit.request, role_shapes.SWITCH_ROLE, asked)
        except shapes.SignInEnded:
            await session_of(self._calls, visit)  # it leads to sign-in
            raise
        except AwsError as error:
            return await self._form(visit, typed, "", error.message or "This is not possible now.")
        response = to(f"/c/{answer.actor}/")
        cookies.give(response, cookies.SESSION, answer.cookie)
        return response

    async def act(self, request: Request) -> Response:
        """GET /c/ACTOR/: who am I in this role?"""
        visit, named = visit_of(request), str(request.path_params["actor"])
        try:
            session = await session_of(self._calls, visit)
        except shapes.RoleEnded:
            return await self._ended(visit, named)
        if session.actor != named:  # the path was written in another way
            return to("/")
        return page("session.html", {"session": session})

    async def renew(self, request: Request) -> Response:
        """POST /role/renew"""
        return await self._change(request, role_shapes.RENEW_ROLE, "/c/{}/")

    async def go_back(self, request: Request) -> Response:
        """POST /role/exit"""
        return await self._change(request, role_shapes.EXIT_ROLE, "/")

    async def _change(
        self,
        request: Request,
        operation: Operation[role_shapes.ActorRequest, shapes.Nothing],
        path: str,
    ) -> Response:
        visit, actor = visit_of(request), form_of(request).get("actor", "")
        await session_of(self._calls, visit)
        asked = role_shapes.ActorRequest(actor=actor, url=f"{self._url}/")
        try:
            await self._calls.call(visit.request, operation, asked)
        except shapes.SignInEnded:  # the role was over, in another tab
            return to("/")
        return to(path.format(actor))

    async def _form(
        self, visit: Visit, typed: Mapping[str, str], search: str, error: str = ""
    ) -> Response:
        session = await session_of(self._calls, visit)
        may_switch = session.may_switch
        used: tuple[role_shapes.SwitchedRole, ...] = ()
        if may_switch:
            asked = role_shapes.ListSwitchedRolesRequest(search=search)
            call = self._calls.call(visit.request, role_shapes.LIST_SWITCHED_ROLES, asked)
            used = (await call).roles
        values = {
            "session": session, "typed": typed, "used": used, "colors": COLORS, "search": search,
            "error": error if may_switch else _NOT_FOR_YOU,
        }  # fmt: skip
        refused = bool(values["error"])
        return page("switch.html", values, HTTPStatus.FORBIDDEN if refused else HTTPStatus.OK)

    async def _ended(self, visit: Visit, actor: str) -> Response:
        """The role is over: switch again, or go on as the person."""
        asked = role_shapes.ListSwitchedRolesRequest()
        person = msgspec.structs.replace(visit.request, path=SWITCH)  # whose session is good
        call = self._calls.call(person, role_shapes.LIST_SWITCHED_ROLES, asked)
        try:
            used = (await call).roles
        except AwsError:  # the root user has none
            used = ()
        known = next((each for each in used if each.actor == actor), None)
        return page("role_ended.html", {"known": known}, HTTPStatus.UNAUTHORIZED)


def switching(calls: Calls, public: Public) -> list[Route]:
    """The routes of these pages."""
    pages = Switching(calls, public)
    return [
        Route(SWITCH, pages.show),
        Route(SWITCH, pages.switch, methods=["POST"]),
        Route("/c/{actor}", pages.act),
        Route("/c/{actor}/", pages.act),
        Route("/role/renew", pages.renew, methods=["POST"]),
        Route("/role/exit", pages.go_back, methods=["POST"]),
    ]
