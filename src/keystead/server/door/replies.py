"""How is an answer written as bytes?  Also the few answers outside of AWS's protocols.

Those are plain text: the bytes that they answer were never understood as a request to a service.
"""

from functools import lru_cache
from http import HTTPStatus

from keystead.server.pipeline import TEXT, Answer
from keystead.wire.http import HttpResponse


def text(status: int, message: str) -> HttpResponse:
    """A plain answer."""
    return HttpResponse(status, TEXT, f"{message}\n".encode())


def _plain_unavailable() -> HttpResponse:
    return text(503, "service unavailable")


def plain(status: int, message: str) -> Answer:
    """A plain answer to bytes that are not a request of an AWS protocol."""
    return Answer(text(status, message), _plain_unavailable)


def always(status: int, message: str) -> Answer:
    """A plain answer that needs no turn: it is the same even if a turn cannot be made durable."""
    response = text(status, message)
    return Answer(response, lambda: response)


CONTINUE = Answer(HttpResponse(100, (), b""), _plain_unavailable)

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus
}
_OK = HTTPStatus.OK.value
Headers = tuple[tuple[str, str], ...]


def render(response: HttpResponse, date: str, *, last: bool) -> bytes:
    """The bytes of a response."""
    status = response.status
    start = _STATUS_LINES[status]
    if status < _OK:
        return f"{start}\r\n".encode()
    headers = response.headers
    name, value = headers[0]
    # The headers after the request id are the same in every success of a protocol.
    lines = (_alike if status == _OK else _lines)(headers[1:])
    close = "Connection: close\r\n" if last else ""
    length = len(response.body)
    head = (
        f"{start}Date: {date}\r\nContent-Length: {length}\r\n{name}: {value}\r\n{lines}{close}\r\n"
    )
    return head.encode() + response.body


def _lines(headers: Headers) -> str:
    return "".join([f"{name}: {value}\r\n" for name, value in headers])


_alike = lru_cache(maxsize=64)(_lines)
