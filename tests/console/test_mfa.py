"""The second factor at sign-in: each transition of sign-in.md 4.4; codes count once. (CO-7)"""

import asyncio
import base64
import json
from datetime import timedelta

import pytest

from keystead.custody.proofs.one_time_codes import STEP as SECONDS
from keystead.errors import AwsError
from keystead.wire.models import iam as api
from tests.console.browser import STEP, Browser, Site
from tests.console.calls import as_person
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
from tests.server.second_factors import element

WRONG = "That code was not accepted. Wait for the next one."


def at_the_code(site: Site, name: str, password: str = PASSWORD) -> Browser:
    """A browser in which the password was right."""
    browser = site.browser()
    page = browser.sign_in(account_of(site), name, password)
    assert page.title == "Second factor", page.text
    return browser


def code_of(device: Device) -> str:
    """A code that has not counted yet."""
    device.local.time.passes(timedelta(seconds=2 * SECONDS))
    return device.code()


def test_a_code_follows_the_password(pages: Site) -> None:
    """There is no session before it, and after it one that policies know to have a factor."""
    user(pages, "mfa")
    device = Device(pages, "mfa")
    browser = at_the_code(pages, "mfa")
    assert not browser.is_signed_in

    for wrong in (device.wrong_code(), "12345", "abcdef", "\uff11" * 6, "", " ", "-12345"):
        assert browser.post("/signin/mfa", code=wrong).alert == WRONG
    page = browser.post("/signin/mfa", code=code_of(device))

    assert page.title == "Your session"
    assert f"MFA device {device.serial}" in page.text.replace("<code>", "").replace("</code>", "")
    assert pages.named("CheckMfa")[-1].additional == {"MfaType": "Virtual MFA"}
    event = pages.named("ConsoleLogin")[-1]
    assert event.additional["MFAUsed"] == "Yes"
    assert event.additional["MFAIdentifier"] == device.serial


def test_a_code_counts_once_at_fifty_places(pages: Site) -> None:
    """Of fifty browsers that send one code at the same moment, one is signed in."""
    user(pages, "fifty")
    device = Device(pages, "fifty")
    browsers = [at_the_code(pages, "fifty") for _ in range(5)]
    steps = [browser.cookies[STEP] for browser in browsers for _ in range(10)]
    code = code_of(device)

    answers = together(pages, steps, code)

    assert sorted(answers) == [303] + [403] * 49
    pages.reopen()
    again = at_the_code(pages, "fifty")
    assert again.post("/signin/mfa", code=code).alert == WRONG


def together(site: Site, steps: list[str], code: str) -> list[int]:
    async def one(step: str) -> int:
        browser = site.browser()
        browser.cookies = {STEP: step}
        page = await browser.send("POST", "/signin/mfa", f"code={code}".encode())
        return int(page.status)

    async def every() -> list[int]:
        return await asyncio.gather(*(one(step) for step in steps))

    return site.loop.run_until_complete(every())


def test_five_wrong_codes_close_a_device_for_a_while(pages: Site) -> None:
    """Then the right code is refused as well; another device of the same person is not."""
    user(pages, "wrong")
    first = Device(pages, "wrong")
    second = Second(pages, "wrong")
    browser = at_the_code(pages, "wrong")
    page = browser.get("/signin/step")
    assert first.serial in page.text
    assert second.serial in page.text
    for _ in range(5):
        browser.post("/signin/mfa", code=first.wrong_code(), device=first.serial)
    assert browser.post("/signin/mfa", code=code_of(first), device=first.serial).alert == WRONG
    page = browser.post("/signin/mfa", code=code_of(second), device=second.serial)
    assert page.title == "Your session"
    minutes(pages, 6)
    browser = at_the_code(pages, "wrong")
    page = browser.post("/signin/mfa", code=code_of(first), device=first.serial)
    assert page.title == "Your session"


class Second(Device):
    """Another device of a user."""

    def __init__(self, site: Site, name: str) -> None:
        self.local, self.name = site.local, name
        made = site.local.iam("CreateVirtualMFADevice", VirtualMFADeviceName=f"{name}-2")
        self.serial = element(made, "SerialNumber")
        self.seed = base64.b32decode(base64.b64decode(element(made, "Base32StringSeed")))
        self.enable()


def test_a_device_of_somebody_else_is_none(pages: Site) -> None:
    """A right code of another person's device is a wrong code."""
    user(pages, "own"), user(pages, "other")
    own, other = Device(pages, "own"), Device(pages, "other")
    browser = at_the_code(pages, "own")
    assert browser.post("/signin/mfa", code=code_of(other), device=other.serial).alert == WRONG
    assert browser.post("/signin/mfa", code=code_of(own), device="").title == "Your session"


def test_the_code_comes_before_a_new_password(pages: Site) -> None:
    """And the session after both has the factor."""
    pages.local.iam("UpdateAccountPasswordPolicy", AllowUsersToChangePassword="true")
    user(pages, "both", reset=True)
    device = Device(pages, "both")
    browser = at_the_code(pages, "both")
    assert browser.change(PASSWORD, NEXT).alert.endswith("Start again.")
    browser = at_the_code(pages, "both")

    assert browser.post("/signin/mfa", code=code_of(device)).title == "Choose a new password"
    page = browser.change(PASSWORD, NEXT)

    assert page.title == "Your session"
    assert device.serial in page.text
    pages.local.iam("DeleteAccountPasswordPolicy")


def test_a_step_ends_with_its_time_or_its_device(pages: Site) -> None:
    """After ten minutes, and when a device is taken away meanwhile."""
    user(pages, "late")
    device = Device(pages, "late")
    browser = at_the_code(pages, "late")
    minutes(pages, 11)
    assert "Start again" in browser.post("/signin/mfa", code=code_of(device)).alert
    browser = at_the_code(pages, "late")
    pages.local.iam("DeactivateMFADevice", UserName="late", SerialNumber=device.serial)
    assert "Start again" in browser.post("/signin/mfa", code=code_of(device)).alert


@pytest.fixture
def root(pages: Site) -> "RootDevice":
    """Root with a password of its own and a device, which root enabled in a session."""
    return RootDevice(pages)


class RootDevice(Device):
    """A device of root."""

    def __init__(self, site: Site) -> None:
        self.local, self.name = site.local, "root"
        browser = site.browser("127.0.0.1")
        first = given_password(site)
        browser.sign_in_as_root(site.local.founded.email, first)
        browser.change(first, NEXT)
        self.site, self.browser = site, browser
        made = as_person(
            browser, api.CreateVirtualMFADevice,
            api.CreateVirtualMFADeviceRequest(virtual_mfa_device_name="root"),
        ).virtual_mfa_device  # fmt: skip
        self.serial = made.serial_number
        self.seed = base64.b32decode(made.base32_string_seed)
        site.local.time.passes(timedelta(seconds=90))
        as_person(browser, api.EnableMFADevice, api.EnableMFADeviceRequest(
            user_name=account_of(site), serial_number=self.serial,
            authentication_code1=self.code(-1), authentication_code2=self.code(),
        ))  # fmt: skip


def test_root_with_a_device_signs_in_from_anywhere(pages: Site, root: RootDevice) -> None:
    """From the network as well, and after the code as everybody."""
    assert not root.browser.is_signed_in  # the new device ended the session that enabled it
    browser = pages.browser("192.0.2.10")
    page = browser.sign_in_as_root(pages.local.founded.email, NEXT)
    assert page.title == "Second factor"
    assert browser.post("/signin/mfa", code=code_of(root)).title == "Your session"


def test_a_session_without_a_factor_says_so(pages: Site) -> None:
    """`aws:MultiFactorAuthPresent` is there in a person's session: false, or true (iam.md 2.10)."""
    name = user(pages, "says-so")
    statement = {
        "Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
    }  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    put = {"UserName": name, "PolicyName": "p", "PolicyDocument": document}
    assert pages.local.iam("PutUserPolicy", **put).status == 200

    without = signed_in(pages, name)
    assert as_person(without, api.ListUsers, api.ListUsersRequest()).users

    device = Device(pages, name)
    browser = at_the_code(pages, name)
    assert browser.post("/signin/mfa", code=code_of(device)).title == "Your session"
    with pytest.raises(AwsError, match="iam:ListUsers"):
        as_person(browser, api.ListUsers, api.ListUsersRequest())
