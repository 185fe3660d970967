"""Users with passwords, root's first password, and what they may do."""

import re
from datetime import timedelta

from keystead.server.installation import perform
from tests.console.browser import Browser, Page, Site

PASSWORD, NEXT = "canary-Start-1", "canary-Other-2"


def account_of(site: Site) -> str:
    return site.local.founded.account_id


def user(site: Site, name: str, password: str = PASSWORD, *, reset: bool = False) -> str:
    """A user who can sign in."""
    local = site.local
    assert local.iam("CreateUser", UserName=name).status == 200
    answer = local.iam(
        "CreateLoginProfile", UserName=name, Password=password,
        PasswordResetRequired=str(reset).lower(),
    )  # fmt: skip
    assert answer.status == 200, answer.body
    return name


def first_password(site: Site) -> str:
    """Root's one-time password, from the file of the first start."""
    return (site.local.installation.directory / "root-password.txt").read_text().strip()


def given_password(site: Site) -> str:
    """A one-time password that the operator gives root, who has no device then."""
    given = perform(site.local.installation, "account reset-root", {"account_id": account_of(site)})
    return str(given["RootPassword"])


def signed_in(site: Site, name: str, password: str = PASSWORD) -> Browser:
    """A browser in which this user has signed in."""
    browser = site.browser()
    page = browser.sign_in(account_of(site), name, password)
    assert page.title == "Your session", page.text
    return browser


def minutes(site: Site, number: float) -> None:
    site.local.time.passes(timedelta(minutes=number))


def refused(page: Page) -> str:
    """Nobody is signed in by this answer; returns what it says."""
    assert page.status in {400, 403, 429}, page.text
    assert not any(name == "set-cookie" and "__Host-ks=" in value for name, value in page.headers)
    return page.alert


def told(page: Page) -> tuple[int, list[tuple[str, str]], bytes]:
    """What a stranger sees of an answer, without what was typed."""
    body = re.sub(rb'value="[^"]*"', b'value=""', page.body)
    headers = [(name, value) for name, value in page.headers if name != "content-length"]
    return page.status, headers, body
