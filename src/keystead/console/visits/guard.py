"""Which requests reach a page, and which headers has every answer?  (threat-model CO-2 to CO-4)

(1) The Host is that of the public URL, else 421. (2) The method is GET, HEAD or POST. (3) A POST
comes from one of our own pages: its Origin is ours, and Sec-Fetch-Site says the same if it is sent.
A browser that hides the Origin must say so in Sec-Fetch-Site. The answer of a provider of SAML and
the credentials of a broker are the forms from elsewhere: they prove themselves. (4) Its body is a
short form.

Programs send neither an Origin nor a cookie that is read: (3) and (4) are not for their two paths.

There are no CORS headers: no other site may read or send anything.
"""

import re
from collections.abc import Mapping
from html import escape
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keystead.console.visits.visits import Public, ReadVisit, Visit
from keystead.identity.signin import logins

MOST_BYTES = 16 * 1024
MOST_BYTES_OF_PROVIDER = 136 * 1024
OF_PROGRAMS = frozenset({logins.TOKEN, logins.REVOKE})
FORM = "application/x-www-form-urlencoded"

_OF_PROVIDERS = re.compile(r"/saml(?:/acs/[A-Za-z0-9]{1,64})?")
"""The paths to which a provider lets a browser post its answer (sign-in.md 4.5)."""

FEDERATION = "/federation"
"""The path to which brokers send credentials, for a token. No cookie counts there."""

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
SCRIPTED = f"{_POLICY}; script-src 'self'; connect-src 'self'"
"""The policy of a page that needs a script of ours."""
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with less, browsers hide the Origin of a form
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses what no page of ours would send, and reads the body. (ASGI)"""

    def __init__(
        self, app: ASGIApp, public: Public, read: ReadVisit, marks: Mapping[str, str]
    ) -> None:
        """`marks` are further headers of every answer."""
        self._app = app
        self._public = public
        self._hosts = public.hosts
        self._read = read
        self._headers = {**_HEADERS, **marks}
        if public.secure:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # neither WebSockets nor a life span
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            visit: Visit | None = self._read(scope)
        except ValueError:
            visit = None
        refusal = self._refusal(scope, visit)
        if refusal is None and visit is not None:
            body = b""
            if scope["method"] == "POST":
                most = MOST_BYTES_OF_PROVIDER if _is_of_provider(scope) else MOST_BYTES
                read = await _body(receive, most)
                if read is None:
                    refusal = _plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the form is too long")
                else:
                    body = read
            scope["state"] = {"visit": visit, "body": body}
        if refusal is not None:
            await refusal(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)

    def _elsewhere(self, *, is_link: bool) -> Response:
        """The right address, for who typed another one: at the first page as a link."""
        url, status = f"{self._public.url}/", HTTPStatus.MISDIRECTED_REQUEST
        if is_link:
            return HTMLResponse(_ELSEWHERE.format(url=escape(url)), status)
        return _plain(status, f"Keystead is at {url} and only there")

    def _refusal(self, scope: Scope, visit: Visit | None) -> Response | None:
        if visit is None:
            return _plain(HTTPStatus.BAD_REQUEST, "the request is not understood")
        headers = visit.request.headers
        if headers.get("host", "").lower() not in self._hosts:  # (1)
            return self._elsewhere(is_link=scope["method"] == "GET" and scope["path"] == "/")
        method = scope["method"]
        if method in {"GET", "HEAD"}:
            return None
        if method != "POST":  # (2)
            refusal = _plain(HTTPStatus.METHOD_NOT_ALLOWED, "a page is read, or a form is sent")
            refusal.headers["Allow"] = "GET, HEAD, POST"
            return refusal
        if scope["path"] in OF_PROGRAMS:
            return None
        site = headers.get("sec-fetch-site")
        origin = headers.get("origin", "")
        ours = origin == self._public.url or (origin == "null" and site == "same-origin")
        is_own = ours and site in {None, "same-origin"}
        if not (is_own or _is_of_provider(scope) or scope["path"] == FEDERATION):  # (3)
            return _plain(HTTPStatus.FORBIDDEN, "the form was not sent from a page of Keystead")
        if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:  # (4)
            return _plain(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"a form is sent as {FORM}")
        return None


_ELSEWHERE = (
    '<!doctype html><html lang="en"><title>Keystead</title>'
    '<p>Keystead is at <a href="{url}">{url}</a> and only there.</p></html>\n'
)


def _plain(status: HTTPStatus, text: str) -> Response:
    return PlainTextResponse(f"{text}\n", status)


def _is_of_provider(scope: Scope) -> bool:
    return _OF_PROVIDERS.fullmatch(scope["path"]) is not None


async def _body(receive: Receive, most: int) -> bytes | None:
    """The whole body; None if it is too long, or its sender has gone."""
    parts = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts += message.get("body", b"")
        if len(parts) > most:
            return None
        if not message.get("more_body"):
            return bytes(parts)
