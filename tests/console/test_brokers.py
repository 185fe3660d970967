"""AWS's federation endpoint, called as AWS's documented broker scripts do. (sign-in.md 4.10)"""

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any
from unittest.mock import patch
from urllib.parse import quote_plus

import pytest
from botocore.credentials import Credentials

from keystead.errors import ServiceUnavailable
from keystead.identity.signin.asked import role_shapes, shapes
from keystead.wire.models import iam
from tests.console.browser import SESSION, STEP, URL, Browser, Page, Site
from tests.console.calls import as_person
from tests.console.people import account_of, minutes, signed_in, user
from tests.console.programs import Program
from tests.console.programs import credentials as of_program
from tests.console.test_records import written
from tests.console.test_switching import may, role
from tests.federation.land import credentials

ISSUER = "https://broker.example/?team=a&x=<b>"
WRONG = b'{"message":"The session or its duration is not right."}'


def assumed(site: Site, name: str, **members: str) -> Credentials:
    """Credentials of AssumeRole, from a request that botocore signs."""
    arn = f"arn:aws:iam::{account_of(site)}:role/{name}"
    answer = site.local.sts("AssumeRole", RoleArn=arn, RoleSessionName="broker-jo", **members)
    return credentials(answer)


def session_of(given: Credentials) -> str:
    """The parameter Session, as AWS's script writes it."""
    return json.dumps({
        "sessionId": given.access_key,
        "sessionKey": given.secret_key,
        "sessionToken": given.token,
    })  # fmt: skip


def asks(browser: Browser, session: str, **more: str) -> Page:
    """AWS's documented script: everything is in the query."""
    parameters = "?Action=getSigninToken"
    for name, value in more.items():
        parameters += f"&{name}={quote_plus(value)}"
    parameters += "&Session=" + quote_plus(session)
    return browser.get(f"/federation{parameters}", origin=None)


def token_of(browser: Browser, given: Credentials, **more: str) -> str:
    page = asks(browser, session_of(given), **more)
    assert page.status == 200, page.text
    assert page.header("cache-control") == "no-store"
    return str(json.loads(page.body)["SigninToken"])


def link(token: str, destination: str = f"{URL}/", issuer: str = ISSUER) -> str:
    parameters = "?Action=login&Issuer=" + quote_plus(issuer)
    parameters += "&Destination=" + quote_plus(destination) + "&SigninToken=" + token
    return f"/federation{parameters}"


def hidden(page: Page) -> Mapping[str, str]:
    """The fields of the form of a page."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))


def follows(browser: Browser, url: str) -> Page:
    """Open a link, and send the form of its page."""
    page = browser.get(url)
    assert page.title.startswith("Continue as"), page.text
    return browser.post("/federation/login", hidden(page))


def test_a_broker_signs_somebody_in(pages: Site) -> None:
    """With the permissions of the role, until the credentials would be over."""
    role(pages, "broker")
    given = assumed(pages, "broker", DurationSeconds="1800")
    broker, browser = pages.browser(), pages.browser()
    token = token_of(broker, given)
    assert not broker.cookies
    page = browser.get(link(token))
    assert "Continue as broker/broker-jo" in page.title
    assert "&lt;b&gt;" in page.body.decode()
    assert SESSION not in browser.cookies  # a link alone signs nobody in
    assert browser.post("/federation/login", hidden(page)).title == "Your session"
    assert "assumed-role/broker/broker-jo" in browser.get("/").text
    assert as_person(browser, iam.ListUsers, iam.ListUsersRequest()) is not None
    assert browser.get("/security").status == 403
    minutes(pages, 29)
    assert browser.is_signed_in
    minutes(pages, 2)
    page = browser.get("/")
    assert page.title == "Signed out"
    assert f'href="{ISSUER.replace("<b>", "")}' in page.text.replace("&amp;", "&")


def test_the_same_by_post(pages: Site) -> None:
    """As tools do that keep credentials out of URLs; no Origin is asked for, and no cookie."""
    role(pages, "by-post")
    fields = {"Action": "getSigninToken", "Session": session_of(assumed(pages, "by-post"))}
    headers = {"origin": None}
    page = pages.browser().post("/federation", fields, headers=headers)
    assert json.loads(page.body)["SigninToken"]
    login = pages.browser().post("/federation/login", {"SigninToken": "x"}, headers=headers)
    assert login.status == 403
    assert "not sent from a page" in login.text


def test_a_token_is_good_once_and_for_a_quarter_of_an_hour(pages: Site) -> None:
    """In two tabs, after a restart, and not after the time."""
    role(pages, "once")
    first, second, broker = pages.browser(), pages.browser(), pages.browser()
    token = token_of(broker, assumed(pages, "once"))
    first_page, second_page = first.get(link(token)), second.get(link(token))
    assert first.post("/federation/login", hidden(first_page)).title == "Your session"
    again = second.post("/federation/login", hidden(second_page))
    assert (again.status, again.title) == (403, "Not possible")
    pages.reopen()
    assert second.post("/federation/login", hidden(second_page)).status == 403
    assert second.get(link(token)).status == 403
    kept = token_of(broker, assumed(pages, "once"))
    pages.reopen()
    assert second.get(link(kept)).status == 200
    minutes(pages, 15.1)
    assert second.get(link(kept)).status == 403
    assert second.post("/federation/login", {"SigninToken": kept}).status == 403
    assert not second.is_signed_in


def test_nobody_is_replaced_for_want_of_an_answer(pages: Site, quick: None) -> None:
    """Whether somebody is signed in is not known now: no page is shown that would send its form."""
    role(pages, "unknown")
    user(pages, "busy")
    browser = signed_in(pages, "busy")
    url, call = link(token_of(pages.browser(), assumed(pages, "unknown"))), pages.calls.call

    async def refuses(visit: Any, operation: Any, asked: Any) -> Any:
        if operation is shapes.DESCRIBE_SESSION:
            raise ServiceUnavailable
        return await call(visit, operation, asked)

    with patch.object(pages.calls, "call", refuses):
        page = browser.get(url)

    assert page.status == 503
    assert b"data-now" not in page.body
    assert browser.is_signed_in


def test_a_login_does_not_change_who_is_signed_in_by_itself(pages: Site, quick: None) -> None:
    """The page waits for a click then; without a session its script sends the form."""
    role(pages, "csrf")
    user(pages, "victim")
    browser, broker = signed_in(pages, "victim"), pages.browser()
    token = token_of(broker, assumed(pages, "csrf"))
    page = browser.get(link(token))
    assert b"<script" not in page.body
    assert "signed in as victim" in page.text.replace('<span class="name">', "").replace(
        "</span>", ""
    )
    assert "user/victim" in browser.get("/").text
    nobody = pages.browser().get(link(token))
    assert b"data-now" in nobody.body
    [script] = re.findall(r'<script src="([^"]+)"', nobody.text)
    assert "script-src 'self'" in nobody.header("content-security-policy")
    assert b"submit()" in pages.browser().get(script).body
    cookie = browser.cookies[SESSION]
    assert browser.post("/federation/login", hidden(page)).title == "Your session"
    browser.cookies[SESSION] = cookie
    assert not browser.is_signed_in  # the session before has ended


@pytest.mark.parametrize(
    ("destination", "ends"),
    [
        (f"{URL}/switchrole?account=a&roleName=b", "/switchrole?account=a&roleName=b"),
        (f"{URL}/c/0123456789ab/", "/c/0123456789ab/"),
        ("https://console.aws.amazon.com/", "/"),
        ("https://evil.example/c/0123456789ab/", "/"),
        (f"{URL}.evil.example/c/0123456789ab/", "/"),
        (f"{URL}@evil.example/", "/"),
        ("//evil.example/c/0123456789ab/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\\evil.example", "/"),
        ("/c/0123456789ab/%2e%2e/%2E./federation?Action=logout", "/"),  # a browser reads two dots
        ("", "/"),
    ],
)
def test_a_login_ends_at_a_page_of_ours(pages: Site, destination: str, ends: str) -> None:
    """Whatever the link says."""
    if not hasattr(pages, "broker_role"):
        pages.broker_role = role(pages, "ends-at")  # type: ignore[attr-defined]  # once
    browser = pages.browser()
    token = token_of(browser, assumed(pages, "ends-at"))
    page = browser.get(link(token, destination))
    answer = browser.post("/federation/login", hidden(page), follow=False)
    assert answer.header("location") == ends


def test_an_issuer_is_a_text_or_an_https_link(pages: Site) -> None:
    """Never a script, and never another scheme."""
    role(pages, "issued")
    for issuer in ("javascript:alert(1)", 'https://a.example/"><script>', "http://x.example/", ""):
        browser = pages.browser()
        page = browser.get(link(token_of(browser, assumed(pages, "issued")), issuer=issuer))
        assert b"<script>" not in page.body
        browser.post("/federation/login", hidden(page))
        out = browser.post("/signout")
        assert 'href="javascript' not in out.text
        assert b"<script>" not in out.body
    browser = pages.browser()
    follows(browser, link(token_of(browser, assumed(pages, "issued")), issuer="https://i.example/"))
    page = browser.post("/signout")
    assert page.title == "Signed out"
    assert 'href="https://i.example/"' in page.text
    assert not browser.is_signed_in


def test_wrong_requests_have_one_answer(pages: Site) -> None:
    """Nobody learns whether there is such a key, or what was wrong."""
    role(pages, "wrong")
    given, browser = assumed(pages, "wrong"), pages.browser()
    good = json.loads(session_of(given))
    local = pages.local
    wrong = [
        {**good, "sessionKey": "x"}, {**good, "sessionToken": "x"}, {**good, "sessionId": "ASIAX"},
        {**good, "sessionToken": ""}, {**good, "sessionId": "\ud800"}, {**good, "sessionKey": 1},
        {"sessionId": good["sessionId"]}, [], "x",
        {**good, "sessionId": good["sessionId"][:-1] + "0"},  # no id has this figure
    ]  # fmt: skip
    answers = [asks(browser, json.dumps(each)) for each in wrong]
    answers.append(asks(browser, "{"))
    own = credentials(local.sts("GetSessionToken"))
    answers.append(asks(browser, session_of(own)))
    answers += [
        asks(browser, json.dumps(good), SessionDuration=duration)
        for duration in ("899", "43201", "x", "-900", "9e3", "900.5")
    ]
    answers.append(browser.get("/federation?Action=other"))
    answers.append(browser.get("/federation"))
    assert {(page.status, page.body) for page in answers} == {(400, WRONG)}
    assert asks(browser, json.dumps(good)).status == 200
    assert browser.get("/federation?Action=a&Action=b").status == 400


def test_how_long_a_session_may_be(pages: Site) -> None:
    """Longer than the credentials, as far as the role allows; not for chains, nor what was cut."""
    role(pages, "longer")
    local, browser = pages.local, pages.browser()
    assert local.iam("UpdateRole", RoleName="longer", MaxSessionDuration="7200").status == 200
    may(pages, "Role", "longer", "sts:*")

    def lasts(given: Credentials, duration: str) -> int:
        """Minutes."""
        other = pages.browser()
        follows(other, link(token_of(browser, given, SessionDuration=duration)))
        shown = as_person(other, shapes.DESCRIBE_SESSION, shapes.Nothing())
        return int(shown.expires - shown.began) // 60

    assert lasts(assumed(pages, "longer", DurationSeconds="900"), "5400") == 90
    assert lasts(assumed(pages, "longer", DurationSeconds="900"), "43200") == 120
    scoped = credentials(
        local.sts(
            "GetScopedCredentials", assumed(pages, "longer"), DurationSeconds="1800"
        )
    )  # fmt: skip
    assert lasts(scoped, "7200") == 30
    arn = role(pages, "next-in-chain")
    chained = credentials(
        local.sts("AssumeRole", assumed(pages, "longer"), RoleArn=arn, RoleSessionName="chained-jo")
    )
    assert asks(browser, session_of(chained), SessionDuration="900").body == WRONG
    assert asks(browser, session_of(chained)).status == 200
    federated = credentials(local.sts("GetFederationToken", Name="fed"))
    assert asks(browser, session_of(federated), SessionDuration="900").body == WRONG


def test_a_federated_user_signs_in_too(pages: Site) -> None:
    """With the permissions that the token's policy leaves."""
    allow = {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    given = credentials(pages.local.sts("GetFederationToken", Name="fed", Policy=policy))
    browser = pages.browser()
    follows(browser, link(token_of(browser, given)))
    page = browser.get("/")
    assert "federated-user/fed" in page.text
    assert "As a federated user" in page.text
    assert "Switch role" not in page.text
    arn = role(pages, "not-for-federated")
    assert "cannot switch" in browser.post("/switchrole", roleName=arn, account="1").alert
    asked = role_shapes.SwitchRoleRequest(account=account_of(pages), role="not-for-federated")
    with pytest.raises(Exception, match="Cannot call SwitchRole as a federated user"):
        as_person(browser, role_shapes.SWITCH_ROLE, asked)
    assert as_person(browser, iam.ListUsers, iam.ListUsersRequest()) is not None
    with pytest.raises(Exception, match="not authorized to perform: iam:ListRoles"):
        as_person(browser, iam.ListRoles, iam.ListRolesRequest())


@pytest.mark.parametrize("when", ["before the token", "before the login", "after the login"])
def test_a_role_that_is_gone_signs_nobody_in(pages: Site, when: str) -> None:
    """At whichever moment it goes."""
    name = when.replace(" ", "-")
    role(pages, name)
    given, browser = assumed(pages, name), pages.browser()

    def gone() -> None:
        pages.local.iam("DeleteRolePolicy", RoleName=name, PolicyName="p")
        assert pages.local.iam("DeleteRole", RoleName=name).status == 200
        role(pages, name)

    if when == "before the token":
        gone()
        assert asks(browser, session_of(given)).body == WRONG
        return
    page = browser.get(link(token_of(browser, given)))
    if when == "before the login":
        gone()
        assert browser.post("/federation/login", hidden(page)).status == 403
    else:
        browser.post("/federation/login", hidden(page))
        assert browser.is_signed_in
        gone()
    assert not browser.is_signed_in


def test_a_logout_ends_the_session(pages: Site) -> None:
    """By GET, as tools expect; it leads to our own pages alone."""
    role(pages, "leaves")
    browser = pages.browser()
    for redirect, ends in (("https://evil.example/", "/signed-out"), (f"{URL}/signin", "/signin")):
        follows(browser, link(token_of(browser, assumed(pages, "leaves"))))
        cookie = browser.cookies[SESSION]
        url = f"/federation?Action=logout&redirect={quote_plus(redirect)}"
        page = browser.get(url, follow=False)
        assert page.header("location") == ends
        assert "storage" in page.header("clear-site-data")
        browser.cookies[SESSION] = cookie
        assert not browser.is_signed_in


def test_the_records_of_a_broker(pages: Site) -> None:
    """Of the role's session, and without a secret."""
    role(pages, "told")
    given, browser = assumed(pages, "told"), pages.browser()
    token = token_of(browser, given)
    follows(browser, link(token))
    made, login = (
        written(pages.named("GetSigninToken")[-1]),
        written(pages.named("ConsoleLogin")[-1]),
    )
    for record in (made, login):
        assert record["eventSource"] == "signin.amazonaws.com"
        assert record["userIdentity"]["arn"].endswith("assumed-role/told/broker-jo")
    assert made["responseElements"] == {"credentials": None, "GetSigninToken": "Success"}
    assert made["userIdentity"]["accessKeyId"] == given.access_key
    text = json.dumps([written(event) for event in pages.local.events[-20:]])
    for secret in (given.secret_key, given.token, token.partition(".")[2]):
        assert secret not in text


def test_fifty_uses_of_one_token_at_a_time(pages: Site) -> None:
    """Exactly one is signed in."""
    role(pages, "parallel")
    token = token_of(pages.browser(), assumed(pages, "parallel"))
    browsers = [pages.browser() for _ in range(50)]
    body = f"SigninToken={token}&Issuer=&Destination=".encode()

    async def every() -> list[Page]:
        calls = [each.send("POST", "/federation/login", body) for each in browsers]
        return await asyncio.gather(*calls)

    statuses = [page.status for page in pages.loop.run_until_complete(every())]
    assert sorted(statuses) == [303] + [403] * 49
    assert sum(SESSION in each.cookies for each in browsers) == 1


def test_no_session_extends_itself(pages: Site) -> None:
    """Credentials of a program that the session let in do not begin a longer one."""
    role(pages, "for-ever")
    may(pages, "Role", "for-ever", "*")
    browser = pages.browser()
    follows(browser, link(token_of(browser, assumed(pages, "for-ever", DurationSeconds="900"))))
    given = of_program(Program(pages).logged_in(browser))
    longer = pages.browser()
    follows(longer, link(token_of(longer, given, SessionDuration="3600")))
    shown = as_person(longer, shapes.DESCRIBE_SESSION, shapes.Nothing())
    assert shown.expires - shown.began <= 900


def test_a_token_is_a_token_and_no_more(pages: Site, quick: None) -> None:
    """No cookie of another step is one, and it is no cookie of theirs (CO-8)."""
    role(pages, "staged")
    browser = signed_in(pages, user(pages, "staged"))
    session, token = browser.cookies[SESSION], token_of(browser, assumed(pages, "staged"))
    assert browser.get(link(session)).status == 403
    assert browser.post("/federation/login", {"SigninToken": session}).status == 403
    for name in (SESSION, STEP, "__Host-ks-next"):
        browser.cookies = {name: token}
        assert not browser.is_signed_in
        assert browser.get("/signin/role").status == 403
    browser.cookies = {SESSION: session}
    assert browser.is_signed_in
    assert browser.get(link(token)).status == 200
