"""A session ends when anything about its person does, on return of the call that does it. (CO-1)"""

import base64
from collections.abc import Callable
from datetime import timedelta
from unittest.mock import patch

import pytest
from botocore.credentials import Credentials

from keystead.server.installation import perform
from tests.console.browser import Browser, Site
from tests.console.people import NEXT, PASSWORD, account_of, minutes, signed_in, user
from tests.server.second_factors import Somebody, element


def _change_own(site: Site, name: str) -> None:
    site.local.iam("UpdateLoginProfile", UserName=name, Password=NEXT)


def _delete_profile(site: Site, name: str) -> None:
    site.local.iam("DeleteLoginProfile", UserName=name)


def _delete_user(site: Site, name: str) -> None:
    site.local.iam("DeleteLoginProfile", UserName=name)
    assert site.local.iam("DeleteUser", UserName=name).status == 200
    user(site, name)  # another one has the name now


def _enable_device(site: Site, name: str) -> None:
    site.local.iam("DeleteUserPolicy", UserName=name, PolicyName="p")
    Device(site, name)


class Device(Somebody):
    """A device of a user who exists."""

    def __init__(self, site: Site, name: str) -> None:
        self.local, self.name = site.local, name
        made = site.local.iam("CreateVirtualMFADevice", VirtualMFADeviceName=name)
        self.serial = element(made, "SerialNumber")
        self.seed = base64.b32decode(base64.b64decode(element(made, "Base32StringSeed")))
        self.enable()


ENDS: dict[str, Callable[[Site, str], None]] = {
    "new-password": _change_own,
    "no-password": _delete_profile,
    "deleted": _delete_user,
    "new-device": _enable_device,
}


@pytest.mark.parametrize("how", ENDS)
def test_a_change_of_the_person_ends_every_session(pages: Site, how: str) -> None:
    """Both browsers are signed out, and somebody else is not."""
    name = f"ends-{how}"
    user(pages, name), user(pages, f"{name}-not")
    ending, other = [signed_in(pages, name) for _ in range(2)], signed_in(pages, f"{name}-not")

    ENDS[how](pages, name)

    assert not any(browser.is_signed_in for browser in ending)
    assert other.is_signed_in


def test_a_change_that_is_not_about_the_factors_ends_nothing(pages: Site) -> None:
    """A new policy, tag or access key is no reason to sign in again."""
    user(pages, "stays")
    browser = signed_in(pages, "stays")
    tag = {"Tags.member.1.Key": "a", "Tags.member.1.Value": "b"}
    assert pages.local.iam("CreateAccessKey", UserName="stays").status == 200
    assert pages.local.iam("TagUser", UserName="stays", **tag).status == 200
    assert pages.local.iam("UpdateUser", UserName="stays", NewUserName="stayed").status == 200
    assert "user/stayed" in browser.get("/").text


def test_a_closed_account_ends_the_sessions_of_its_people(pages: Site) -> None:
    """For good: an account that is open again gives none back, met meanwhile or not."""
    user(pages, "of-account"), user(pages, "half-way", reset=True)
    met, unmet = signed_in(pages, "of-account"), signed_in(pages, "of-account")
    step = pages.browser()
    step.sign_in(account_of(pages), "half-way", PASSWORD)

    _close(pages, "suspend")
    assert met.get("/", follow=False).status == 303
    _close(pages, "reopen")

    assert not met.is_signed_in
    assert not unmet.is_signed_in
    assert "Start again" in step.change(PASSWORD, NEXT).alert
    ended = pages.named("SessionEnded")[-1]
    assert ended.additional["reason"] == "account closed"
    assert signed_in(pages, "of-account").is_signed_in


def test_a_closed_account_ends_temporary_credentials(pages: Site) -> None:
    """Its access keys work again when it is open again. What they gave before does not."""
    local, token = pages.local, _session_token(pages)
    assert local.sts("GetCallerIdentity", token).status == 200
    _close(pages, "suspend")
    _close(pages, "reopen")
    refused = local.sts("GetCallerIdentity", token)
    assert "InvalidClientTokenId" in refused.body.decode()
    assert local.sts("GetCallerIdentity", _session_token(pages)).status == 200


def _close(site: Site, verb: str) -> None:
    """As the operator does it. A second goes by."""
    perform(site.local.installation, f"account {verb}", {"account_id": account_of(site)})
    site.local.time.passes(timedelta(seconds=1))


def _session_token(site: Site) -> Credentials:
    given = site.local.sts("GetSessionToken")
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    return Credentials(*(element(given, name) for name in names))


def test_a_password_change_in_another_browser_ends_a_step(pages: Site) -> None:
    """A sign-in that waits for a new password is over when somebody else gave one."""
    pages.local.iam("UpdateAccountPasswordPolicy", AllowUsersToChangePassword="true")
    user(pages, "raced", reset=True)
    first, second = pages.browser(), pages.browser()
    for browser in (first, second):
        assert (
            browser.sign_in(account_of(pages), "raced", PASSWORD).title == "Choose a new password"
        )

    assert first.change(PASSWORD, NEXT).title == "Your session"

    assert "Start again" in second.change(PASSWORD, "canary-Third-3").alert
    assert first.is_signed_in


def test_sessions_outlive_a_restart_of_the_server(pages: Site) -> None:
    """The store has them; a forged or an unknown cookie stays what it is."""
    user(pages, "restarted")
    browser = signed_in(pages, "restarted")
    pages.reopen()
    assert browser.is_signed_in
    forged = Browser(pages)
    for cookie in (f"{account_of(pages)}.{'A' * 43}", "x", "", f"{'9' * 12}.{'A' * 43}", "a;b"):
        forged.cookies = {"__Host-ks": cookie}
        assert not forged.is_signed_in


def test_a_restored_installation_knows_no_session(pages: Site) -> None:
    """Another incarnation: every cookie is worth nothing (sign-in.md 4.11)."""
    user(pages, "restored")
    browser = signed_in(pages, "restored")
    hierarchy = pages.local.installation.hierarchy
    with patch.object(hierarchy, "incarnation", "0" * 32):
        pages._open()
        assert not browser.is_signed_in
    pages._open()  # the incarnation of before, which no restored installation has
    signed_in(pages, "restored")


def test_a_person_has_fifty_sessions(pages: Site, quick: None) -> None:
    """The oldest of one person ends with the fifty-first; nobody else's does."""
    user(pages, "many"), user(pages, "few")
    few, browsers = signed_in(pages, "few"), []
    for _ in range(51):
        browsers.append(signed_in(pages, "many"))
        pages.local.time.passes(timedelta(seconds=1))
    assert [browser.is_signed_in for browser in browsers] == [False] + [True] * 50
    assert few.is_signed_in
    minutes(pages, 31)
