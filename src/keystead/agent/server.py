"""How does a host speak to the server?  JSON 1.1 over TLS, one request at a time.

Without TLS only a server on this very host is spoken to. A redirection is never followed.
"""

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any, Self, TypeVar
from urllib.parse import SplitResult, urlsplit

import msgspec

from keystead.failures import Failure, cause_of
from keystead.wire.operation import Operation

TIMEOUT = 10.0  # seconds, for each step of a request
_SECONDS = 30.0  # for a request and the whole of its answer
_LONGEST = 256 * 1024  # bytes of an answer
_LONGEST_SHOWN = 300  # characters

In = TypeVar("In")
Out = TypeVar("Out")


class Shown(str):
    """A text of another side that can stand on a terminal: printable, and not long."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        return super().__new__(
            cls, "".join(c if c.isprintable() else " " for c in text[:_LONGEST_SHOWN])
        )


class Unreachable(Exception):
    """The server does not answer, or not now. What is known stays true."""


class Refused(Exception):
    """The server refused a request."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class _Error(msgspec.Struct, frozen=True):
    """The body of a refusal."""

    type_: str = msgspec.field(name="__type", default="")
    message: str = ""
    other_message: str = msgspec.field(name="Message", default="")  # some errors spell it so


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its status, and its body."""

    status: int
    body: bytes


class Server:
    """One server, by its URL; raises Failure for a URL that cannot be trusted."""

    __slots__ = ("_context", "host", "port", "secure", "url")

    def __init__(self, url: str, ca_file: str = "") -> None:
        parts = _parts(url)
        if parts is None:
            raise Failure(f"`{url}` is not the URL of a server", "write it as `https://HOST:PORT`")
        self.secure = parts.scheme == "https"
        if not self.secure and not is_loopback(str(parts.hostname)):
            raise Failure(
                f"`{url}`: credentials are never sent without TLS",
                "write `https://…`, or name a server on this host",
            )
        try:
            self.port = parts.port or (443 if self.secure else 80)
        except ValueError:
            raise Failure(f"`{url}` has no valid port", "write it as `https://HOST:PORT`") from None
        self.url = url
        self.host = str(parts.hostname)
        self._context = trusting(ca_file) if self.secure else None

    def post(self, headers: Mapping[str, str], body: bytes, path: str = "/") -> Answer:
        """Send one request; raises Unreachable."""
        try:
            with in_time(self._connection()) as connection:
                connection.request("POST", path, body, dict(headers))
                response = connection.getresponse()
                content = response.read(_LONGEST + 1)
                is_whole = not response.length or len(content) > _LONGEST
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(error) from None
        if not is_whole:
            raise Unreachable(f"`{self.url}` does not answer to the end")
        if len(content) > _LONGEST or response.status >= 500:
            raise Unreachable(f"`{self.url}` answers with status {response.status}")
        return Answer(response.status, content)

    def has_pages(self, path: str) -> bool:
        """Is there a page for browsers at this path, or the way to one?  Raises Unreachable."""
        try:
            with in_time(self._connection()) as connection:
                connection.request("GET", path)
                response = connection.getresponse()
                kind = response.getheader("Content-Type", "")
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(error) from None
        return response.status in {302, 303} or str(kind).startswith("text/html")

    def _silent(self, error: Exception) -> Unreachable:
        """What went wrong, in the words of the library: these may quote the other side."""
        return Unreachable(f"`{self.url}` does not answer: {Shown(cause_of(error))}")

    def _connection(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT)
        return http.client.HTTPSConnection(
            self.host, self.port, timeout=TIMEOUT, context=self._context
        )

    @property
    def host_header(self) -> str:
        """The value of `Host` that the connection sends."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = 443 if self.secure else 80
        return host if self.port == usual else f"{host}:{self.port}"

    def call(
        self,
        operation: Operation[In, Out],
        request: In,
        signed: Callable[[bytes], Mapping[str, str]] | None = None,
    ) -> Out:
        """Make one call of a JSON service; raises Unreachable or Refused.

        `signed` gives the headers for a body, with a signature.
        """
        body = msgspec.json.encode(request)
        headers = json_headers(operation) if signed is None else signed(body)
        answer = self.post(headers, body)
        if answer.status != 200:
            raise _refusal(answer)
        try:
            return msgspec.json.decode(answer.body, type=operation.output, strict=False)
        except msgspec.MsgspecError:
            raise Unreachable(f"`{self.url}` gives an answer that is none of Keystead's") from None


def _parts(url: str) -> SplitResult | None:
    """The parts of a URL that names a host and no path; None for any other text."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        host.encode("idna")  # as the connection writes it
    except ValueError:
        return None
    named = host.isascii() and host.isprintable() and " " not in host
    is_bare = parts.scheme in {"https", "http"} and parts.path in {"", "/"}
    return parts if host and named and is_bare else None


@contextmanager
def in_time(connection: http.client.HTTPConnection) -> Iterator[http.client.HTTPConnection]:
    """A connection, which ends. Whoever sends a byte now and then would keep us for ever.

    The socket is taken now: the connection has none any more while an answer is read that ends with
    it (`Connection: close`).
    """
    try:
        connection.connect()
        end = Timer(_SECONDS, _cut, (connection.sock,))
        end.start()
        try:
            yield connection
        finally:
            end.cancel()
    finally:
        connection.close()


def _cut(sock: socket.socket) -> None:
    """Wait no longer."""
    with suppress(OSError):  # it has just ended
        sock.shutdown(socket.SHUT_RDWR)


def json_headers(operation: Operation[Any, Any]) -> dict[str, str]:
    """The headers by which a server knows the operation."""
    return {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"{operation.service.target_prefix}.{operation.name}",
    }


def trusting(ca_file: str) -> ssl.SSLContext:
    """Whose certificates are believed: those of the system, or of one file; raises Failure."""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError):
        raise Failure(
            f"`{ca_file}` holds no certificates", "name a PEM file with the server's authority"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def is_loopback(host: str) -> bool:
    """Does this host name this very machine?"""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refusal(answer: Answer) -> Exception:
    try:
        error = msgspec.json.decode(answer.body, type=_Error)
    except msgspec.MsgspecError:
        return Unreachable(f"the server answers with status {answer.status}")
    code = error.type_.rpartition("#")[2]
    if code in {"ThrottlingException", "ServiceUnavailable"}:
        return Unreachable(f"the server is busy: {code}")
    return Refused(code, error.message or error.other_message)


def read_text(path: Path, what: str) -> str:
    """The text in a small file that a person named; raises Failure."""
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not a text file"
        raise Failure(
            f"{what} `{path}` cannot be read: {str(why).lower()}", "name another"
        ) from None
