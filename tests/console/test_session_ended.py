"""When a session ends by itself, or with its person, one record says why. (sign-in.md 4.1)"""

import pytest

from tests.console.browser import SESSION, Browser, Site
from tests.console.outside import Outside, open_to_outsiders
from tests.console.people import NEXT, minutes, signed_in, user
from tests.console.test_records import written


def _idle(site: Site, _: str, __: Browser) -> None:
    minutes(site, 31)


def _used_for_long(site: Site, _: str, browser: Browser) -> None:
    for _each in range(35):
        minutes(site, 20)
        assert browser.is_signed_in
    minutes(site, 21)


def _changed(site: Site, name: str, _: Browser) -> None:
    assert site.local.iam("UpdateLoginProfile", UserName=name, Password=NEXT).status == 200


def _no_password(site: Site, name: str, _: Browser) -> None:
    assert site.local.iam("DeleteLoginProfile", UserName=name).status == 200


def _deleted(site: Site, name: str, browser: Browser) -> None:
    _no_password(site, name, browser)
    assert site.local.iam("DeleteUser", UserName=name).status == 200


ENDS = {
    "idle": _idle,
    "absolute": _used_for_long,
    "password or MFA devices changed": _changed,
    "password removed": _no_password,
    "user deleted": _deleted,
}


@pytest.mark.parametrize("why", ENDS)
def test_a_session_that_ended_is_recorded_once(pages: Site, quick: None, why: str) -> None:
    """When its browser comes again; every further visit adds nothing."""
    name = user(pages, why.replace(" ", "-"))
    browser = signed_in(pages, name)
    cookie, before = browser.cookies[SESSION], len(pages.named("SessionEnded"))
    ENDS[why](pages, name, browser)
    for _ in range(2):
        browser.cookies[SESSION] = cookie
        assert not browser.is_signed_in
    [ended] = pages.named("SessionEnded")[before:]
    record = written(ended)
    assert record["additionalEventData"]["reason"] == why
    assert record["eventSource"] == "signin.amazonaws.com"
    assert record["userIdentity"]["principalId" if why == "user deleted" else "userName"]
    assert record["userIdentity"]["accountId"] == pages.local.founded.account_id


def test_a_good_session_and_no_session_have_no_such_record(pages: Site, quick: None) -> None:
    """A cookie that nobody gave is no session that ended."""
    browser = signed_in(pages, user(pages, "good"))
    before = len(pages.named("SessionEnded"))
    assert browser.is_signed_in
    stranger = pages.browser()
    stranger.cookies[SESSION] = f"{pages.local.founded.account_id}.{'A' * 43}"
    assert not stranger.is_signed_in
    browser.post("/signout")
    assert not browser.is_signed_in
    assert len(pages.named("SessionEnded")) == before


def test_sessions_that_make_room_are_recorded(pages: Site, quick: None) -> None:
    """The oldest of too many, and those that were over."""
    name = user(pages, "many")
    first = signed_in(pages, name)
    before = len(pages.named("SessionEnded"))
    for _ in range(50):
        minutes(pages, 0.1)
        signed_in(pages, name)
    assert not first.is_signed_in
    [ended] = pages.named("SessionEnded")[before:]
    assert ended.additional["reason"] == "too many sessions"
    minutes(pages, 13 * 60)
    signed_in(pages, name)
    reasons = [event.additional["reason"] for event in pages.named("SessionEnded")[before + 1 :]]
    assert reasons
    assert set(reasons) == {"absolute"}


def test_the_session_of_a_role_ends_with_its_provider(pages: Site) -> None:
    """The record says so, without the session's owner."""
    with open_to_outsiders():
        outside = Outside(pages)
        browser = outside.signed_in(outside.role("ended"))
        outside.iam("DeleteSAMLProvider", SAMLProviderArn=outside.provider)
        assert not browser.is_signed_in
    record = written(pages.named("SessionEnded")[-1])
    assert record["additionalEventData"]["reason"] == "role or provider changed or deleted"
    assert record["userIdentity"]["type"] == "AssumedRole"
