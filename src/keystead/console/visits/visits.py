"""Which facts of a request do the pages use, and through what do they call operations?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from starlette.types import Scope

from keystead.wire.http import HttpRequest, HttpResponse
from keystead.wire.operation import Operation

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a browser, as the listener saw it."""

    request: HttpRequest  # without its body
    local: bool  # did it come from the host itself, with nothing between?  (CO-9)


ReadVisit = Callable[[Scope], Visit]
"""The visit of an ASGI scope; raises ValueError for one that cannot be believed."""


class Calls(Protocol):
    """Calls operations for the person who sent a request."""

    async def call(self, visit: HttpRequest, operation: Operation[In, Out], asked: In) -> Out:
        """The answer of an operation; raises its AwsError."""

    async def pass_on(self, request: HttpRequest) -> HttpResponse:
        """The answer to a program, which has neither a cookie nor a form."""


@dataclass(frozen=True, slots=True)
class Public:
    """The one URL by which browsers reach the pages (CO-4)."""

    url: str  # "https://console.example.com", without a path
    places: tuple[str, ...] = ()  # every URL of the installation, that of the API too
    ways: tuple[tuple[str, str], ...] = ()
    """Providers of the whole installation on the page of sign-in: a label, and where one begins."""

    @property
    def secure(self) -> bool:
        return self.url.startswith("https://")

    @property
    def hosts(self) -> frozenset[str]:
        """The values that a Host header may have."""
        parts = urlsplit(self.url)
        usual = {"https": 443, "http": 80}[parts.scheme]
        name = parts.hostname or ""
        named = f"[{name}]" if ":" in name else name
        port = parts.port or usual
        return frozenset({f"{named}:{port}", *([named] if port == usual else [])})
