"""Ambiguous framing is refused before anything reads it; its allowed twin is not (HF-1 to HF-3)."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keystead.wire.framing import (
    MAX_HEADER,
    MAX_HEADERS,
    MAX_REQUEST_LINE,
    BadFraming,
    Head,
    HeadReader,
    read_head,
)
from tests.server.conftest import RunningDoor, statuses

BODY = b"12345"


def request(line: bytes = b"POST / HTTP/1.1", *headers: bytes, body: bytes = BODY) -> bytes:
    """A request with these headers after its Host and Content-Length."""
    lines = (line, b"Host: h", b"Content-Length: %d" % len(body), *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def bare(*lines: bytes, body: bytes = b"") -> bytes:
    """A request with these lines only."""
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


POST = b"POST / HTTP/1.1"
GET = b"GET / HTTP/1.1"
HOST = b"Host: h"
LONG = b"a" * (MAX_HEADER - 4)
SINGLE = (
    b"Authorization", b"X-Amz-Target", b"X-Amz-Date", b"X-Amz-Security-Token",
    b"X-Amz-Content-Sha256", b"Content-Type", b"Cookie",
)  # fmt: skip

# name: (refused, its allowed twin)
PAIRS: dict[str, tuple[bytes, bytes]] = {
    "content length and transfer encoding": (
        request(POST, b"Transfer-Encoding: chunked"), request(POST, b"X-Encoding: chunked")
    ),
    "transfer encoding alone": (
        bare(POST, HOST, b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), bare(POST, HOST)
    ),
    "transfer encoding identity": (
        bare(POST, HOST, b"Transfer-Encoding: identity"), bare(POST, HOST)
    ),
    "two content lengths": (
        bare(POST, HOST, b"Content-Length: 5", b"Content-Length: 5", body=BODY), request()
    ),
    "two content lengths in one": (
        bare(POST, HOST, b"Content-Length: 5, 5", body=BODY), request()
    ),
    "content length with a sign": (bare(POST, HOST, b"Content-Length: +5", body=BODY), request()),
    "content length in hexadecimal": (
        bare(POST, HOST, b"Content-Length: 0x5", body=BODY), request()
    ),
    "content length in other digits": (
        bare(POST, HOST, "Content-Length: \u0665".encode(), body=BODY), request()
    ),
    "content length of ten digits": (bare(POST, HOST, b"Content-Length: 0000000005", body=BODY),
        bare(POST, HOST, b"Content-Length: 000000005", body=BODY)),
    "empty content length": (bare(POST, HOST, b"Content-Length:", body=BODY), request()),
    "two hosts": (request(POST, b"Host: other"), request(POST, b"X-Host: other")),
    "no host": (bare(GET), bare(GET, HOST)),
    "empty host": (bare(GET, b"Host: "), bare(GET, HOST)),
    "no host in the other spelling": (bare(GET, b"H_ost: h"), bare(GET, b"hOsT: h")),
    "absolute target": (request(b"POST http://h/ HTTP/1.1"), request(b"POST /http://h/ HTTP/1.1")),
    "authority target": (request(b"CONNECT h:443 HTTP/1.1"), request(b"CONNECT / HTTP/1.1")),
    "asterisk target": (request(b"OPTIONS * HTTP/1.1"), request(b"OPTIONS / HTTP/1.1")),
    "fragment in the target": (request(b"POST /a#b HTTP/1.1"), request(b"POST /a%23b HTTP/1.1")),
    "space in the target": (request(b"POST /a b HTTP/1.1"), request(b"POST /a%20b HTTP/1.1")),
    "letters beyond ASCII in the target": (
        request("POST /ä HTTP/1.1".encode()), request(b"POST /%C3%A4 HTTP/1.1")
    ),
    "two spaces in the request line": (request(b"POST  / HTTP/1.1"), request()),
    "tab in the request line": (request(b"POST\t/ HTTP/1.1"), request()),
    "trailing space in the request line": (request(b"POST / HTTP/1.1 "), request()),
    "no version": (request(b"POST /"), request()),
    "version 2": (request(b"POST / HTTP/2.0"), request()),
    "version 1.2": (request(b"POST / HTTP/1.2"), request()),
    "small version": (request(b"POST / http/1.1"), request()),
    "small method": (request(b"post / HTTP/1.1"), request()),
    "method with a sign": (request(b"M-SEARCH / HTTP/1.1"), request(b"MSEARCH / HTTP/1.1")),
    "empty line before": (b"\r\n" + request(), request()),
    "folded header": (request(POST, b"X-A: 1", b" folded"), request(POST, b"X-A: 1 folded")),
    "folded by a tab": (request(POST, b"X-A: 1", b"\tfolded"), request(POST, b"X-A: 1\tfolded")),
    "space before the colon": (request(POST, b"X-A : 1"), request(POST, b"X-A: 1")),
    "tab before the colon": (request(POST, b"X-A\t: 1"), request(POST, b"X-A:\t1")),
    "space before the name": (bare(GET, HOST, b" X-A: 1"), bare(GET, HOST, b"X-A: 1")),
    "no colon": (request(POST, b"X-A"), request(POST, b"X-A:")),
    "no name": (request(POST, b": 1"), request(POST, b"X: 1")),
    "letters beyond ASCII in a name": (
        request(POST, "X-Ä: 1".encode()), request(POST, "X-A: Ä".encode())
    ),
    "Kelvin sign for a k": (request(POST, "Coo\u212aie: 1".encode()), request(POST, b"Cookie: 1")),
    "not UTF-8": (request(POST, b"X-A: \xff"), request(POST, "X-A: ÿ".encode())),
    "NUL in a value": (request(POST, b"X-A: a\x00b"), request(POST, b"X-A: ab")),
    "escape in a value": (request(POST, b"X-A: a\x1bb"), request(POST, b"X-A: ab")),
    "delete in a value": (request(POST, b"X-A: a\x7fb"), request(POST, b"X-A: ab")),
    "C1 control in a value": (request(POST, "X-A: a\x85b".encode()), request(POST, b"X-A: ab")),
    "vertical tab in a value": (request(POST, b"X-A: a\x0bb"), request(POST, b"X-A: a\tb")),
    "bare LF in a value": (request(POST, b"X-A: 1\nX-B: 2"), request(POST, b"X-A: 1", b"X-B: 2")),
    "bare CR in a value": (request(POST, b"X-A: 1\rX-B: 2"), request(POST, b"X-A: 1", b"X-B: 2")),
    "bare LF line ends": (request().replace(b"\r\n", b"\n") + b"\r\n\r\n", request()),
    "too many headers": (
        request(POST, *(b"X-%d: 1" % i for i in range(MAX_HEADERS - 1))),
        request(POST, *(b"X-%d: 1" % i for i in range(MAX_HEADERS - 2))),
    ),
    "a header too long": (request(POST, b"X-A:a" + LONG), request(POST, b"X-A:" + LONG)),
    "headers too long together": (
        request(POST, *(b"X%d:" % i + LONG[:-10] for i in range(5))),
        request(POST, *(b"X%d:" % i + LONG[:-10] for i in range(3))),
    ),
    "request line too long": (
        request(b"POST /" + b"a" * (MAX_REQUEST_LINE - 14) + b" HTTP/1.1"),
        request(b"POST /" + b"a" * (MAX_REQUEST_LINE - 15) + b" HTTP/1.1"),
    ),
    "unknown expectation": (
        request(POST, b"Expect: magic"), request(POST, b"Expect: 100-continue")
    ),
    **{
        f"two of {name.decode()}": (
            request(POST, name + b": 1", name.lower() + b": 1"), request(POST, name + b": 1")
        )
        for name in SINGLE
    },
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_refused_and_its_twin(door: RunningDoor, name: str) -> None:
    """The one is answered with 400 and nothing after it is read; the other reaches the service."""
    refused, allowed = PAIRS[name]

    assert statuses(door.exchange(refused + request())) == [400]
    assert door.application.requests == []
    assert statuses(door.exchange(allowed)) in ([200], [100, 200])
    assert len(door.application.requests) == 1


def test_names_are_lower_case_and_repeats_are_joined() -> None:
    """What decides nothing may be repeated, and is joined in its order."""
    head = read_head(b"GET /p?a=b&c HTTP/1.1\r\nHOST: h\r\nX-A: 1\r\nx-b:2\r\nX-a:  3 \t")

    assert head.headers == {"host": "h", "x-a": "1,3", "x-b": "2"}
    assert (head.method, head.path, head.query) == ("GET", "/p", "a=b&c")


def test_underscore_names_are_dropped() -> None:
    """A proxy may turn `X_Amz_Date` into `X-Amz-Date`: a name with `_` never gets in."""
    head = read_head(b"GET / HTTP/1.1\r\nHost: h\r\nX_Amz_Date: 1\r\nContent_Length: 9")

    assert head.headers == {"host": "h"}
    assert head.length == 0


@pytest.mark.parametrize(
    ("line", "header", "kept"),
    [
        (b"GET / HTTP/1.1", b"X: 1", True),
        (b"GET / HTTP/1.1", b"Connection: close", False),
        (b"GET / HTTP/1.1", b"Connection: TE, Close", False),
        (b"GET / HTTP/1.0", b"X: 1", False),
        (b"GET / HTTP/1.0", b"Connection: Keep-Alive", True),
    ],
)
def test_keep_alive(line: bytes, header: bytes, kept: bool) -> None:
    """HTTP/1.1 stays open unless told otherwise, HTTP/1.0 the other way round."""
    assert read_head(b"\r\n".join((line, b"Host: h", header))).keep_alive is kept


def test_old_clients_need_no_host() -> None:
    """HTTP/1.0 knows no Host; a health check may speak it."""
    assert read_head(b"GET /healthz HTTP/1.0").headers == {}
    with pytest.raises(BadFraming):
        read_head(b"GET /healthz HTTP/1.1")


@given(st.one_of(st.binary(max_size=400), st.text(max_size=400).map(str.encode)))
@example(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1")
def test_anything_is_read_or_refused(noise: bytes) -> None:
    """Whatever comes is one head or BadFraming; nothing else ever rises."""
    for head in (noise, b"POST / HTTP/1.1\r\nHost: a\r\n" + noise):
        try:
            read = read_head(head)
        except BadFraming:
            continue
        assert read.headers.get("host") or b"HTTP/1.0" in head
        assert all(name == name.lower() and "_" not in name for name in read.headers)
        assert 0 <= read.length <= 999_999_999


# Heads like those of one connection: mostly the same lines, some with other values, some strange.
LINES = st.sampled_from(
    [
        b"Host: h",
        b"Host: other",
        b"Host:",
        b"Content-Length: 0",
        b"Content-Length: 12",
        b"Content-Length: -1",
        b"content-length: 7",
        b"Content_Length: 9",
        b"X-Amz-Date: 1",
        b"X-Amz-Date: 2 ",
        b"X-Amz-Date:\t3",
        b"x-amz-date: 4",
        b"X-A: 1",
        b"X-A: \xc3\xa9",
        b"X-A: \xff",
        b"X-A: \x7f",
        b"X-A: a\rb",
        b"X-A : 1",
        b" X-A: 1",
        b"Connection: close",
        b"Connection: keep-alive",
        b"Expect: 100-continue",
        b"Expect: tea",
        b"Transfer-Encoding: chunked",
        b"X-Long: " + b"a" * 5000,
        b"X-Long: " + b"b" * (MAX_HEADER + 1),
    ]
)
HEADS = st.builds(
    lambda start, lines: b"\r\n".join((start, *lines)),
    st.sampled_from([b"POST / HTTP/1.1", b"GET /?a=b HTTP/1.1", b"POST / HTTP/1.0", b"POST /"]),
    st.lists(LINES, max_size=5),
)


def read(reader: HeadReader, raw: bytes) -> Head | None:
    """What a reader makes of the bytes; None when it refuses them."""
    try:
        return reader.read(raw)
    except BadFraming:
        return None


@given(st.lists(HEADS, min_size=1, max_size=8))
@example([b"POST / HTTP/1.1\r\nHost: h\r\nX-A: 1", b"POST / HTTP/1.1\r\nHost: h\r\nX-A: 2"] * 2)
@example([b"POST / HTTP/1.1\r\nHost: h\r\nX-A: 1", b"POST / HTTP/1.1\r\nHost: i\r\nX-A: 1"])
@example([b"POST / HTTP/1.1\r\nHost: h\r\nX-A:\ta%d\t" % number for number in range(4)])
def test_a_head_reads_the_same_whatever_was_read_before_it(heads: list[bytes]) -> None:
    """What a connection remembers of the head before saves time and changes nothing."""
    reader = HeadReader()

    for raw in heads:
        assert read(reader, raw) == read(HeadReader(), raw)


@given(HEADS, st.lists(st.tuples(st.integers(0, 5), LINES), max_size=6))
def test_a_head_in_which_lines_change_reads_the_same(
    first: bytes, changes: list[tuple[int, bytes]]
) -> None:
    """The same, for one head in which one line after the other changes."""
    reader = HeadReader()
    read(reader, first)
    lines = first.split(b"\r\n")

    for place, line in changes:
        if place and place < len(lines):
            lines[place] = line
        raw = b"\r\n".join(lines)
        try:
            expected = read_head(raw)
        except BadFraming:
            expected = None
        assert read(reader, raw) == expected
