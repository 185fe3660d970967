"""My security credentials: each change is the person's own call, and its secrets are shown once."""

import asyncio
import base64
import re
from datetime import timedelta
from pathlib import Path

import pytest

from keystead.custody.proofs.one_time_codes import STEP, codes_of, step_at
from tests.console.browser import Browser, Page, Site
from tests.console.people import (
    NEXT,
    PASSWORD,
    account_of,
    given_password,
    minutes,
    signed_in,
    user,
)
from tests.console.test_ending import Device
from tests.console.test_mfa import at_the_code, code_of

GUIDE = Path(__file__).parents[2] / "docs" / "sign-in.md"
ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


def somebody(site: Site, name: str) -> Browser:
    """A user who may do everything, signed in."""
    user(site, name)
    site.local.iam("PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=ALL)
    return signed_in(site, name)


def codes(site: Site, page: Page) -> dict[str, str]:
    """Two codes of the device on this page, one after the other."""
    [secret] = re.findall(r"<p><code>([A-Z2-7]+)</code></p>", page.text)
    [serial] = re.findall(r'name="serial" value="([^"]+)"', page.text)
    site.local.time.passes(timedelta(seconds=3 * STEP))
    now = step_at(site.local.time.wall())
    first, second = codes_of(base64.b32decode(secret), [now - 1, now])
    return {"serial": serial, "first": first.decode(), "second": second.decode()}


def test_a_person_adds_a_device(pages: Site) -> None:
    """The QR code and the key are shown once; the session ends, and the next asks for a code."""
    browser = somebody(pages, "adds")
    page = browser.post("/security/device", name="adds")
    assert "<svg" in page.text
    given = codes(pages, page)

    wrong = browser.post("/security/device/enable", {**given, "first": "000000"})
    assert wrong.alert == "Authentication code for device is not valid."
    assert "<svg" not in wrong.text
    page = browser.post("/security/device/enable", given)

    assert page.title == "Sign in again"
    assert not browser.is_signed_in
    assert browser.sign_in(account_of(pages), "adds", PASSWORD).title == "Second factor"


def test_the_policy_of_the_page(pages: Site) -> None:
    """The one in docs/sign-in.md lets a person do everything there, and nothing to others."""
    [policy] = re.findall(r"```json\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    for name in ("selfish", "selfish-not"):
        user(pages, name)
        pages.local.iam("PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=policy)
    browser = signed_in(pages, "selfish")
    assert "is not authorized" not in browser.get("/security").text
    page = browser.post("/security/key")
    [key_id] = re.findall(r"<code>(AKIA[A-Z0-9]{16})</code>", page.text)
    assert "Inactive" in browser.post("/security/key/status", id=key_id, status="Inactive").text
    assert key_id not in browser.post("/security/key/delete", id=key_id, typed=key_id).text
    assert "is not authorized" in str(browser.post("/security/device", name="selfishly").alert)
    browser.post("/security/device", name="selfish-2")
    given = codes(pages, browser.post("/security/device", name="selfish-2"))
    assert browser.post("/security/device/enable", given).title == "Sign in again"
    browser = signed_in(pages, "selfish-not")
    page = browser.post("/security/device/remove", serial=given["serial"])
    assert page.alert
    fields = {"old": PASSWORD, "new": NEXT, "again": NEXT}
    assert browser.post("/security/password", fields).title == "Sign in again"


def test_a_device_that_was_never_enabled_makes_room(pages: Site) -> None:
    """Whoever left the page before may begin again with the same name."""
    browser = somebody(pages, "twice")
    first = codes(pages, browser.post("/security/device", name="twice"))
    second = codes(pages, browser.post("/security/device", name="twice"))
    assert browser.post("/security/device/enable", first).alert
    minutes(pages, 2)
    second_again = codes(pages, browser.post("/security/device", name="twice"))
    assert second_again["first"] != second["first"]
    assert browser.post("/security/device/enable", second_again).title == "Sign in again"


def test_a_device_goes_only_in_a_session_that_used_one(pages: Site) -> None:
    """A stolen password does not take the factor away (CO-8)."""
    browser = somebody(pages, "takes")
    device = Device(pages, "takes")
    assert not browser.is_signed_in
    browser = at_the_code(pages, "takes")
    browser.post("/signin/mfa", code=code_of(device))
    assert device.serial in browser.get("/security").text

    page = browser.post("/security/device/remove", serial=device.serial)

    assert page.title == "Sign in again"
    assert browser.sign_in(account_of(pages), "takes", PASSWORD).title == "Your session"


def test_a_password_is_changed(pages: Site) -> None:
    """With the old one, within the policy; every session of the person ends."""
    browser = somebody(pages, "changes")
    other = signed_in(pages, "changes")
    fields = {"old": PASSWORD, "new": NEXT, "again": NEXT}
    page = browser.post("/security/password", {**fields, "again": "x"})
    assert page.alert == "The two new passwords are not the same."
    page = browser.post("/security/password", {**fields, "old": "wrong"})
    assert page.alert == "The old password was incorrect."
    minutes(pages, 1)
    assert browser.post("/security/password", fields).title == "Sign in again"
    assert not other.is_signed_in
    signed_in(pages, "changes", NEXT)


def test_access_keys_come_and_go(pages: Site) -> None:
    """The secret is shown once; a key is deactivated before it is deleted by its typed id."""
    browser = somebody(pages, "keys")
    page = browser.post("/security/key")
    key_id, secret = re.findall(r"<dd><code>([^<]+)</code></dd>", page.text)
    assert secret not in browser.get("/security").text
    assert key_id in browser.get("/security").text
    assert browser.post("/security/key/delete", id=key_id, typed="AKIA").alert
    page = browser.post("/security/key/status", id=key_id, status="Inactive")
    assert "Inactive" in page.text
    page = browser.post("/security/key/delete", id=key_id, typed=key_id)
    assert key_id not in page.text
    assert browser.is_signed_in


def test_a_reload_makes_no_second_key(pages: Site) -> None:
    """The form says which keys its page showed, so that the same form makes one key only."""
    browser = somebody(pages, "reloads")
    assert browser.post("/security/key").title == "New access key"

    page = browser.post("/security/key")
    assert "changed since this page was shown" in str(page.alert)
    [first] = set(re.findall(r"AKIA[A-Z0-9]{16}", page.text))
    assert browser.post("/security/key", shown=first).title == "New access key"
    page = browser.get("/security")
    assert len(set(re.findall(r"AKIA[A-Z0-9]{16}", page.text))) == 2
    assert "Create access key" not in page.text
    [both] = re.findall(r'name="shown" value="([^"]*)"', page.text) or [""]
    assert both == ""


def test_a_second_click_makes_no_second_key(pages: Site) -> None:
    """Its request comes while the first is being answered."""
    browser = somebody(pages, "clicks")

    async def click() -> list[Page]:
        sent = (browser.send("POST", "/security/key", b"shown=") for _ in range(3))
        return await asyncio.gather(*sent)

    answers = pages.loop.run_until_complete(click())
    assert sum(page.title == "New access key" for page in answers) == 1
    page = browser.get("/security")
    assert len(set(re.findall(r"AKIA[A-Z0-9]{16}", page.text))) == 1


def test_who_may_not_see_is_told_why(pages: Site) -> None:
    """A part that is refused leaves the others, and nothing is hidden."""
    user(pages, "nobody")
    browser = signed_in(pages, "nobody")
    page = browser.get("/security")
    assert page.status == 200
    assert "not authorized to perform: iam:ListMFADevices" in page.text
    assert "not authorized to perform: iam:ListAccessKeys" in page.text
    assert "is not authorized" in browser.post("/security/key").text


def test_a_change_needs_a_fresh_sign_in(pages: Site) -> None:
    """After 15 minutes the pages still show everything, and change nothing (7.4)."""
    browser = somebody(pages, "stale")
    minutes(pages, 16)
    assert browser.get("/security").status == 200
    for path in ("password", "device", "device/enable", "device/remove", "key", "key/status"):
        page = browser.post(f"/security/{path}")
        assert page.title == "Sign in again", path
        assert page.status == 403
    fresh = pages.browser()
    assert fresh.post("/security/key").title == "Sign in"


def test_root_changes_its_password_and_has_a_device(pages: Site) -> None:
    """Root's password is no matter of an IAM policy, and its device is its own."""
    browser, email = pages.browser("127.0.0.1"), pages.local.founded.email
    first = given_password(pages)
    browser.sign_in_as_root(email, first)
    browser.change(first, PASSWORD)
    page = browser.post("/security/password", old="wrong", new=NEXT, again=NEXT)
    assert page.alert == "The old password is not right."
    page = browser.post("/security/password", old=PASSWORD, new="short", again="short")
    assert "minimum length" in page.alert
    page = browser.post("/security/password", old=PASSWORD, new=NEXT, again=NEXT)
    assert page.title == "Sign in again"
    assert browser.sign_in_as_root(email, NEXT).title == "Your session"

    given = codes(pages, browser.post("/security/device", name="root"))
    assert browser.post("/security/device/enable", given).title == "Sign in again"
    assert browser.sign_in_as_root(email, NEXT).title == "Second factor"


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "a\u202eb", "=1+1", "\U0001f511" * 40, "n" * 200]
)
def test_hostile_names_stay_text(pages: Site, name: str) -> None:
    """In the forms of strangers and of persons, whatever is typed."""
    browser = pages.browser()
    page = browser.sign_in(name, name, "x")
    assert b"<img" not in page.body
    alias = pages.browser().get(f"/signin/{name}" if name.isascii() else "/signin/x")
    assert b"<img" not in alias.body


def test_the_operator_resets_root(pages: Site) -> None:
    """A lost password and a lost device: a new one-time password, no device, and no session."""
    local, email, browser = pages.local, pages.local.founded.email, pages.browser("127.0.0.1")
    first = given_password(pages)
    browser.sign_in_as_root(email, first)
    assert browser.change(first, PASSWORD).title == "Your session"
    given = codes(pages, browser.post("/security/device", name="lost"))
    browser.post("/security/device/enable", given)
    assert browser.sign_in_as_root(email, PASSWORD).title == "Second factor"

    second = given_password(pages)

    assert local.events[-1].name == "ResetRootUser"
    assert "Start again" in browser.post("/signin/mfa", code="000000").alert
    assert browser.sign_in_as_root(email, second).title == "Choose a new password"
    assert browser.change(second, NEXT).title == "Your session"


def refused(site: Site, name: str) -> bool:
    """Was the last call of this name refused for what it holds?"""
    return site.named(name)[-1].error_code in {"ValidationException", "SerializationException"}


def test_what_is_typed_keeps_to_the_limits_of_the_model(pages: Site) -> None:
    """A page's call is read like an SDK's: no name, id or password passes that IAM would refuse."""
    browser = somebody(pages, "limits")
    for name in ("<img src=x>", "a/b", "", "n" * 227, "a\0b", "a\nb"):
        page = browser.post("/security/device", name=name)
        assert page.alert, name
        assert b"<img" not in page.body
        assert refused(pages, "CreateVirtualMFADevice"), name
    assert browser.post("/security/key/status", id="<b>", status="Active").alert
    assert refused(pages, "UpdateAccessKey")
    for new in (f"{NEXT}\0", f"{NEXT}\u20ac", NEXT * 10, ""):
        page = browser.post("/security/password", old=PASSWORD, new=new, again=new)
        assert page.alert, new
        assert refused(pages, "ChangePassword"), new
    assert browser.is_signed_in


def test_no_new_password_of_root_is_out_of_bounds(pages: Site) -> None:
    """Neither at sign-in nor later, as for users."""
    browser, email = pages.browser("127.0.0.1"), pages.local.founded.email
    first = given_password(pages)
    browser.sign_in_as_root(email, first)
    for new in (f"{NEXT}\0", f"{NEXT}\u20ac", NEXT * 10):
        assert "Latin-1" in browser.change(first, new).alert, new
    assert browser.change(first, PASSWORD).title == "Your session"
    page = browser.post("/security/password", old=PASSWORD, new=f"{NEXT}\0", again=f"{NEXT}\0")
    assert "Latin-1" in page.alert
