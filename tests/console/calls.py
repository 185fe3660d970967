"""Calls of a person who has signed in, as a page makes them."""

from typing import Any

from keystead.audit.records.event import CONSOLE
from keystead.wire.http import Endpoint, HttpRequest
from keystead.wire.operation import Operation
from tests.console.browser import SESSION, Browser


def as_person(browser: Browser, operation: Operation[Any, Any], asked: Any) -> Any:
    """The answer of an operation, for the person of this browser; raises its AwsError."""
    headers = {
        "host": "localhost:8421",
        "user-agent": "test",
        "cookie": f"{SESSION}={browser.cookies.get(SESSION, '')}",
    }
    visit = HttpRequest("POST", "/", "", headers, b"", browser.ip, False, Endpoint(CONSOLE))
    return browser.site.loop.run_until_complete(browser.site.calls.call(visit, operation, asked))
