"""A sign-in ends at the page that was asked for before, and nowhere else. (sign-in.md 4.1)"""

import pytest

from tests.console.browser import Page, Site
from tests.console.people import PASSWORD, account_of, minutes, user

NEXT = "__Host-ks-next"
ACTOR = "/c/0123456789ab/"


def signed_in_after(site: Site, name: str, path: str) -> Page:
    """The first answer after a sign-in that this path made necessary."""
    browser = site.browser()
    page = browser.get(path, follow=False)
    assert (page.status, page.header("location")) == (303, "/signin")
    assert path not in str(browser.cookies)
    fields = {"as": "user", "account": account_of(site), "user": name, "password": PASSWORD}
    browser.get("/signin")
    page = browser.post("/signin", fields, follow=False)
    assert NEXT not in browser.cookies
    return page


@pytest.mark.parametrize("path", ["/switchrole?account=a%2Fb&roleName=x/y", f"{ACTOR}?q=1"])
def test_a_sign_in_ends_where_it_began(pages: Site, quick: None, path: str) -> None:
    """With the query, as it was."""
    name = user(pages, f"next-{len(path)}")
    assert signed_in_after(pages, name, path).header("location") == path


@pytest.mark.parametrize("path", ["/security", "/", "/?next=https://evil.example/"])
def test_other_pages_are_no_destination(pages: Site, quick: None, path: str) -> None:
    """Whatever else a link says is not where it ends."""
    name = user(pages, f"other-{len(path)}")
    assert signed_in_after(pages, name, path).header("location") == "/"


def test_a_destination_is_used_once_and_in_time(pages: Site, quick: None) -> None:
    """Ten minutes; and a cookie that nobody gave leads nowhere."""
    name = user(pages, "next-once")
    browser = pages.browser()
    browser.get("/switchrole?account=x", follow=False)
    cookie = browser.cookies[NEXT]
    fields = {"as": "user", "account": account_of(pages), "user": name, "password": PASSWORD}
    browser.get("/signin")

    def ends(with_cookie: str) -> str:
        browser.cookies[NEXT] = with_cookie
        return browser.post("/signin", fields, follow=False).header("location")

    assert ends(cookie) == "/switchrole?account=x"
    assert ends(cookie) == "/"
    assert ends("000000000000." + "A" * 43) == "/"
    assert ends("https://evil.example/") == "/"
    browser.post("/signout")
    browser.get("/switchrole?account=x", follow=False)
    late = browser.cookies[NEXT]
    minutes(pages, 11)
    browser.get("/signin")
    assert ends(late) == "/"


def test_strangers_do_not_fill_the_store(pages: Site) -> None:
    """Of one network twenty paths are kept."""
    installation = pages.local.installation

    def count() -> int:
        row = installation.store.read().one("SELECT COUNT(*) FROM signin_session", ())
        return int(row[0]) if row else 0

    browser = pages.browser()
    browser.get("/switchrole?account=1", follow=False)
    before = count()
    for number in range(30):
        minutes(pages, 0.01)
        browser.get(f"/switchrole?account={number}", follow=False)
    assert count() <= before + 20
