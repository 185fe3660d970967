"""People who let a program act for them, and what they see."""

from datetime import timedelta
from typing import Any

from tests.console.browser import Browser, Site
from tests.console.people import (
    PASSWORD,
    account_of,
    signed_in,
    user,
)
from tests.console.programs import (
    credentials,
    may_log_in,
)
from tests.console.test_ending import Device
from tests.server.second_factors import element

OVER, CHANGED = (401, "TOKEN_EXPIRED"), (403, "USER_CREDENTIALS_CHANGED")
USED, WRONG = (401, "AUTHCODE_EXPIRED"), (400, "INVALID_REQUEST")


def person(site: Site, name: str) -> Browser:
    """A user who may let programs in, and has signed in."""
    user(site, name)
    may_log_in(site, name)
    return signed_in(site, name)


def who(site: Site, answer: dict[str, Any]) -> str:
    """Whom the credentials are of; "" if they are of nobody."""
    asked = site.local.sts("GetCallerIdentity", credentials(answer))
    return element(asked, "Arn") if asked.status == 200 else ""


def with_code(site: Site, device: Device) -> Browser:
    """A browser in which the owner of this device has signed in with it."""
    browser = site.browser()
    site.local.time.passes(timedelta(seconds=60))
    page = browser.sign_in(account_of(site), device.name, PASSWORD)
    assert page.title == "Second factor", page.text
    page = browser.post("/signin/mfa", code=device.code())
    assert page.title == "Your session", page.text
    return browser
