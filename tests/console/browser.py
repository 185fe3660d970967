"""A browser without a screen, and the pages of an installation of this process: no socket."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

from keystead.console import Public, application, evenly
from keystead.custody import hierarchy
from keystead.custody.proofs.passwords import Cost, Passwords
from keystead.server.console.inside import Inside
from keystead.server.console.persons import pipeline_for_persons
from keystead.server.console.places import places
from keystead.server.console.visiting import visits
from keystead.server.door.turn import Turn
from keystead.server.installation import Address
from tests.server.installations import Local, open_local, opened

URL = "http://localhost:8421"
SESSION, STEP, NAMES = "__Host-ks", "__Host-ks-signin", "__Host-ks-names"


@dataclass
class Page:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        return unescape(self.body.decode())

    def header(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key == name)

    @property
    def title(self) -> str:
        [title] = re.findall(r"<title>(.*) · Keystead</title>", self.text)
        return str(title)

    @property
    def alert(self) -> str:
        """What the page complains of."""
        alerts = re.findall(r'<p class="alert"[^>]*>(.*?)</p>', self.text, re.DOTALL)
        return str(alerts[0]) if alerts else ""


class Site:
    """The pages of an installation of this process."""

    def __init__(self, local: Local, url: str = URL) -> None:
        self.local = local
        self.loop = asyncio.new_event_loop()
        self.url = url
        self.trusted: list[Any] = []
        self.networks = 0
        self._open()

    def _open(self) -> None:
        installation = self.local.installation

        def failed(error: Exception) -> None:
            raise error

        self.turn = Turn(
            self.loop, installation.commit, failed, lambda: "", gate=installation.lane.gate
        )
        here = places(installation.config, [Address("127.0.0.1", 8420)], self.url)
        persons = pipeline_for_persons(installation, here)
        self.calls = Inside(persons, self.turn, installation.clock.now)
        public = Public(self.url, here.urls)
        self.app = application(self.calls, public, visits(lambda: self.trusted))

    def reopen(self) -> None:
        """Another process serves the same directory."""
        self.local.installation.close()
        events = self.local.events
        self.local.installation = opened(self.local).installation
        record = self.local.installation.trail.record

        def remember(event: Any) -> None:
            events.append(event)
            record(event)

        self.local.installation.trail.record = remember  # type: ignore[method-assign]  # seen, too
        self._open()

    def browser(self, ip: str = "") -> "Browser":
        """A browser, in a network of its own if none is named."""
        self.networks += 1
        return Browser(self, ip or f"10.{self.networks >> 8}.{self.networks & 255}.7")

    def close(self) -> None:
        self.local.installation.close()
        self.loop.close()

    def named(self, name: str) -> list[Any]:
        """The events with this name."""
        return [event for event in self.local.events if event.name == name]


@dataclass
class Browser:
    """Cookies, and an address."""

    site: Site
    ip: str = "127.0.0.1"
    cookies: dict[str, str] = field(default_factory=dict)
    listener: str = "127.0.0.1"
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, method: str, path: str, body: bytes = b"", **headers: str | None) -> Page:
        """A request, and its answer. A header that is None is left out."""
        path, _, query = path.partition("#")[0].partition("?")
        named: dict[str, str | None] = {"host": self.site.url.partition("//")[2], **self.headers}
        if self.cookies:
            named["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method == "POST":
            named["origin"] = self.site.url
            named["content-type"] = "application/x-www-form-urlencoded"
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": self.site.url.partition(":")[0], "path": path, "raw_path": path.encode(),
            "query_string": query.encode(), "root_path": "", "client": (self.ip, 50000),
            "server": (self.listener, 8421),
            "headers": [(k.encode(), v.encode()) for k, v in named.items() if v is not None],
        }  # fmt: skip
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def answer(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.site.app(scope, receive, answer)  # type: ignore[arg-type]  # a plain dict
        start = sent[0]
        page = Page(
            start["status"],
            [(k.decode().lower(), v.decode()) for k, v in start["headers"]],
            b"".join(message.get("body", b"") for message in sent[1:]),
        )
        for name, value in page.headers:
            if name == "set-cookie":
                self._keep(value)
        return page

    def _keep(self, text: str) -> None:
        for name, morsel in SimpleCookie(text).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value

    def get(self, path: str, *, follow: bool = True, **headers: str | None) -> Page:
        return self._run("GET", path, b"", follow, headers)

    def post(
        self,
        path: str,
        fields: Mapping[str, str] | None = None,
        *,
        follow: bool = True,
        headers: Mapping[str, str | None] | None = None,
        **more: str,
    ) -> Page:
        body = urlencode({**(fields or {}), **more}).encode()
        return self._run("POST", path, body, follow, dict(headers or {}))

    def _run(
        self, method: str, path: str, body: bytes, follow: bool, headers: dict[str, Any]
    ) -> Page:
        page = self.site.loop.run_until_complete(self.send(method, path, body, **headers))
        while follow and page.status == 303:
            page = self.site.loop.run_until_complete(self.send("GET", page.header("location")))
        return page

    # what a person does

    def sign_in(self, account: str, user: str, password: str, **more: str) -> Page:
        self.get("/signin")
        fields = {"as": "user", "account": account, "user": user, "password": password, **more}
        return self.post("/signin", fields)

    def sign_in_as_root(self, email: str, password: str) -> Page:
        self.get("/signin?root")
        return self.post("/signin", {"as": "root", "email": email, "password": password})

    def change(self, old: str, new: str, again: str | None = None) -> Page:
        return self.post(
            "/signin/password", old=old, new=new, again=new if again is None else again
        )

    @property
    def is_signed_in(self) -> bool:
        return self.get("/", follow=False).status == 200


@contextmanager
def site(directory: Path, url: str = URL, **settings: Any) -> Iterator[Site]:
    """An installation and its pages, whose refusals do not wait (`console.evenly`)."""
    with (
        patch.object(hierarchy, "Passwords", _cheap_passwords),
        patch.object(evenly, "SECONDS", 0.0),
    ):
        opened_site = Site(open_local(directory, **settings), url)
        try:
            yield opened_site
        finally:
            opened_site.close()


def _cheap_passwords(pepper: bytes) -> Passwords:
    """Hashes of the least cost that is allowed."""
    return Passwords(pepper, Cost(passes=2, memory_kib=19 * 1024, lanes=1))
