"""Are these bytes one unambiguous HTTP/1.1 request?  (threat-model HF-1 to HF-3 and section 6)

The bytes up to the first empty line become a Head or are refused. Nothing else in Keystead ever
sees a byte of a refused head. Two readers of the same bytes must not be able to disagree about
the end or the meaning of a request. So everything that RFC 9112 lets a recipient repair is refused
here:

 (1) bytes: UTF-8; no NUL or control character; no CR or LF but the pair that ends a line
 (2) request line: one method, one origin-form target, HTTP/1.0 or HTTP/1.1, single spaces
 (3) header lines: `token ":" value`, no folding, at most 100, each and together bounded
 (4) names are lower-cased; a name with `_` is dropped, because a proxy may read it as `-`
 (5) no Transfer-Encoding; Content-Length is `[0-9]{1,9}`
 (6) a header that decides something occurs once; other repeated headers are joined in order
 (7) HTTP/1.1 names its Host, once and not empty

We do not use a parser such as llhttp. When these rules are checked, it only has the colon left to
find, and saves nothing. It also accepts a few things that we would have to refuse again ("GET  /"
with two blanks, "GET /" without a version).
"""

import re

import msgspec

MAX_REQUEST_LINE = 8 * 1024
MAX_HEADER = 16 * 1024
MAX_HEADERS = 100
MAX_HEADER_BYTES = 64 * 1024
MAX_HEAD = MAX_REQUEST_LINE + MAX_HEADER_BYTES
MAX_REMEMBERED = 4 * 1024  # bytes of a head, for each connection

END_OF_HEAD = b"\r\n\r\n"

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_REQUEST_LINE = re.compile(r"\A([A-Z]{1,16}) (/[!-\"$-~]*) HTTP/1\.([01])\Z")
_TOKEN = re.compile(r"\A[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_LENGTH = re.compile(r"\A[0-9]{1,9}\Z")

# The headers that may occur only once: all that frame, route or authenticate a request.
SINGLE = frozenset(
    {
        "authorization",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "transfer-encoding",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-target",
    }
)

# If one of these headers changes, a head is not read like the one before it. The length may change.
_FRAMING = frozenset({"connection", "expect", "host", "transfer-encoding"})

# The spellings that clients use, so that most names need no check and no copy. A fixed table:
# nothing that a stranger sends is ever kept.
_SPELLINGS = {
    spelling: name
    for name in sorted(
        SINGLE
        | {
            "accept",
            "accept-encoding",
            "amz-sdk-invocation-id",
            "amz-sdk-request",
            "connection",
            "date",
            "expect",
            "user-agent",
            "x-amz-user-agent",
            "x-amzn-trace-id",
        }
    )
    for spelling in (name, name.title(), name.upper())
}


class BadFraming(Exception):
    """The bytes are not one unambiguous request. The answer is 400, and the connection ends."""


class Head(msgspec.Struct, frozen=True, gc=False):
    """A request up to its body."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    length: int  # of the body
    keep_alive: bool
    expects_continue: bool


def read_head(head: bytes) -> Head:
    """The Head in the bytes before the first empty line; raises BadFraming.

    The numbers are those of the module's docstring.
    """
    if len(head) > MAX_HEAD:
        raise BadFraming("the headers are too long")
    lines = _lines(head)  # (1)
    if len(head) > MAX_REQUEST_LINE:  # else nothing in it can be too long
        _require_bounded(lines)
    request_line = _REQUEST_LINE.match(lines[0])  # (2)
    if request_line is None:
        raise BadFraming("the request line is not `METHOD /path HTTP/1.1`")
    method, target, minor = request_line.groups()
    headers = _headers(lines)
    path, _, query = target.partition("?")
    connection = headers.get("connection")
    return Head(
        method=method,
        path=path,
        query=query,
        headers=headers,
        length=_length(headers),
        keep_alive=_keep_alive(minor, connection, headers),
        expects_continue=_expects_continue(minor, headers.get("expect")),
    )


class HeadReader:
    """Reads the heads of one connection, each as `read_head` does.

    A client sends nearly the same head every time: only a few values change, and keep their length.
    If the bytes around them are those of the head before, only the values are read.
    """

    __slots__ = ("_before", "_form")

    def __init__(self) -> None:
        self._before: tuple[Head, bytes] | None = None
        self._form: _Form | None = None  # the common form of the last two heads

    def read(self, raw: bytes) -> Head:
        """The Head in the bytes before the first empty line; raises BadFraming."""
        form = self._form
        if form is not None:
            head = form.read(raw)
            if head is not None:
                return head
        head, before = read_head(raw), self._before
        self._form = None if before is None else _form(*before, raw)
        self._before = (head, raw) if len(raw) <= MAX_REMEMBERED else None
        return head


class _Form(msgspec.Struct, frozen=True):
    """Heads that differ in the values of some headers, and in nothing else."""

    head: Head  # the first of them
    length: int  # of each head, in bytes
    constant: tuple[tuple[int, bytes], ...]  # a position, and the bytes from there on
    values: tuple[
        tuple[str, str, int, int], ...
    ]  # name, start of the value, from and to of the rest
    measured: bool  # is the length of the body one of the values?

    def read(self, raw: bytes) -> Head | None:
        """The Head in the bytes, if they have this form."""
        if len(raw) != self.length or not raw.isascii():
            return None
        for start, there in self.constant:
            if not raw.startswith(there, start):
                return None
        head, text = self.head, raw.decode("ascii")
        headers = head.headers.copy()
        for name, begun, start, end in self.values:
            rest = text[start:end]
            if not rest.isprintable():
                return None
            headers[name] = (begun + rest).strip(" \t")
        return Head(
            head.method,
            head.path,
            head.query,
            headers,
            _length(headers) if self.measured else head.length,
            head.keep_alive,
            head.expects_continue,
        )


def _form(head: Head, before: bytes, raw: bytes) -> _Form | None:
    """The common form of the head before and the head in `raw`; None when they differ too much."""
    lines, others = before.split(b"\r\n"), raw.split(b"\r\n")
    if lines[0] != others[0] or [*map(len, lines)] != [*map(len, others)]:
        return None
    if len(lines) != len(head.headers) + 1:  # some header was repeated or dropped
        return None
    constant, values = [], []
    known = at = 0  # the end of the known bytes; the start of the line
    for line, other in zip(lines, others, strict=True):
        if line != other:
            colon = line.find(b":") + 1
            name = line[: colon - 1].decode("ascii").lower()
            same = next(i for i, (a, b) in enumerate(zip(line, other, strict=True)) if a != b)
            if same < colon or name in _FRAMING or not line.isascii():
                return None
            constant.append((known, before[known : at + same]))
            known = at + len(line)
            values.append((name, line[colon:same].decode("ascii"), at + same, known))
        at += len(line) + 2
    constant.append((known, before[known:]))
    measured = any(name == "content-length" for name, *_ in values)
    return _Form(head, len(before), tuple(constant), tuple(values), measured)


def _lines(head: bytes) -> list[str]:
    """The lines of the head, without any character that a line may not have. (1)"""
    try:
        lines = head.decode().split("\r\n")
    except UnicodeDecodeError:
        raise BadFraming("the head is not UTF-8") from None
    text = "".join(lines)
    # `isprintable` is a fast answer for nearly every request. With a tab or a rare letter in a
    # value it says no, and the slower pattern decides.
    if not text.isprintable() and _CONTROL.search(text):
        raise BadFraming("a control character, or CR or LF apart")
    return lines


def _require_bounded(lines: list[str]) -> None:
    """Is the request line, each header and their sum within section 6?  (2), (3)"""
    sizes = [len(line.encode()) for line in lines]
    if sizes[0] > MAX_REQUEST_LINE:
        raise BadFraming("the request line is too long")
    if max(sizes[1:], default=0) > MAX_HEADER or sum(sizes[1:]) > MAX_HEADER_BYTES:
        raise BadFraming("the headers are too long")


def _headers(lines: list[str]) -> dict[str, str]:
    """The headers by lower-case name. (3), (4), (6)"""
    if len(lines) > MAX_HEADERS + 1:
        raise BadFraming("too many headers")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        spelling, colon, value = line.partition(":")
        name = _SPELLINGS.get(spelling)
        if name is None:
            # A folded line starts with white space. White space before the colon is part of the
            # name. Neither name is a token.
            if not colon or _TOKEN.match(spelling) is None:
                raise BadFraming("a line is not `name: value`")
            if "_" in spelling:
                continue
            name = spelling.lower()
        value = value.strip(" \t")
        if name in headers:
            if name in SINGLE:
                raise BadFraming(f"`{name}` occurs more than once")
            value = f"{headers[name]},{value}"
        headers[name] = value
    return headers


def _length(headers: dict[str, str]) -> int:
    """How long is the body?  (5)"""
    if "transfer-encoding" in headers:
        raise BadFraming("Transfer-Encoding is not accepted")
    length = headers.get("content-length")
    if length is None:
        return 0
    if _LENGTH.match(length) is None:
        raise BadFraming("Content-Length is not a number of bytes")
    return int(length)


def _keep_alive(minor: str, connection: str | None, headers: dict[str, str]) -> bool:
    """May another request follow on this connection?  (7)"""
    if minor == "1":
        if not headers.get("host"):
            raise BadFraming("Host is missing or empty")
        return connection is None or "close" not in _options(connection)
    return connection is not None and "keep-alive" in _options(connection)


def _options(connection: str) -> list[str]:
    return [option.strip(" \t").lower() for option in connection.split(",")]


def _expects_continue(minor: str, expect: str | None) -> bool:
    """Does the client wait for "100 Continue" before it sends the body?  (RFC 9110, 10.1.1)"""
    if expect is None or minor == "0":
        return False
    if expect.lower() != "100-continue":
        raise BadFraming("Expect asks for something unknown")
    return True
