"""What a caller sends costs time in proportion to its length, and a stranger's most of all."""

import importlib
import re
import time
from collections.abc import Callable, Iterator

import pytest

from keystead.server.pipeline.routing import route
from keystead.wire.framing import MAX_HEAD, MAX_HEADER, MAX_REQUEST_LINE
from keystead.wire.http import Endpoint, HttpRequest

# The modules that see a request before its signature is verified, or that write it down.
BEFORE_AUTHENTICATION = (
    "keystead.wire.framing",
    "keystead.server.pipeline.routing",
    "keystead.server.door.peers",
    "keystead.wire.forms",
    "keystead.wire.query.query",
    "keystead.wire.sigv4.signature",
    "keystead.wire.presented",
    "keystead.wire.sigv4.parsing",
    "keystead.wire.query.xml",
    "keystead.audit.records.jsontext",
)

# And those that look for something in policies, which another account's users may write.
AFTER = ("keystead.policy.reasons.cross_account", "keystead.policy.language.variables")

SMALLEST, ENOUGH, GROWTH = 1_000, 0.01, 3.2  # bytes; CPU seconds; at most, for twice the size
LOOKS = 8  # before a growth is believed

# What a pattern may be led to begin with again and again.
UNITS = (
    "a",
    "A",
    "0",
    "-",
    "%",
    "%2F",
    "%2f",
    "/",
    "&",
    ",",
    ", ",
    " ",
    "\t",
    "=",
    "é",
    ".",
    ":",
    "a/",
    "/a",
    "Credential=",
    "X-Amz-Credential=",
    "&X-Amz-Credential=%2F",
    "&X-Amz-Credential=",
    "Credential=/",
    "/0-",
    "GET /",
    "1.",
    "$",
    "${",
    "[",
    "(",
    "\x7f",
    "\ud7ff",
)
STARTS = ("", "${", "Credential=", "X-Amz-Credential=", "GET /", "AWS4-HMAC-SHA256 x=", "-", "0")


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    for name in (*BEFORE_AUTHENTICATION, *AFTER):
        for variable, value in sorted(vars(importlib.import_module(name)).items()):
            if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                yield f"{name}.{variable}", value


def cpu_seconds(work: Callable[[str], object], text: str) -> float:
    started = time.thread_time()
    work(text)
    return time.thread_time() - started


def grows_too_fast(work: Callable[[str], object], start: str, unit: str, largest: int) -> str:
    """How the time grew when it did so faster than the text; "" otherwise.

    From small to large, so that what is cubic is found before it takes minutes.
    """

    def seconds(size: int) -> float:
        return cpu_seconds(work, (start + unit * (size // len(unit)))[:size])

    before, size = 0.0, SMALLEST
    while size <= largest:
        spent = seconds(size)
        for _ in range(LOOKS):  # others use the machine, too: the least of several counts
            if spent <= ENOUGH or spent <= GROWTH * before:
                break
            spent, before = min(spent, seconds(size)), min(before, seconds(size // 2))
        else:
            return f"{start}{unit}…: {before:.4f} s, and {spent:.4f} s at {size} characters"
        before, size = spent, size * 2
    return ""


def requests_that_route() -> dict[str, tuple[int, Callable[[str], object]]]:
    def routed(query: str = "", **headers: str) -> object:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = HttpRequest("GET", "/", query, named, b"", "127.0.0.1", False, Endpoint())
        return route(request)

    return {
        "authorization": (MAX_HEADER, lambda text: routed(authorization=text)),
        "query": (MAX_REQUEST_LINE, lambda text: routed(text.replace("\ud7ff", ""))),
        "target": (MAX_HEADER, lambda text: routed(x_amz_target=text)),
    }


@pytest.mark.parametrize("name", ["authorization", "query", "target"])
def test_routing_takes_time_linear_in_the_request(name: str) -> None:
    """Which operation it is, is found in time linear in what a stranger wrote."""
    largest, work = requests_that_route()[name]

    found = [grows_too_fast(work, start, unit, largest) for start in STARTS for unit in UNITS]

    assert not list(filter(None, found))


@pytest.mark.parametrize(("name", "pattern"), [*patterns()])
def test_no_pattern_backtracks_without_end(name: str, pattern: re.Pattern[str]) -> None:
    """Every pattern that is tried on what anybody sends takes time linear in the text."""
    for work in (pattern.search, pattern.match):
        found = [grows_too_fast(work, start, unit, MAX_HEAD) for start in STARTS for unit in UNITS]

        assert not list(filter(None, found)), name


def test_the_measure_finds_what_it_looks_for() -> None:
    """A pattern that is quadratic, and one that is cubic, are found out."""
    square = re.compile(r"Credential=[^/,\s]*/[^/,\s]*/[^/,\s]*/([a-z0-9-]{1,64})/")
    cube = re.compile(r"(?:\A|&)X-Amz-Credential=[^&]*?%2F[^&]*?%2F[^&]*?%2F([a-z0-9-]+)%2F")

    assert grows_too_fast(square.search, "", "Credential=", MAX_HEAD)
    assert grows_too_fast(cube.search, "X-Amz-Credential=", "%2F", MAX_REQUEST_LINE)
