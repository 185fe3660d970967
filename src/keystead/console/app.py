"""Which page is at which path?  The ASGI application of the console."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from keystead.console.evenly import evenly
from keystead.console.session import (
    CREDENTIALS,
    Credentials,
    SessionPages,
    routes_of_programs,
    switching,
)
from keystead.console.signing_in import (
    DIRECTORY,
    PASSKEY,
    ROLE,
    DirectoryPages,
    PasskeyPages,
    RolePages,
    SigningIn,
    broker_routes,
    federated_routes,
)
from keystead.console.visits import (
    FILES,
    BadForm,
    Calls,
    Guard,
    Public,
    ReadVisit,
    SignInFirst,
    page,
)
from keystead.errors import AwsError


def application(
    calls: Calls, public: Public, read: ReadVisit, marks: Mapping[str, str] | None = None
) -> ASGIApp:
    """The console at its public URL; `calls` are made for the persons who visit it.

    `marks` are further headers of every answer.
    """
    signing_in, session, credentials = (
        SigningIn(calls, public),
        SessionPages(calls),
        Credentials(calls),
    )
    roles = RolePages(calls, public)
    directories = DirectoryPages(calls, public)
    passkeys = PasskeyPages(calls, public)
    routes = [
        Route("/", session.show),
        Route("/signin", signing_in.show_form),
        Route("/signin", evenly(signing_in.sign_in), methods=["POST"]),
        Route("/signin/step", signing_in.show_step),
        Route("/signin/mfa", signing_in.check_mfa, methods=["POST"]),
        Route("/signin/passkey", signing_in.check_passkey, methods=["POST"]),
        Route("/signin/passkey/options", passkeys.start_check, methods=["POST"]),
        Route(PASSKEY, passkeys.show),
        Route(PASSKEY, passkeys.add, methods=["POST"]),
        Route(f"{PASSKEY}/options", passkeys.start, methods=["POST"]),
        Route("/security/again", passkeys.touch, methods=["POST"]),
        Route("/security/again/options", passkeys.start_touch, methods=["POST"]),
        Route("/signin/password", signing_in.change_password, methods=["POST"]),
        *switching(calls, public),
        *broker_routes(calls, public),
        Route(ROLE, roles.show),
        Route(ROLE, roles.choose, methods=["POST"]),
        Route(DIRECTORY, directories.show),
        Route(DIRECTORY, evenly(directories.sign_in), methods=["POST"]),
        Route(f"{DIRECTORY}/{{name}}", directories.show),
        Route("/signin/{account}", signing_in.show_form),
        Route("/signout", session.sign_out, methods=["POST"]),
        Route("/signed-out", session.signed_out),
        Route("/changed", session.changed),
        Route(CREDENTIALS, credentials.show),
        Route(f"{CREDENTIALS}/password", credentials.change_password, methods=["POST"]),
        Route(f"{CREDENTIALS}/device", credentials.new_device, methods=["POST"]),
        Route(f"{CREDENTIALS}/device/enable", credentials.enable_device, methods=["POST"]),
        Route(f"{CREDENTIALS}/device/remove", credentials.remove_device, methods=["POST"]),
        Route(f"{CREDENTIALS}/key", credentials.new_key, methods=["POST"]),
        Route(f"{CREDENTIALS}/key/status", credentials.change_key, methods=["POST"]),
        Route(f"{CREDENTIALS}/key/delete", credentials.delete_key, methods=["POST"]),
        *federated_routes(calls, public),
        *routes_of_programs(calls, public),
        *(Route(file.path, file.serve) for file in FILES),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={
            BadForm: _bad_form, AwsError: _refused, SignInFirst: _first, 404: _missing,
            405: _missing, 500: _broken,
        },
    )  # fmt: skip
    app.router.redirect_slashes = False
    return Guard(app, public, read, marks or {})


async def _bad_form(_: Request, __: Exception) -> Response:
    return _error("This form was not sent by a page of Keystead.", HTTPStatus.BAD_REQUEST)


async def _first(request: Request, error: Exception) -> Response:
    return error.response if isinstance(error, SignInFirst) else await _broken(request, error)


async def _refused(_: Request, error: Exception) -> Response:
    text = error.message if isinstance(error, AwsError) else None
    status = error.status if isinstance(error, AwsError) else HTTPStatus.INTERNAL_SERVER_ERROR
    return _error(text or "The server cannot do this now. Try again.", status)


async def _missing(_: Request, __: Exception) -> Response:
    return _error("There is no such page.", HTTPStatus.NOT_FOUND)


async def _broken(_: Request, __: Exception) -> Response:
    return _error("Something went wrong here. Try again.", HTTPStatus.INTERNAL_SERVER_ERROR)


def _error(text: str, status: int) -> Response:
    return page("error.html", {"text": text}, status)
