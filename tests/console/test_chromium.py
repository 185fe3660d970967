"""The pages of a running server in Debian's Chromium: flows, also without JavaScript or a mouse."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode
from urllib.request import urlopen

import pytest
from playwright import sync_api as playwright

from keystead.custody.proofs.one_time_codes import codes_of
from tests import npm
from tests.components import CHROMIUM, needs_chromium
from tests.conftest import Server, free_port

pytestmark = needs_chromium("the pages in a browser were")

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
PASSWORD, NEXT = "canary-Start-1", "canary-Other-2"
PATIENCE = 60_000  # milliseconds, which only a defect takes


@dataclass
class Console:
    """A running server with pages, and its browser."""

    server: Server
    url: str
    browser: Any
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


def axe(folder: Path) -> str:
    """The source of axe, fetched into a folder."""
    npm.fetch(Path(__file__).parent / "js", folder)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("chromium")
    server, port = Server(folder / "data", free_port()), free_port()
    server.start("--console", f"localhost:{port}")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield Console(server, f"http://localhost:{port}", browser)
        browser.close()
    server.stop()


def sign_in(console: Console, page: Any, user: str, password: str = PASSWORD) -> None:
    page.goto(f"{console.url}/signin")
    page.fill("#account", console.account)
    page.fill("#user", user)
    page.fill("#password", password)
    page.click("button.primary")


def titled(page: Any, title: str) -> None:
    """This page comes, when the browser has it."""
    playwright.expect(page).to_have_title(f"{title} · Keystead", timeout=PATIENCE)


def shown(page: Any, selector: str, text: str) -> None:
    """This element comes to have this text."""
    playwright.expect(page.locator(selector)).to_have_text(text, timeout=PATIENCE)


def at(page: Any, label: str) -> None:
    """The focus comes to what has this label, and is seen there."""
    playwright.expect(page.get_by_label(label, exact=True)).to_be_focused(timeout=PATIENCE)
    assert page.evaluate(FOCUS) == [label, True]


def user(console: Console, name: str, **more: Any) -> None:
    console.iam("create_user", UserName=name)
    console.iam("create_login_profile", UserName=name, Password=PASSWORD, **more)
    console.iam(
        "attach_user_policy", UserName=name,
        PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess",
    )  # fmt: skip


def device(console: Console, name: str) -> str:
    """An enabled device of a user; the next code of it."""
    made = console.iam("create_virtual_mfa_device", VirtualMFADeviceName=name)["VirtualMFADevice"]
    now = int(time.time()) // 30
    seed = base64.b32decode(made["Base32StringSeed"])
    first, second, third = codes_of(seed, [now - 1, now, now + 1])
    console.iam(
        "enable_mfa_device", UserName=name, SerialNumber=made["SerialNumber"],
        AuthenticationCode1=first.decode(), AuthenticationCode2=second.decode(),
    )  # fmt: skip
    return third.decode()


def test_root_comes_in_without_a_script(console: Console) -> None:
    """From the first start's password to a session, and out again; Back shows nothing of it."""
    password = (console.server.data / "root-password.txt").read_text().strip()
    with console.tab(script=False) as page:
        page.goto(console.url)
        page.click("text=Root user")
        page.fill("#email", "root@localhost")
        page.fill("#password", password)
        page.click("button.primary")
        titled(page, "Choose a new password")
        page.fill("#old", password)
        page.fill("#new", NEXT)
        page.fill("#again", NEXT)
        page.click("button.primary")
        titled(page, "Your session")
        page.click("text=Sign out")
        titled(page, "Signed out")
        page.go_back()
        titled(page, "Sign in")
        page.goto(console.url)
        titled(page, "Sign in")
    assert not console.complaints


def test_two_tabs_of_one_browser(console: Console) -> None:
    """A form that was open before the sign-in in another works; a sign-out is for both."""
    user(console, "tabs")
    with console.tab() as first:
        second = first.context.new_page()
        second.goto(f"{console.url}/signin")
        sign_in(console, first, "tabs")
        titled(first, "Your session")
        second.fill("#account", console.account)
        second.fill("#user", "tabs")
        second.fill("#password", PASSWORD)
        second.click("button.primary")
        titled(second, "Your session")
        first.reload()
        titled(first, "Your session")
        second.click("text=Sign out")
        titled(second, "Signed out")
        first.reload()
        titled(first, "Sign in")
    assert not console.complaints


FOCUS = """() => {
    const at = document.activeElement, style = getComputedStyle(at)
    const label = at.getAttribute("aria-label") || (at.labels && at.labels[0] || at).innerText
    const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
    return [label.trim(), seen && at.matches(":focus-visible")]
}"""


def tabbed(page: Any, until: str) -> list[str]:
    """Press Tab until this has the focus; what had it on the way, each seen to have it."""
    order: list[str] = []
    while not order or order[-1] != until:
        page.keyboard.press("Tab")
        label, seen = page.evaluate(FOCUS)
        assert seen, f"nobody sees that `{label}` has the focus"
        order.append(label)
        assert len(order) < 40, order
    return order


def follow(order: list[str], *labels: str) -> bool:
    """Do these follow each other, whatever else stands between?"""
    left = iter(order)
    return all(label in left for label in labels)


def test_everything_by_keyboard(console: Console) -> None:
    """Sign-in, second factor, credentials and sign-out without a mouse, in the order of reading."""
    user(console, "keyboard")
    code = device(console, "keyboard")
    with console.tab() as page:
        keys = page.keyboard
        page.goto(f"{console.url}/signin")
        at(page, "Account ID or alias")
        keys.type(console.account)
        assert tabbed(page, "IAM user name") == ["IAM user name"]
        keys.type("keyboard")
        assert tabbed(page, "Password") == ["Password"]
        keys.type(PASSWORD)
        remember = "Remember account and user name in this browser"
        assert tabbed(page, "Sign in") == [remember, "Sign in"]
        keys.press("Enter")
        titled(page, "Second factor")
        at(page, "Code of your authenticator app")
        keys.type(code)
        keys.press("Enter")
        page.wait_for_url(f"{console.url}/")
        bar = ("Keystead", "Session", "Security credentials")
        assert follow(tabbed(page, "Security credentials"), *bar)
        keys.press("Enter")
        page.wait_for_url("**/security")
        titled(page, "Security credentials")
        serial = f"arn:aws:iam::{console.account}:mfa/keyboard"
        order = tabbed(page, "Create access key")
        devices = (f"Remove {serial}", "Name of a new authenticator app")
        password = ("Old password", "New password", "New password again", "Change password")
        assert follow(order, *bar, "Sign out", *devices, *password)
        keys.press("Enter")
        page.wait_for_url("**/security/key")
        assert follow(tabbed(page, "Done"), *bar, "Sign out")
        keys.press("Enter")
        page.wait_for_url("**/security")
        assert follow(tabbed(page, "Sign out"), *bar)
        keys.press("Enter")
        page.wait_for_url("**/signed-out")
        assert tabbed(page, "Sign in again") == ["Keystead", "Sign in again"]
    assert not console.complaints


def authenticator(page: Any) -> tuple[Any, str]:
    """A virtual security key in this tab, which is touched at once; its session, and its id."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "usb", "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


def add_passkey(console: Console, page: Any, name: str) -> None:
    page.goto(f"{console.url}/security")
    page.click("text=Add a passkey or security key")
    page.fill("#name", name)
    page.click("text=Add it")


def test_a_passkey_from_its_making_to_its_end(console: Console) -> None:
    """It is made, used, not made twice, and removed; a key without it says so, and a code helps."""
    user(console, "touches")
    with console.tab() as page:
        session, key = authenticator(page)
        sign_in(console, page, "touches")
        titled(page, "Your session")
        add_passkey(console, page, "yubi")
        page.wait_for_url("**/changed?device")
        [known] = console.iam("list_mfa_devices", UserName="touches")["MFADevices"]
        made = known["SerialNumber"]
        device(console, "touches")

        sign_in(console, page, "touches")
        titled(page, "Second factor")
        page.goto(f"{console.url}/signin/step?{urlencode({'device': made})}")
        page.click("text=Use this passkey")
        page.wait_for_url(f"{console.url}/")
        assert "u2f/user/touches/yubi-" in page.inner_text("main")
        add_passkey(console, page, "again")
        page.wait_for_selector("text=This passkey is registered already.")

        session.send("WebAuthn.clearCredentials", {"authenticatorId": key})
        page.click("text=Sign out")
        titled(page, "Signed out")
        sign_in(console, page, "touches")
        shown(page, "h2.name", "yubi")
        page.click("text=Use this passkey")
        page.wait_for_selector("text=Nothing happened? Try again, or use another device.")
        playwright.expect(page.locator("text=Use this passkey")).to_be_enabled(timeout=PATIENCE)
        page.click(".others a:has-text('touches')")
        shown(page, "h2.name", "touches")
        page.wait_for_selector("#code")
        console.iam("deactivate_mfa_device", UserName="touches", SerialNumber=made)
    assert not console.complaints


def test_passkey_pages_without_a_script_say_so(console: Console) -> None:
    """And nothing else needs one."""
    user(console, "scriptless")
    with console.tab(script=False) as page:
        sign_in(console, page, "scriptless")
        page.click("text=Security credentials")
        page.click("text=Add a passkey or security key")
        assert "A passkey needs JavaScript" in page.inner_text("noscript")


def role(console: Console, name: str) -> str:
    """A role for everybody of the account; its ARN."""
    trust = {
        "Effect": "Allow", "Principal": {"AWS": console.account}, "Action": "sts:AssumeRole",
    }  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = console.iam("create_role", RoleName=name, AssumeRolePolicyDocument=document)
    return str(made["Role"]["Arn"])


def test_a_role_in_one_tab_and_the_person_in_another(console: Console) -> None:
    """Each acts as its address says; to go back is for the role's tab."""
    user(console, "switches")
    role(console, "chosen")
    with console.tab() as person:
        sign_in(console, person, "switches")
        titled(person, "Your session")
        acting = person.context.new_page()
        acting.goto(f"{console.url}/switchrole?account={console.account}&roleName=chosen")
        acting.check("#color-red")
        acting.click("button.primary")
        titled(acting, "chosen")
        address = acting.url
        assert "assumed-role/chosen/switches" in acting.inner_text("main")
        person.reload()
        assert "user/switches" in person.inner_text("dl")
        acting.click("text=Back to switches")
        titled(acting, "Your session")
        assert "user/switches" in acting.inner_text("dl")
        acting.goto(address)
        titled(acting, "This role is over")
        acting.click("text=Switch to chosen again")
        titled(acting, "chosen")
        assert acting.url == address
    assert not console.complaints


def test_a_broker_opens_the_pages_for_somebody(console: Console) -> None:
    """With AWS's script over HTTP. The page goes on by itself, but not if somebody is signed in."""
    user(console, "stays")
    sts, arn = console.server.client("sts"), role(console, "by-broker")

    def url() -> str:
        given = sts.assume_role(RoleArn=arn, RoleSessionName="jo")["Credentials"]
        session = json.dumps({
            "sessionId": given["AccessKeyId"], "sessionKey": given["SecretAccessKey"],
            "sessionToken": given["SessionToken"],
        })  # fmt: skip
        asked = f"?Action=getSigninToken&SessionDuration=3600&Session={quote_plus(session)}"
        with urlopen(f"{console.url}/federation{asked}", timeout=60) as answer:  # ours
            token = json.load(answer)["SigninToken"]
        issuer, destination = quote_plus("https://broker.example/"), quote_plus(console.url)
        return (
            f"{console.url}/federation?Action=login&Issuer={issuer}&Destination={destination}"
            f"&SigninToken={token}"
        )

    with console.tab() as page:
        page.goto(url())
        titled(page, "Your session")
        assert "assumed-role/by-broker/jo" in page.inner_text("dl")
        page.click("text=Sign out")
        titled(page, "Signed out")
        assert page.get_attribute("text=Sign in there again", "href") == "https://broker.example/"
        sign_in(console, page, "stays")
        titled(page, "Your session")
        page.goto(url())
        titled(page, "Continue as by-broker/jo?")
        page.click("text=Stay signed in as stays")
        titled(page, "Your session")
        assert "user/stays" in page.inner_text("dl")
    with console.tab(script=False) as page:
        page.goto(url())
        page.click("text=Continue as by-broker/jo >> nth=-1")
        titled(page, "Your session")
    assert not console.complaints
