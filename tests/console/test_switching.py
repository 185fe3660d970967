"""A person acts in roles, each in tabs of its own. (sign-in.md 4.9, 7.3)"""

import asyncio
import json
import re
from collections.abc import Iterator

import pytest

from keystead.audit.records.event import CONSOLE
from keystead.errors import AwsError
from keystead.identity.signin.asked import role_shapes, shapes
from keystead.wire.http import Endpoint, HttpRequest
from keystead.wire.models import iam
from tests.console.browser import SESSION, Browser, Page, Site
from tests.console.calls import as_person
from tests.console.outside import Outside, open_to_outsiders
from tests.console.people import (
    NEXT,
    account_of,
    given_password,
    minutes,
    refused,
    signed_in,
    user,
)
from tests.console.test_records import written


@pytest.fixture(scope="module", autouse=True)
def _cheap(pages: Site) -> Iterator[None]:
    with open_to_outsiders():
        yield


def role(site: Site, name: str, path: str = "/", **condition: object) -> str:
    """A role for everybody of the account who has a policy; its ARN."""
    account = account_of(site)
    trust = {
        "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "sts:AssumeRole", **({"Condition": condition} if condition else {}),
    }  # fmt: skip
    made = site.local.iam(
        "CreateRole", RoleName=name, Path=path,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )  # fmt: skip
    assert made.status == 200, made.body
    may(site, "Role", name, "iam:ListUsers")
    return f"arn:aws:iam::{account}:role{path}{name}"


def may(site: Site, kind: str, name: str, action: str, effect: str = "Allow") -> None:
    statement = {"Effect": effect, "Action": action, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    put = {f"{kind}Name": name, "PolicyName": "p", "PolicyDocument": document}
    assert site.local.iam(f"Put{kind}Policy", **put).status == 200


def person(site: Site, name: str) -> Browser:
    """A user who may assume every role that lets it in."""
    user(site, name)
    may(site, "User", name, "sts:AssumeRole")
    return signed_in(site, name)


def switch(browser: Browser, name: str, account: str = "", **more: str) -> Page:
    fields = {"account": account or account_of(browser.site), "roleName": name, **more}
    return browser.post("/switchrole", fields, follow=False)


def switched(browser: Browser, name: str, account: str = "", **more: str) -> str:
    """The path of the new actor."""
    page = switch(browser, name, account, **more)
    assert page.status == 303, page.text
    path = page.header("location")
    assert re.fullmatch(r"/c/[0-9a-f]{12}/", path)
    return path


def at(browser: Browser, path: str, operation: object, asked: object) -> object:
    """A call of a page at this path."""
    headers = {"host": "localhost:8421", "cookie": f"{SESSION}={browser.cookies[SESSION]}"}
    visit = HttpRequest("POST", path, "", headers, b"", browser.ip, False, Endpoint(CONSOLE))
    call = browser.site.calls.call(visit, operation, asked)  # type: ignore[arg-type,var-annotated]  # any
    return browser.site.loop.run_until_complete(call)


def users(browser: Browser, path: str) -> None:
    """A call that the role may make, and the person may not."""
    at(browser, path, iam.ListUsers, iam.ListUsersRequest())


def test_a_tab_acts_as_its_path_says(pages: Site, quick: None) -> None:
    """The role in its tab, the person in every other; the cookie is another one."""
    role(pages, "tab", "/team/")
    browser = person(pages, "tabs")
    before = browser.cookies[SESSION]
    path = switched(browser, "team/tab", displayName="Prod <b>", color="F2B0A9")
    page = browser.get(path)
    assert "assumed-role/tab/tabs" in page.text
    assert b"Prod &lt;b&gt;" in page.body
    assert page.title == "Prod <b>"
    assert 'fill="#F2B0A9"' in page.text.partition("</header>")[0]
    assert "user/tabs" in browser.get("/").text.partition("<h1>")[2].partition("</dl>")[0]
    users(browser, path)
    with pytest.raises(AwsError, match="user/tabs is not authorized to perform: iam:ListUsers"):
        users(browser, "/")
    new, browser.cookies[SESSION] = browser.cookies[SESSION], before
    assert not browser.is_signed_in  # the cookie before is worth nothing
    browser.cookies[SESSION] = new
    assert browser.is_signed_in


def test_the_switch_is_decided_for_the_person(pages: Site, quick: None) -> None:
    """What a role may assume does not count, and its tab cannot ask."""
    role(pages, "first")
    role(pages, "second")
    user(pages, "chain")
    may(pages, "User", "chain", "sts:AssumeRole")
    browser = signed_in(pages, "chain")
    path = switched(browser, "first")
    may(pages, "Role", "first", "sts:AssumeRole")
    may(pages, "User", "chain", "sts:AssumeRole", "Deny")
    page = switch(browser, "second")
    assert "user/chain is not authorized to perform: sts:AssumeRole" in refused(page)
    asked = role_shapes.SwitchRoleRequest(account=account_of(pages), role="second")
    with pytest.raises(shapes.SignInEnded):
        at(browser, path, role_shapes.SWITCH_ROLE, asked)
    assert browser.post("/role/renew", actor=path[3:-1]).status == 400


def test_refusals_and_their_twins(pages: Site, quick: None) -> None:
    """Conditions count; an unknown role, account or alias is refused as one that does not trust."""
    role(pages, "needs-id", StringEquals={"sts:ExternalId": "x"})
    role(pages, "needs-mfa", Bool={"aws:MultiFactorAuthPresent": "true"})
    role(pages, "free")
    browser = person(pages, "tries")
    for name in ("needs-id", "needs-mfa", "not-there", "a b", ""):
        assert refused(switch(browser, name))
    alias = "You may not switch to this role, or there is no such role."
    pages.local.iam("CreateAccountAlias", AccountAlias="switchers")
    assert refused(switch(browser, "not-there", "switchers")) == alias
    assert refused(switch(browser, "free", "nobodys-alias")) == alias
    assert "999999999999" in refused(switch(browser, "free", "999999999999"))
    assert switch(browser, "free", "switchers").status == 303


def test_root_cannot_switch(pages: Site) -> None:
    """The page says so, and the operation refuses."""
    role(pages, "not-for-root")
    browser, first = pages.browser("127.0.0.1"), given_password(pages)
    browser.sign_in_as_root(pages.local.founded.email, first)
    browser.change(first, NEXT)
    assert "root user and federated users cannot switch" in browser.get("/switchrole").alert
    assert switch(browser, "not-for-root").status == 403
    asked = role_shapes.SwitchRoleRequest(account=account_of(pages), role="not-for-root")
    with pytest.raises(AwsError, match="Cannot call SwitchRole"):
        as_person(browser, role_shapes.SWITCH_ROLE, asked)


def test_five_actors_at_most(pages: Site, quick: None) -> None:
    """The person and four roles. One that is left makes room; the same role is the same actor."""
    browser = person(pages, "five")
    for number in range(5):
        role(pages, f"five-{number}")
    paths = [switched(browser, f"five-{number}") for number in range(4)]
    assert len(set(paths)) == 4
    assert "4 roles already" in refused(switch(browser, "five-4"))
    assert switched(browser, "five-0") == paths[0]
    assert browser.post("/role/exit", actor=paths[1][3:-1]).title == "Your session"
    page = browser.get(paths[1])
    assert (page.status, page.title) == (401, "This role is over")
    assert "Switch to five-1 again" in page.text
    switched(browser, "five-4")
    for path in (paths[0], paths[2], paths[3]):
        assert browser.get(path).status == 200


def test_a_role_is_over_and_the_person_is_not(pages: Site, quick: None) -> None:
    """After an hour; renewed before, it lasts longer. After a new sign-in the path is the same."""
    role(pages, "hour")
    browser = person(pages, "hours")
    path = switched(browser, "hour")
    for _ in range(2):
        minutes(pages, 25)
        browser.get(path)
    assert browser.post("/role/renew", actor=path[3:-1]).title == "hour"
    minutes(pages, 25)
    assert browser.get(path).status == 200
    minutes(pages, 29)
    assert browser.get("/").status == 200
    minutes(pages, 29)
    assert browser.get(path).status == 401
    assert browser.is_signed_in
    minutes(pages, 31)
    browser.get(path)
    fields = {"as": "user", "account": account_of(pages), "user": "hours", "password": "x"}
    page = browser.post("/signin", fields)
    assert page.title == "This role is over"
    [hidden] = re.findall(r'name="roleName" value="([^"]*)"', page.text)
    assert switched(browser, hidden) == path


@pytest.mark.parametrize("how", ["role", "person", "sign-out"])
def test_what_an_actor_stands_on_ends_it(pages: Site, quick: None, how: str) -> None:
    """The role, the person, and the sign-in."""
    role(pages, f"ends-{how}")
    browser = person(pages, f"actor-{how}")
    path = switched(browser, f"ends-{how}")
    cookie = browser.cookies[SESSION]
    if how == "role":
        pages.local.iam("DeleteRolePolicy", RoleName=f"ends-{how}", PolicyName="p")
        pages.local.iam("DeleteRole", RoleName=f"ends-{how}")
        role(pages, f"ends-{how}")
        assert browser.get(path).status == 401
        assert browser.is_signed_in
        return
    if how == "person":
        pages.local.iam("UpdateLoginProfile", UserName=f"actor-{how}", Password=NEXT)
    else:
        browser.post("/signout")
    browser.cookies[SESSION] = cookie
    assert browser.get(path, follow=False).status == 303
    browser.cookies[SESSION] = cookie
    with pytest.raises(shapes.SignInEnded):
        users(browser, path)


def test_the_path_of_another_person_is_nothing(pages: Site, quick: None) -> None:
    """An actor belongs to a sign-in; a path in another spelling acts as the person."""
    role(pages, "mine")
    mine, other = person(pages, "mine-a"), person(pages, "mine-b")
    path = switched(mine, "mine")
    assert switched(other, "mine") != path
    assert other.get(path).status == 401
    for spelled in (path.replace("/c/", "/%63/"), path.upper(), path.replace("/c/", "//c/")):
        page = mine.get(spelled)
        assert "assumed-role" not in page.text.partition("<h1>")[2].partition("</dl>")[0]


def test_a_role_changes_no_credentials_of_the_person(pages: Site, quick: None) -> None:
    """These pages are the person's; there is none of them below the path of a role."""
    role(pages, "no-credentials")
    browser = person(pages, "keeps")
    path = switched(browser, "no-credentials")
    assert browser.get("/security").status == 200
    assert browser.get(f"{path}security").status == 404
    assert "Security credentials" not in browser.get(path).text


def test_a_link_only_fills_the_form(pages: Site, quick: None) -> None:
    """AWS's names of the parameters; hostile texts are texts."""
    browser, before = person(pages, "linked"), len(pages.named("SwitchRole"))
    evil = "%3Cscript%3Ealert(1)%3C/script%3E"
    page = browser.get(
        f"/switchrole?account=123456789012&roleName=a/b&displayName={evil}&color=red"
    )
    assert page.title == "Switch role"
    assert 'value="123456789012"' in page.text
    assert b"<script" not in page.body
    assert len(pages.named("SwitchRole")) == before


def test_the_roles_that_a_person_used_are_listed(pages: Site, quick: None) -> None:
    """Of this person, after another sign-in, too; searchable."""
    browser = person(pages, "lists")
    for number in range(4):
        role(pages, f"list-{number}")
        minutes(pages, 0.1)
        switched(browser, f"list-{number}", displayName=f"Shown {number}")
        browser.post("/role/exit", actor=browser.get("/").text.partition("/c/")[2][:12])
    again = signed_in(pages, "lists")
    listed = again.get("/switchrole").text
    assert [listed.index(f"Shown {number}") for number in (3, 2, 1, 0)] == sorted(
        listed.index(f"Shown {number}") for number in range(4)
    )
    assert "Shown 2" in again.get("/switchrole?q=shown+2").text
    assert "Shown 1" not in again.get("/switchrole?q=shown+2").text
    assert "Shown" not in person(pages, "lists-not").get("/switchrole").text


def test_somebody_from_outside_switches_too(pages: Site) -> None:
    """For an hour at most, as a chain; it ends with the provider."""
    outside = Outside(pages, "idp-switch")
    role(pages, "from-outside")
    pages.local.iam("UpdateRole", RoleName="from-outside", MaxSessionDuration="7200")
    browser = outside.signed_in(outside.role("entrance"))
    path = switched(browser, "from-outside")
    assert "assumed-role/from-outside/jo" in browser.get(path).text
    shown = at(browser, path, shapes.DESCRIBE_SESSION, shapes.Nothing())
    assert isinstance(shown, shapes.SessionAnswer)
    assert shown.expires - shown.began == 3600
    outside.iam("DeleteSAMLProvider", SAMLProviderArn=outside.provider)
    assert browser.get(path, follow=False).status == 303


def test_the_records_of_a_switch(pages: Site, quick: None) -> None:
    """Of the role's session, from whom, and that it ended."""
    role(pages, "recorded-switch")
    browser = person(pages, "records")
    path = switched(browser, "recorded-switch")
    browser.post("/role/renew", actor=path[3:-1])
    users(browser, path)
    listed = written(pages.local.events[-1])
    browser.post("/role/exit", actor=path[3:-1])
    for name in ("SwitchRole", "RenewRole", "ExitRole"):
        record = written(pages.named(name)[-1])
        assert record["eventSource"] == "signin.amazonaws.com"
        assert record["responseElements"] == {name: "Success"}
        who = record["userIdentity"]
        assert who["arn"].endswith("assumed-role/recorded-switch/records")
        assert who["sessionContext"]["sessionIssuer"]["userName"] == "recorded-switch"
        assert who["accessKeyId"] == listed["userIdentity"]["accessKeyId"]
    switch_from = written(pages.named("SwitchRole")[-1])["additionalEventData"]["SwitchFrom"]
    assert switch_from.endswith("user/records")
    assert listed["sessionCredentialFromConsole"] == "true"
    assert listed["userIdentity"]["accessKeyId"].startswith("ASIA")
    assert (
        listed["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] == "recorded-switch"
    )
    denied = switch(browser, "not-there")
    assert denied.status == 403
    assert written(pages.named("SwitchRole")[-1])["errorCode"] == "AccessDeniedException"


def test_a_form_that_is_sent_twice_signs_nobody_out(pages: Site, quick: None) -> None:
    """One of two switches at a time succeeds; the browser keeps the cookie of that one."""
    role(pages, "twice")
    browser = person(pages, "twice-sent")
    body = f"account={account_of(pages)}&roleName=twice&displayName=&color=".encode()

    async def both() -> list[Page]:
        return await asyncio.gather(*(browser.send("POST", "/switchrole", body) for _ in range(2)))

    first, second = pages.loop.run_until_complete(both())
    assert first.header("location").startswith("/c/")
    assert second.header("location") == "/signin"
    assert browser.get("/signin", follow=False).header("location") == "/"
    assert browser.get(first.header("location")).status == 200


def test_a_role_was_used_when_a_page_acts_in_it(pages: Site, quick: None) -> None:
    """As by credentials of it."""
    role(pages, "used-on-pages")
    browser = person(pages, "uses")
    browser.get(switched(browser, "used-on-pages"))
    installation = pages.local.installation
    installation.upkeep.write_last_used()
    answer = pages.local.iam("GetRole", RoleName="used-on-pages")
    assert b"<LastUsedDate>" in answer.body


def test_a_role_of_another_account(pages: Site, quick: None) -> None:
    """Both accounts must allow it, and both have a record; the page shows the other account."""
    local, here = pages.local, account_of(pages)
    local.organizations("CreateOrganization", FeatureSet="ALL")
    made = local.organizations("CreateAccount", Email="other@example.com", AccountName="other")
    status = made.json["CreateAccountStatus"]
    other = str(status["AccountId"])
    access = f"arn:aws:iam::{other}:role/OrganizationAccountAccessRole"
    browser = person(pages, "crosses")
    path = switched(browser, "OrganizationAccountAccessRole", account=other)
    assert f"arn:aws:sts::{other}:assumed-role" in browser.get(path).text
    users(browser, path)
    recipients = {written(event)["recipientAccountId"] for event in pages.named("SwitchRole")[-2:]}
    assert recipients == {here, other}
    may(pages, "User", "crosses", "sts:AssumeRole", "Deny")
    page = switch(browser, "OrganizationAccountAccessRole", other)
    assert f"sts:AssumeRole on resource: {access}" in refused(page)
