"""What does the browser of this host bring back from a sign-in?  (RFC 8252, RFC 7636)

A listener on 127.0.0.1 takes the one answer that has our state, at the one path (RFC 8252, 7.3).
Other programs of the host can reach it, too. Without the state they are answered with an error, and
the waiting goes on. The code of the answer is worth nothing without the verifier, which stays here.
"""

import base64
import hashlib
import hmac
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from socket import SHUT_WR
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs, urlsplit

from keystead.agent.people.patience import Patience
from keystead.failures import Failure

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler
    from socketserver import ThreadingTCPServer

_SECONDS = 10  # for one request
_MOST_FIELDS = 20
_STYLE = "font: 1.1rem/1.5 system-ui, sans-serif; color-scheme: light dark; margin: 3rem"
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}  # fmt: skip


class Return:
    """One request of authorization, and its answer."""

    def __init__(self) -> None:
        self.state = secrets.token_urlsafe(32)
        self.verifier = secrets.token_urlsafe(48)
        self._answers: SimpleQueue[dict[str, str]] = SimpleQueue()

    @property
    def challenge(self) -> str:
        """The hash of the verifier (RFC 7636, 4.2)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def take(self, query: str) -> bool:
        """Is this the answer?  Then it is taken."""
        try:
            fields = parse_qs(query, max_num_fields=_MOST_FIELDS)
        except ValueError:
            return False
        if any(len(values) > 1 for values in fields.values()):
            return False
        answer = {name: value for name, [value] in fields.items()}
        if not hmac.compare_digest(answer.get("state", "").encode(), self.state.encode()):
            return False
        self._answers.put(answer)
        return True

    def answer(self, patience: Patience) -> dict[str, str]:
        """The fields of the answer, for which the person is waited for; raises Failure."""
        try:
            return self._answers.get(timeout=patience.left)
        except Empty:
            raise Failure("nobody signed in in time", "begin again", status=1) from None


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


class Listener:
    """Listens on 127.0.0.1 while the browser is away."""

    def __init__(self, waited: Return, port: int, path: str) -> None:
        try:
            self._server = _server(waited, port, path)
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


def _server(waited: Return, port: int, path: str) -> "ThreadingTCPServer":
    from socketserver import ThreadingTCPServer  # noqa: PLC0415  # not before it is needed

    class Server(ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Whoever leaves in the middle of a request is not complained of."""

    return Server(("127.0.0.1", port), _handler(waited, path))


def _handler(waited: Return, path: str) -> "type[BaseHTTPRequestHandler]":
    """What answers the browser."""
    from http.server import BaseHTTPRequestHandler  # noqa: PLC0415  # it loads much

    class Handler(BaseHTTPRequestHandler):
        timeout = _SECONDS
        server_version, sys_version = "keystead", ""

        def do_GET(self) -> None:
            split = urlsplit(self.path)
            host = self.headers.get("Host", "")
            port = self.connection.getsockname()[1]
            if host == f"127.0.0.1:{port}" and split.path == path and waited.take(split.query):
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
            self.connection.shutdown(SHUT_WR)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
            """Nothing: the path holds the code."""

    return Handler
