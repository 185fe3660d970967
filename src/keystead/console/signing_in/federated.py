"""The pages of sign-in by a provider of identities: its start, its answer, and what follows it.

    GET  /saml/start/PROVIDER     a button; a GET changes nothing
    POST /saml/start/PROVIDER     the browser goes to the provider
    POST /saml                    the provider's answer, from its page: the one form from elsewhere
    GET  /saml/continue?h=        the same browser goes on, with its cookies
    POST /saml/continue           after a page that says as whom
    GET, POST /oidc/start/PROVIDER   as above
    GET  /oidc/callback/PROVIDER?state=&code=   the provider's answer, in the browser that began

What leads to a provider is a page with a link that is followed at once, and no redirect. Browsers
apply `form-action` to each redirect after a form, and a provider may lead to any other host.
"""

from contextlib import suppress
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from keystead.console.signing_in.steps import Refusal, taken
from keystead.console.signing_in.waiting import BUSY
from keystead.console.visits import (
    BadForm,
    Calls,
    Public,
    Visit,
    cookies,
    current_session,
    form_of,
    page,
    to,
    visit_of,
)
from keystead.errors import AwsError, ThrottlingException
from keystead.identity.federation import our_metadata
from keystead.identity.signin import federated_shapes as asked_of
from keystead.identity.signin import is_destination, shapes
from keystead.wire.operation import Operation

LONGEST_RESPONSE = 100_000  # characters (iam.md 8.1)
_MOST_FIELDS, _LONGEST_STATE = 8, 1_024
_LEAVING = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Federated:
    """The pages of sign-in by a provider."""

    def __init__(self, calls: Calls, public: Public) -> None:
        self._calls = calls
        self._url = f"{public.url}/"

    async def show_start(self, request: Request) -> Response:
        """GET /saml/start/PROVIDER: the same for one that does not exist."""
        return page("start.html", {"path": request.scope["path"]})

    async def start_saml(self, request: Request) -> Response:
        """POST /saml/start/PROVIDER"""
        return await self._start(request, asked_of.START_SAML)

    async def start_oidc(self, request: Request) -> Response:
        """POST /oidc/start/PROVIDER"""
        return await self._start(request, asked_of.START_OIDC)

    async def _start(
        self, request: Request, operation: Operation[asked_of.StartRequest, asked_of.StartAnswer]
    ) -> Response:
        visit = visit_of(request)
        asked = asked_of.StartRequest(
            provider_id=str(request.path_params["provider"]),
            browser=cookies.value(visit, cookies.ARRIVING),
            url=self._url,
        )
        try:
            answer = await self._calls.call(visit.request, operation, asked)
        except AwsError as error:
            return refused(error)
        return leaving(answer)

    async def take(self, request: Request) -> Response:
        """POST /saml and /saml/acs/PROVIDER. No cookie of ours comes along, and none is read."""
        visit = visit_of(request)
        try:
            response, relay_state = _posted(request)
        except BadForm:
            return _not_accepted(asked_of.NOT_ACCEPTED, HTTPStatus.BAD_REQUEST)
        asked = asked_of.SamlResponseRequest(
            response=response,
            relay_state=relay_state,
            provider_id=str(request.path_params.get("provider", "")),
            url=self._url,
        )
        try:
            taken = await self._calls.call(visit.request, asked_of.TAKE_SAML_RESPONSE, asked)
        except AwsError as error:
            return refused(error)
        answer = to(f"/saml/continue?h={taken.handle}")
        if taken.browser:  # the sign-in began at the provider
            arriving(answer, taken.browser)
            await self._keep_destination(visit, answer, relay_state.removeprefix(self._url[:-1]))
        return answer

    async def _keep_destination(self, visit: Visit, answer: Response, path: str) -> None:
        """The provider may say where a sign-in ends, if it is a page of ours."""
        if not is_destination(path):
            return
        with suppress(AwsError):  # it ends at the first page
            asked = shapes.Destination(path=path)
            kept = await self._calls.call(visit.request, shapes.KEEP_DESTINATION, asked)
            cookies.give(answer, cookies.NEXT, kept.cookie)

    async def go_on(self, request: Request) -> Response:
        """GET /saml/continue"""
        visit = visit_of(request)
        handle = request.query_params.get("h", "")
        if request.method != "GET":  # a HEAD is no visit of a person
            return _missing()
        try:
            session = await current_session(self._calls, visit)
            if session is not None:
                asked = self._asked(visit, handle)
                who = await self._calls.call(visit.request, asked_of.DESCRIBE_ARRIVAL, asked)
                if not who.solicited:
                    values = {"who": who, "session": session, "handle": handle}
                    return page("continue.html", values)
        except AwsError as error:
            return refused(error)
        return await self._signed_in(visit, handle)

    async def go_on_as(self, request: Request) -> Response:
        """POST /saml/continue: the person has seen as whom."""
        handle = form_of(request).get("h", "")
        return await self._signed_in(visit_of(request), handle, clicked=True)

    async def take_code(self, request: Request) -> Response:
        """GET /oidc/callback/PROVIDER: the cookies of the browser come along."""
        visit, given = visit_of(request), request.query_params
        if request.method != "GET":  # a HEAD is no visit of a person
            return _missing()
        if given.get("error") == "access_denied":  # the person changed its mind
            return to("/signin")
        asked = asked_of.OidcCodeRequest(
            provider_id=str(request.path_params["provider"]),
            state=given.get("state", ""),
            browser=cookies.value(visit, cookies.ARRIVING),
            code=given.get("code", ""),
            iss=given.get("iss", ""),
            error=given.get("error", ""),
            url=self._url,
        )
        return await taken(self._calls, visit, asked_of.TAKE_OIDC_CODE, asked, refused)

    async def metadata(self, _: Request) -> Response:
        """GET /saml/metadata: what a provider has to know of us."""
        media = "application/samlmetadata+xml"
        return Response(our_metadata(f"{self._url}saml"), media_type=media)

    async def _signed_in(self, visit: Visit, handle: str, *, clicked: bool = False) -> Response:
        asked = self._asked(visit, handle, clicked=clicked)
        return await taken(self._calls, visit, asked_of.CONTINUE, asked, refused)

    def _asked(
        self, visit: Visit, handle: str, *, clicked: bool = False
    ) -> asked_of.ArrivalRequest:
        browser = cookies.value(visit, cookies.ARRIVING)
        return asked_of.ArrivalRequest(
            handle=handle, browser=browser, clicked=clicked, url=self._url
        )


def routes(calls: Calls, public: Public) -> list[Route]:
    """The paths of these pages."""
    pages = Federated(calls, public)
    return [
        Route("/saml", pages.take, methods=["POST"]),
        Route("/saml/acs/{provider}", pages.take, methods=["POST"]),
        Route("/saml/metadata", pages.metadata),
        Route("/saml/continue", pages.go_on),
        Route("/saml/continue", pages.go_on_as, methods=["POST"]),
        Route("/saml/start/{provider}", pages.show_start),
        Route("/saml/start/{provider}", pages.start_saml, methods=["POST"]),
        Route("/oidc/start/{provider}", pages.show_start),
        Route("/oidc/start/{provider}", pages.start_oidc, methods=["POST"]),
        Route("/oidc/callback/{provider}", pages.take_code),
    ]


def leaving(answer: asked_of.StartAnswer) -> Response:
    """The page by which a browser goes to a provider."""
    parts = urlsplit(answer.place)
    values = {"place": answer.place, "host": parts.netloc, "fields": answer.fields}
    response = page("leaving.html", values)
    scheme = "https:" if parts.scheme == "https" else "http: https:"
    forms = scheme if answer.fields else "'none'"
    response.headers["Content-Security-Policy"] = f"{_LEAVING}; form-action {forms}"
    if not answer.fields:
        response.headers["Refresh"] = f"0; url={answer.place}"
    arriving(response, answer.browser)
    return response


def arriving(response: Response, browser: str) -> None:
    """Let the browser keep what makes it the one that began."""
    cookies.give(response, cookies.ARRIVING, browser, 600)


def refused(error: Refusal) -> Response:
    """The end of a sign-in by a provider, with the request id by which its reason is found."""
    if isinstance(error, str):
        return _not_accepted(asked_of.NOT_ACCEPTED, HTTPStatus.FORBIDDEN)
    if isinstance(error, shapes.SignInEnded):
        text = "The sign-in took too long, or was continued elsewhere. Start again."
    elif isinstance(error, ThrottlingException):
        text = BUSY
    else:
        text = error.message or "The server cannot do this now. Try again."
    request_id = error.request_id if isinstance(error, asked_of.NotVouchedFor) else ""
    return _not_accepted(text, error.status, request_id)


def _not_accepted(text: str, status: int, request_id: str = "") -> Response:
    return page("not_accepted.html", {"text": text, "request_id": request_id}, status)


def _missing() -> Response:
    return page("error.html", {"text": "There is no such page."}, HTTPStatus.NOT_FOUND)


def _posted(request: Request) -> tuple[str, str]:
    """The response and the RelayState of a provider's form; raises BadForm."""
    body: bytes = request.scope["state"]["body"]
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict",
            max_num_fields=_MOST_FIELDS,
        )  # fmt: skip
    except ValueError as error:
        raise BadForm from error
    fields = dict(pairs)
    response, state = fields.get("SAMLResponse", ""), fields.get("RelayState", "")
    if len(fields) != len(pairs) or not response or len(response) > LONGEST_RESPONSE:
        raise BadForm
    return response, state if len(state) <= _LONGEST_STATE else ""
