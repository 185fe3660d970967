"""How does a person sign in with the browser of this host?  (RFC 8252, RFC 7636, RFC 9207)

(1) Listen on 127.0.0.1 (RFC 8252, 7.3). (2) Send the browser to the provider, with the hash of a
secret (PKCE, S256), a state and a nonce. (3) Take the one answer that has the state, at the one
path, of the provider that was asked (RFC 9207, 2.4). (4) Redeem its code with the secret.

Other programs of the host can reach the listener too. Without the state they are answered with an
error, and the waiting goes on.
"""

import base64
import hashlib
import hmac
import os
import secrets
import socket
import socketserver
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from queue import Empty, SimpleQueue
from typing import Protocol, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from keystead.agent.people.patience import Patience
from keystead.agent.people.provider import Client, Provider, Refused, Shown, Silent, Tokens
from keystead.agent.people.tokens import require_ours
from keystead.failures import Failure

PATH = "/callback"
_SECONDS = 10  # for one request
_MOST_FIELDS = 20
_STYLE = "font: 1.1rem/1.5 system-ui, sans-serif; color-scheme: light dark; margin: 3rem"
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}  # fmt: skip


def sign_in(
    provider: Provider, client: Client, tell: Callable[[str], None], patience: Patience, port: int
) -> Tokens:
    """The tokens of the person at the browser; raises Failure."""
    asked = _Asked(provider)
    with Listener(asked, port) as listener:  # (1)
        url = asked.url(client, listener.redirect_uri)
        tell(f"sign in with your browser: {url}")
        with unheard():
            webbrowser.open(url)  # (2) if it finds none, the person opens the URL
        code = asked.code(patience)  # (3)
        redirect_uri = listener.redirect_uri
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
        "client_id": client.client_id, "code_verifier": asked.verifier,
    }  # fmt: skip
    try:
        tokens = provider.tokens(form)  # (4)
    except (Refused, Silent) as error:
        raise Failure(f"the provider redeems no code: {error}", "begin again") from None
    require_ours(tokens.id_token, provider.issuer, client.client_id, asked.nonce)
    return tokens


@contextmanager
def unheard() -> Iterator[None]:
    """Processes that begin now have no part in our output.

    A browser that writes there would spoil the credentials. One that stays would keep the pipe
    open, and the SDK at its other end would wait for the browser's end.
    """
    kept = [(handle, os.dup(handle)) for handle in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for handle, _ in kept:
            os.dup2(nowhere, handle)
        yield
    finally:
        os.close(nowhere)
        for handle, copy in kept:
            os.dup2(copy, handle)
            os.close(copy)


class Waiting(Protocol):
    """Somebody who waits for one answer by the browser."""

    def take(self, query: str) -> bool:
        """Is this the answer?  Then it is taken."""


class _Asked:
    """One request of authorization, and its answer."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._state = secrets.token_urlsafe(32)
        self.nonce = secrets.token_urlsafe(32)
        self.verifier = secrets.token_urlsafe(48)
        self._answers: SimpleQueue[dict[str, str]] = SimpleQueue()

    def url(self, client: Client, redirect_uri: str) -> str:
        """Where the browser goes."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code", "client_id": client.client_id, "redirect_uri": redirect_uri,
            "scope": " ".join(client.scopes), "state": self._state, "nonce": self.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }  # fmt: skip
        if "offline_access" in client.scopes:  # OpenID Connect Core, 11
            query["prompt"] = "consent"
        endpoint = self._provider.endpoint("authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def take(self, query: str) -> bool:
        """Is this the answer?  Then it is taken."""
        try:
            fields = parse_qs(query, max_num_fields=_MOST_FIELDS)
        except ValueError:
            return False
        if any(len(values) > 1 for values in fields.values()):
            return False
        answer = {name: value for name, [value] in fields.items()}
        if not hmac.compare_digest(answer.get("state", "").encode(), self._state.encode()):
            return False
        self._answers.put(answer)
        return True

    def code(self, patience: Patience) -> str:
        """The code of the answer, for which the person is waited for; raises Failure."""
        try:
            answer = self._answers.get(timeout=patience.left)
        except Empty:
            raise Failure("nobody signed in in time", "begin again", status=1) from None
        document = self._provider.document
        named = answer.get("iss")
        is_missing = named is None and document.authorization_response_iss_parameter_supported
        if is_missing or named not in {None, document.issuer}:
            raise Failure("the answer is of another provider", "begin again")
        if "error" in answer:
            why = Shown(f"{answer['error']} {answer.get('error_description', '')}".strip())
            raise Failure(f"the provider refuses: {why}", "begin again", status=1)
        code = answer.get("code")
        if code is None:
            raise Failure("the answer of the provider has no code", "tell its operator")
        return code


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever leaves in the middle of a request is not complained of."""


class Listener:
    """Listens on 127.0.0.1 while the browser is away."""

    def __init__(self, asked: Waiting, port: int, path: str = PATH) -> None:
        try:
            self._server = _Server(("127.0.0.1", port), _handler(asked, path))
        except OSError as error:
            raise Failure(
                f"port {port} of 127.0.0.1 is not free: {str(error.strerror).lower()}",
                "name another with --port, as the provider knows the client",
            ) from None
        self.redirect_uri = f"http://127.0.0.1:{self._server.server_address[1]}{path}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(asked: Waiting, path: str) -> type[BaseHTTPRequestHandler]:
    """What answers the browser."""

    class Handler(BaseHTTPRequestHandler):
        timeout = _SECONDS
        server_version, sys_version = "keystead", ""

        def do_GET(self) -> None:
            split = urlsplit(self.path)
            host = self.headers.get("Host", "")
            port = self.connection.getsockname()[1]
            if host == f"127.0.0.1:{port}" and split.path == path and asked.take(split.query):
                self._say(200, "You can close this page, and go back to the command line.")
            else:
                self._say(404, "This is no answer to a sign-in that was begun here.")

        def _say(self, status: int, text: str) -> None:
            page = (
                f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Keystead</title>'
                f'<body style="{_STYLE}"><main><h1>Keystead</h1><p>{text}</p></main></body></html>'
            ).encode()
            self.send_response(status)
            for name, value in {**_HEADERS, "Content-Length": str(len(page))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(page)
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
            """Nothing: the path holds the code."""

    return Handler
