"""The pages in Debian's Chromium: flows without JavaScript, accessibility, and how they look.

`SCREENSHOTS=DIR` keeps a picture of each page, light and dark, wide and narrow.
"""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from keystead.custody.one_time_codes import codes_of
from tests.conftest import Server, free_port

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
PASSWORD, NEXT = "canary-Start-1", "canary-Other-2"
SERIOUS = {"serious", "critical"}
PATIENCE = 60_000  # milliseconds, which only a defect takes


@dataclass
class Console:
    """A running server with pages, and its browser."""

    server: Server
    url: str
    browser: Any
    axe: str
    complaints: list[str] = field(default_factory=list)

    def iam(self, call: str, **members: Any) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self.server.client("iam"), call)(**members)
        return answer

    @contextmanager
    def tab(self, *, script: bool = True, dark: bool = False, **more: Any) -> Iterator[Any]:
        """A page in a browser profile of its own."""
        context = self.browser.new_context(
            java_script_enabled=script, color_scheme="dark" if dark else "light", **more
        )
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("console", self._hear)
        try:
            yield page
        finally:
            context.close()

    def _hear(self, message: Any) -> None:
        expected = "Failed to load resource: the server responded with a status of 4"
        if message.type in {"error", "warning"} and not message.text.startswith(expected):
            self.complaints.append(message.text)

    @property
    def account(self) -> str:
        return str(self.server.client("sts").get_caller_identity()["Account"])


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("chromium")
    here = Path(__file__).parent / "js"
    for name in (".npmrc", "package.json", "package-lock.json"):
        shutil.copy(here / name, folder)
    subprocess.run(["npm", "ci", "--silent"], cwd=folder, check=True, timeout=240)
    axe = (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()
    server, port = Server(folder / "data", free_port()), free_port()
    server.start("--console", f"localhost:{port}")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield Console(server, f"http://localhost:{port}", browser, axe)
        browser.close()
    server.stop()


def sign_in(console: Console, page: Any, user: str, password: str = PASSWORD) -> None:
    page.goto(f"{console.url}/signin")
    page.fill("#account", console.account)
    page.fill("#user", user)
    page.fill("#password", password)
    page.click("button.primary")


def user(console: Console, name: str, **more: Any) -> None:
    console.iam("create_user", UserName=name)
    console.iam("create_login_profile", UserName=name, Password=PASSWORD, **more)
    console.iam(
        "attach_user_policy", UserName=name,
        PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess",
    )  # fmt: skip


def device(console: Console, name: str) -> None:
    """An enabled device of a user."""
    made = console.iam("create_virtual_mfa_device", VirtualMFADeviceName=name)["VirtualMFADevice"]
    now = int(time.time()) // 30
    first, second = codes_of(base64.b32decode(made["Base32StringSeed"]), [now - 1, now])
    console.iam(
        "enable_mfa_device", UserName=name, SerialNumber=made["SerialNumber"],
        AuthenticationCode1=first.decode(), AuthenticationCode2=second.decode(),
    )  # fmt: skip


def test_root_comes_in_without_a_script(console: Console) -> None:
    """From the first start's password to a session, and out again; Back shows nothing of it."""
    password = (console.server.data / "root-password.txt").read_text().strip()
    with console.tab(script=False) as page:
        page.goto(console.url)
        page.click("text=Root user")
        page.fill("#email", "root@localhost")
        page.fill("#password", password)
        page.click("button.primary")
        assert page.title() == "Choose a new password · Keystead"
        page.fill("#old", password)
        page.fill("#new", NEXT)
        page.fill("#again", NEXT)
        page.click("button.primary")
        assert page.title() == "Your session · Keystead"
        page.click("text=Sign out")
        assert page.title() == "Signed out · Keystead"
        page.go_back()
        assert page.title() != "Your session · Keystead"
        page.goto(console.url)
        assert page.title() == "Sign in · Keystead"
    assert not console.complaints


def test_two_tabs_of_one_browser(console: Console) -> None:
    """A form that was open before the sign-in in another works; a sign-out is for both."""
    user(console, "tabs")
    with console.tab() as first:
        second = first.context.new_page()
        second.goto(f"{console.url}/signin")
        sign_in(console, first, "tabs")
        assert first.title() == "Your session · Keystead"
        second.fill("#account", console.account)
        second.fill("#user", "tabs")
        second.fill("#password", PASSWORD)
        second.click("button.primary")
        assert second.title() == "Your session · Keystead"
        first.reload()
        assert first.title() == "Your session · Keystead"
        second.click("text=Sign out")
        first.reload()
        assert first.title() == "Sign in · Keystead"
    assert not console.complaints


def test_every_page_is_accessible_and_holds_together(console: Console) -> None:
    """axe finds nothing serious, light and dark, at 100 % and 200 %; no page scrolls sideways."""
    user(console, "looks")
    user(console, "resets", PasswordResetRequired=True)
    user(console, "factor")
    device(console, "factor")
    console.iam("create_user", UserName="n" * 64)
    console.iam("create_login_profile", UserName="n" * 64, Password=PASSWORD)
    for dark in (False, True):
        with console.tab(dark=dark) as page:
            _walk(console, page, "dark" if dark else "light")
    assert not console.complaints


def _walk(console: Console, page: Any, theme: str) -> None:
    look = Look(console, page, theme)
    page.goto(f"{console.url}/signin")
    look("sign-in")
    page.goto(f"{console.url}/signin?root")
    look("sign-in-root")
    for _ in range(4):
        sign_in(console, page, f"nobody-{theme}", "wrong")
    look("sign-in-refused")
    sign_in(console, page, "resets")
    look("new-password")
    sign_in(console, page, "factor")
    look("second-factor")
    page.fill("#code", "000000")
    page.click("button.primary")
    look("second-factor-refused")
    sign_in(console, page, "n" * 64)
    look("session-long-name")
    page.goto(f"{console.url}/security")
    look("credentials-denied")
    page.click("text=Sign out")
    look("signed-out")
    sign_in(console, page, "looks")
    look("session")
    page.goto(f"{console.url}/security")
    look("credentials")
    page.click("text=Create access key")
    look("new-key", secret=True)
    page.click("text=Done")
    page.click("text=Deactivate")
    look("credentials-inactive-key")
    [key] = console.iam("list_access_keys", UserName="looks")["AccessKeyMetadata"]
    console.iam("delete_access_key", UserName="looks", AccessKeyId=key["AccessKeyId"])
    page.click("text=Add an authenticator app")
    look("new-device", secret=True)
    page.goto(f"{console.url}/no-such-page")
    look("missing")
    page.goto(f"{console.url}/changed?device")
    look("changed")


@dataclass
class Look:
    """Looks at one page after the other."""

    console: Console
    page: Any
    theme: str

    def __call__(self, name: str, *, secret: bool = False) -> None:
        """`secret`: no picture of it is kept."""
        page = self.page
        page.evaluate(self.console.axe)
        found = page.evaluate("axe.run()")
        bad = [each for each in found["violations"] if each["impact"] in SERIOUS]
        assert not bad, f"{name} {self.theme}: {json.dumps(bad)[:2000]}"
        for width, height, place in (
            (1440, 900, "wide"),
            (720, 450, "zoomed"),
            (390, 844, "narrow"),
        ):
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                name,
                place,
            )
            folder = os.environ.get("SCREENSHOTS")
            if folder and not secret:
                page.screenshot(path=f"{folder}/{name}-{self.theme}-{place}.png", full_page=True)
