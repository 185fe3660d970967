"""Each transition of sign-in.md 4.3: name and password, a new password, the session, its end."""

import pytest

from tests.console.browser import SESSION, STEP, Site
from tests.console.people import (
    NEXT,
    PASSWORD,
    account_of,
    first_password,
    minutes,
    refused,
    signed_in,
    user,
)
from tests.console.test_ending import Device
from tests.console.test_mfa import at_the_code, code_of

MAY_CHANGE = (
    '{"Version":"2012-10-17","Statement":'
    '[{"Effect":"Allow","Action":"iam:ChangePassword","Resource":"*"}]}'
)
WRONG_USER = "The account, user name or password is not right."
WRONG_ROOT = "The e-mail or password is not right."
AGAIN = "The sign-in took too long, or was continued elsewhere. Start again."


def test_a_user_signs_in_with_account_name_and_password(pages: Site) -> None:
    """The page that follows says who, how and until when; the wrong password leads nowhere."""
    user(pages, "alice")
    browser = pages.browser()

    assert refused(browser.sign_in(account_of(pages), "alice", "wrong")) == WRONG_USER
    page = browser.sign_in(account_of(pages), "alice", PASSWORD)

    assert page.title == "Your session"
    assert f"arn:aws:iam::{account_of(pages)}:user/alice" in page.text
    assert "Password, without a second factor" in page.text
    assert STEP not in browser.cookies


def test_an_alias_names_the_account(pages: Site) -> None:
    """The account's alias does as well as its id, in any case of letters."""
    user(pages, "by-alias")
    assert pages.local.iam("CreateAccountAlias", AccountAlias="example-corp").status == 200

    page = pages.browser().sign_in("Example-Corp", "By-Alias", PASSWORD)

    assert page.title == "Your session"
    assert refused(pages.browser().sign_in("example-corps", "by-alias", PASSWORD)) == WRONG_USER


def test_root_changes_the_first_password(pages: Site) -> None:
    """The one-time password of the first start leads to a new one, and to nothing else."""
    first, email = first_password(pages), pages.local.founded.email
    browser = pages.browser("127.0.0.1")
    page = browser.sign_in_as_root(email, first)
    assert page.title == "Choose a new password"
    assert SESSION not in browser.cookies
    assert not browser.is_signed_in

    assert browser.change(first, NEXT, "another").alert == "The two new passwords are not the same."
    assert "should have a minimum length of 8" in browser.change(first, "short").alert
    assert "not be the one" in browser.change(first, first).alert
    assert browser.change("wrong", NEXT).alert == "The old password is not right."
    page = browser.change(first, NEXT)

    assert page.title == "Your session"
    assert "root user" in page.text
    assert refused(pages.browser("127.0.0.1").sign_in_as_root(email, first)) == WRONG_ROOT
    minutes(pages, 1)
    assert pages.browser("127.0.0.1").sign_in_as_root(email, NEXT).title == "Your session"


def test_a_required_reset_comes_first(pages: Site) -> None:
    """A password that an administrator gave is changed before there is a session."""
    user(pages, "reset", reset=True)
    browser = pages.browser()

    page = browser.sign_in(account_of(pages), "reset", PASSWORD)
    assert page.status == 403
    assert "you cannot change it yourself" in page.text
    pages.local.iam("PutUserPolicy", UserName="reset", PolicyName="own", PolicyDocument=MAY_CHANGE)
    page = browser.sign_in(account_of(pages), "reset", PASSWORD)

    assert page.title == "Choose a new password"
    assert browser.change(PASSWORD, NEXT).title == "Your session"


def test_a_new_password_may_be_tried_five_times(pages: Site) -> None:
    """After five tries with a wrong old password the sign-in is over."""
    pages.local.iam("UpdateAccountPasswordPolicy", AllowUsersToChangePassword="true")
    user(pages, "guesser", reset=True)
    browser = pages.browser()
    browser.sign_in(account_of(pages), "guesser", PASSWORD)

    for _ in range(5):
        assert browser.change("wrong", NEXT).alert == "The old password is not right."

    assert browser.change(PASSWORD, NEXT).alert == AGAIN


def test_old_passwords_are_not_taken_again(pages: Site) -> None:
    """The history of the account's policy holds at sign-in, too."""
    pages.local.iam(
        "UpdateAccountPasswordPolicy", AllowUsersToChangePassword="true",
        PasswordReusePrevention="2",
    )  # fmt: skip
    user(pages, "again", reset=True)
    browser = pages.browser()
    browser.sign_in(account_of(pages), "again", PASSWORD)
    assert browser.change(PASSWORD, NEXT).title == "Your session"
    pages.local.iam("UpdateLoginProfile", UserName="again", PasswordResetRequired="true")

    page = browser.sign_in(account_of(pages), "again", NEXT)
    assert page.title == "Choose a new password"
    assert "none of the last 2 passwords" in page.text
    assert "one of the last 2 passwords" in browser.change(NEXT, PASSWORD).alert
    assert browser.change(NEXT, "canary-Third-3").title == "Your session"


def test_an_expired_password_is_changed_or_not(pages: Site) -> None:
    """With hard expiry only an administrator can help; without it the person changes it."""
    policy = {"AllowUsersToChangePassword": "true", "MaxPasswordAge": "1"}
    user(pages, "old")
    minutes(pages, 60 * 25)
    pages.local.iam("UpdateAccountPasswordPolicy", **policy, HardExpiry="true")
    hard = pages.browser().sign_in(account_of(pages), "old", PASSWORD)
    assert "you cannot change it yourself" in hard.text

    pages.local.iam("UpdateAccountPasswordPolicy", **policy, HardExpiry="false")
    browser = pages.browser()
    assert browser.sign_in(account_of(pages), "old", PASSWORD).title == "Choose a new password"
    assert browser.change(PASSWORD, NEXT).title == "Your session"
    pages.local.iam("DeleteAccountPasswordPolicy")


LESS: dict[str, list[tuple[str, dict[str, str]]]] = {
    "an explicit deny": [
        (
            "PutUserPolicy",
            {"PolicyName": "no", "PolicyDocument": MAY_CHANGE.replace("Allow", "Deny")},
        )
    ],
    "the policy that let it": [("DeleteUserPolicy", {"PolicyName": "may"})],
    "hard expiry": [("UpdateAccountPasswordPolicy", {"MaxPasswordAge": "1", "HardExpiry": "true"})],
}


@pytest.mark.parametrize("what", LESS)
def test_a_right_that_goes_while_the_new_password_is_awaited(pages: Site, what: str) -> None:
    """The step asks again: what was revoked meanwhile changes no password."""
    name = user(pages, f"less-{list(LESS).index(what)}", reset=True)
    pages.local.iam("DeleteAccountPasswordPolicy")
    pages.local.iam("PutUserPolicy", UserName=name, PolicyName="may", PolicyDocument=MAY_CHANGE)
    minutes(pages, 60 * 25)
    browser = pages.browser()
    page = browser.sign_in(account_of(pages), name, PASSWORD)
    assert page.title == "Choose a new password"

    for action, members in LESS[what]:
        named = {} if action.startswith("Update") else {"UserName": name}
        assert pages.local.iam(action, **named, **members).status == 200

    assert "you cannot change it yourself" in browser.change(PASSWORD, NEXT).text
    assert pages.named("ConsoleLogin")[-1].response_elements == {"ConsoleLogin": "Failure"}
    pages.local.iam("DeleteAccountPasswordPolicy")
    pages.local.iam("DeleteUserPolicy", UserName=name, PolicyName="no")
    pages.local.iam("PutUserPolicy", UserName=name, PolicyName="may", PolicyDocument=MAY_CHANGE)
    assert browser.change(PASSWORD, NEXT).alert == AGAIN
    browser.sign_in(account_of(pages), name, PASSWORD)
    assert browser.change(PASSWORD, NEXT).title == "Your session"


def test_a_password_that_is_to_be_changed_no_more(pages: Site) -> None:
    """An administrator took the demand back: the step is over, and the next sign-in needs none."""
    pages.local.iam("UpdateAccountPasswordPolicy", AllowUsersToChangePassword="true")
    user(pages, "no-more", reset=True)
    browser = pages.browser()
    browser.sign_in(account_of(pages), "no-more", PASSWORD)
    pages.local.iam("UpdateLoginProfile", UserName="no-more", PasswordResetRequired="false")

    assert browser.change(PASSWORD, NEXT).alert == AGAIN
    assert browser.sign_in(account_of(pages), "no-more", PASSWORD).title == "Your session"


def test_a_policy_sees_the_factor_of_the_sign_in(pages: Site, quick: None) -> None:
    """The usual denial without a second factor is for who has none, before a session as in one."""
    denied = MAY_CHANGE.replace("Allow", "Deny").replace(
        '"*"}]', '"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}]'
    )
    pages.local.iam("UpdateAccountPasswordPolicy", AllowUsersToChangePassword="true")
    for name in ("with-factor", "without"):
        user(pages, name, reset=True)
        pages.local.iam("PutUserPolicy", UserName=name, PolicyName="no", PolicyDocument=denied)
    device, browser = Device(pages, "with-factor"), at_the_code(pages, "with-factor")

    assert browser.post("/signin/mfa", code=code_of(device)).title == "Choose a new password"
    page = pages.browser().sign_in(account_of(pages), "without", PASSWORD)
    assert "you cannot change it yourself" in page.text


def test_a_step_has_its_time_and_its_browser(pages: Site) -> None:
    """A step ends after ten minutes; its cookie is good for no other step, and for it once."""
    pages.local.iam("UpdateAccountPasswordPolicy", AllowUsersToChangePassword="true")
    user(pages, "slow", reset=True)
    browser = pages.browser()
    browser.sign_in(account_of(pages), "slow", PASSWORD)
    step = browser.cookies[STEP]
    assert browser.get("/signin/step").title == "Choose a new password"

    thief = pages.browser()
    thief.cookies = {SESSION: step, STEP: step}
    assert not thief.is_signed_in
    thief.cookies[STEP] = step
    assert thief.post("/signin/mfa", code="123456").alert == AGAIN
    assert thief.cookies[STEP] == "none"
    minutes(pages, 9)
    assert browser.get("/signin/step").title == "Choose a new password"
    minutes(pages, 2)
    assert browser.change(PASSWORD, NEXT).alert == AGAIN

    browser.sign_in(account_of(pages), "slow", PASSWORD)
    replay = browser.cookies[STEP]
    assert browser.change(PASSWORD, NEXT).title == "Your session"
    browser.cookies[STEP] = replay
    assert browser.change(PASSWORD, "canary-Third-3").alert == AGAIN
    pages.local.iam("DeleteAccountPasswordPolicy")


def test_the_back_button_leads_to_the_start(pages: Site) -> None:
    """The form of a sign-in that is over starts again; with a session it leads to the session."""
    user(pages, "back")
    browser = signed_in(pages, "back")

    assert browser.get("/signin").title == "Your session"
    assert browser.get("/signin/step").alert == AGAIN
    browser.post("/signout")
    assert browser.get("/").title == "Sign in"


def test_two_tabs_end_in_one_session(pages: Site) -> None:
    """A second sign-in in the same browser ends the session of the first."""
    user(pages, "tab-one"), user(pages, "tab-two")
    browser = signed_in(pages, "tab-one")
    earlier = browser.cookies[SESSION]
    fields = {"as": "user", "account": account_of(pages), "user": "tab-two", "password": PASSWORD}
    assert "user/tab-two" in browser.post("/signin", fields).text
    stale = pages.browser()
    stale.cookies[SESSION] = earlier
    assert not stale.is_signed_in


def test_signing_out_ends_the_session(pages: Site) -> None:
    """A cookie that was copied is good for nothing after the sign-out."""
    user(pages, "leaver")
    browser = signed_in(pages, "leaver")
    copy = pages.browser()
    copy.cookies = dict(browser.cookies)
    assert copy.is_signed_in

    first = browser.post("/signout", follow=False)
    page = browser.get("/signed-out")

    assert first.header("clear-site-data") == '"cache", "storage"'
    given = [value for name, value in first.headers if name == "set-cookie"]
    assert sorted(each.partition("=")[0] for each in given) == [SESSION, STEP]
    assert all("Max-Age=0" in each for each in given)
    assert page.title == "Signed out"
    assert SESSION not in browser.cookies
    assert not copy.is_signed_in
    assert browser.post("/signout").title == "Signed out"  # once more does no harm


def test_a_session_ends_after_idle_and_after_all_time(pages: Site) -> None:
    """30 minutes without a look, or 12 hours in all."""
    user(pages, "idle")
    idle, busy = signed_in(pages, "idle"), signed_in(pages, "idle")

    for _ in range(2):
        minutes(pages, 20)
        assert busy.is_signed_in
    assert not idle.is_signed_in
    for _ in range(35):
        minutes(pages, 19)
        assert busy.is_signed_in
    minutes(pages, 19)
    assert not busy.is_signed_in


def test_a_name_can_be_remembered(pages: Site) -> None:
    """The names come back in the form if the person wants that, and the password never."""
    user(pages, "kept")
    browser = pages.browser()
    browser.sign_in(account_of(pages), "kept", PASSWORD, remember="yes")
    browser.post("/signout")
    page = browser.get("/signin")
    assert 'value="kept"' in page.text
    assert PASSWORD not in page.text

    browser.sign_in(account_of(pages), "kept", PASSWORD)
    browser.post("/signout")
    assert 'value="kept"' not in browser.get("/signin").text


def test_a_browser_without_cookies_is_told(pages: Site) -> None:
    """A form that comes without the cookie of its page explains what is missing."""
    browser = pages.browser()
    browser.get("/signin")
    browser.cookies.clear()
    page = browser.post("/signin", {"as": "user", "account": "a", "user": "b", "password": "c"})
    assert page.title == "No cookies"
