"""Somebody from outside has a session of a role, or chooses one. (sign-in.md 4.8)"""

import json
import re
from collections.abc import Iterator

import pytest

from keystead.errors import AwsError
from keystead.identity.signin.sessions import sessions
from keystead.wire.models import iam, sts
from tests.console.browser import SESSION, STEP, Site
from tests.console.calls import as_person
from tests.console.outside import HOUR, Outside, open_to_outsiders
from tests.console.people import minutes, refused, signed_in, user
from tests.console.test_records import written
from tests.federation.saml_issuer import described


@pytest.fixture(scope="module")
def outside(pages: Site) -> Iterator[Outside]:
    with open_to_outsiders():
        yield Outside(pages)


def buttons(text: str) -> list[str]:
    """The roles that a page lets one choose, in order."""
    return re.findall(r'name="role" value="\d+"[^>]*>([^<]*)</button>', text)


def number(text: str, role: str) -> str:
    [value, *_] = re.findall(rf'name="role" value="(\d+)"[^>]*>{re.escape(role)}</button>', text)
    return str(value)


def test_one_role_is_a_session_at_once(outside: Outside) -> None:
    """Its pages say so, and its calls have the permissions of the role and its condition keys."""
    browser = outside.signed_in(outside.role("only"))
    page = browser.get("/")
    assert page.title == "Your session"
    assert "assumed-role/only/jo" in page.text
    assert outside.provider in page.text
    assert as_person(browser, iam.ListUsers, iam.ListUsersRequest()) is not None
    for path in ("/security",):
        assert browser.get(path).status == 403
    assert browser.post("/security/key").status == 403
    assert browser.post("/signout").title == "Signed out"
    assert not browser.is_signed_in


def test_a_login_has_the_record_of_the_decision_too(outside: Outside) -> None:
    """That of AssumeRoleWithSAML, of the person, and ConsoleLogin, of the role's session."""
    events, role = outside.site.local.events, outside.role("recorded")
    before = len(events)
    outside.signed_in(role)
    login, assumed = [written(event) for event in events[before:]]
    assert login["eventName"] == "ConsoleLogin"
    assert login["eventType"] == "AwsConsoleSignIn"
    assert login["responseElements"] == {"ConsoleLogin": "Success"}
    assert login["userIdentity"]["type"] == "AssumedRole"
    assert login["userIdentity"]["arn"].endswith(":assumed-role/recorded/jo")
    assert login["additionalEventData"]["MFAUsed"] == "No"
    assert assumed["eventName"] == "AssumeRoleWithSAML"
    assert assumed["eventSource"] == "sts.amazonaws.com"
    assert assumed["eventType"] == "AwsApiCall"
    assert assumed["userIdentity"]["type"] == "SAMLUser"
    assert assumed["requestParameters"]["roleArn"] == role
    assert assumed["requestParameters"]["principalArn"] == outside.provider
    assert "credentials" not in json.dumps(assumed)


def test_a_provider_does_not_fill_the_store(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the people of an account's providers so many are at the role chooser; the oldest goes."""
    monkeypatch.setattr(sessions, "MOST_CHOOSING", 8)
    roles = [outside.role(f"filling-{each}") for each in range(2)]
    browsers = [outside.site.browser() for _ in range(12)]
    chosen = outside.signed_in(roles[0])
    for place, browser in enumerate(browsers):
        minutes(outside.site, 0.02)
        assert outside.came(browser, outside.person(f"filler-{place}", roles)) == "role"

    titles = [browser.get("/signin/role").title for browser in browsers]

    assert titles == ["Sign in"] * 4 + ["Choose a role"] * 8
    assert chosen.is_signed_in


def test_several_roles_are_chosen_from(outside: Outside) -> None:
    """Those whose trust policy refuses stand below, with a reason, and cannot be chosen."""
    roles = [
        outside.role("b-dev", "/team/", Description="<b>Development</b>"),
        outside.role("a-ops"),
    ]
    roles += [outside.role("closed", trusts=False), roles[0].replace("b-dev", "not-there")]
    browser = outside.site.browser()
    assert outside.came(browser, outside.person("jo", roles)) == "role"
    assert not browser.is_signed_in
    page = browser.get("/signin/role")
    assert page.title == "Choose a role"
    assert buttons(page.text) == ["a-ops", "team/b-dev"]
    assert b"&lt;b&gt;Development" in page.body
    assert re.findall(r"disabled>([^<]*)<", page.text) == ["closed", "team/not-there"]

    refusal = browser.post("/signin/role", role="2")
    assert refused(refusal) == "Not authorized to perform sts:AssumeRoleWithSAML"
    assert browser.post("/signin/role", role="9").status == 403
    assert browser.post("/signin/role", role="x").status == 403

    step = browser.cookies[STEP]
    page = browser.post("/signin/role", role=number(page.text, "team/b-dev"))
    assert page.title == "Your session"
    assert "assumed-role/b-dev/jo" in page.text
    browser.cookies[STEP] = step  # Back, and another choice: the step is over
    assert "Start again" in refused(browser.post("/signin/role", role="1"))


def test_the_last_choice_comes_first(outside: Outside) -> None:
    """For this person alone, and only while it may be chosen."""
    roles = [outside.role(f"last-{each}") for each in "xyz"]
    browser = outside.site.browser()
    outside.came(browser, outside.person("lee", roles))
    browser.post("/signin/role", role="1")
    browser = outside.site.browser()
    outside.came(browser, outside.person("lee", roles))
    page = browser.get("/signin/role")
    assert buttons(page.text)[0] == "last-y"
    assert "last used" in page.text
    other = outside.site.browser()
    outside.came(other, outside.person("kim", roles))
    assert buttons(other.get("/signin/role").text) == ["last-x", "last-y", "last-z"]
    outside.iam("DeleteRolePolicy", RoleName="last-y", PolicyName="all")
    outside.iam("DeleteRole", RoleName="last-y")
    assert buttons(browser.get("/signin/role").text) == ["last-x", "last-z"]


def test_a_thousand_roles_are_searched(outside: Outside) -> None:
    """A page has twenty-five; a search finds by name and by alias; no script is needed."""
    base = outside.role("many-0500")
    roles = [base, *(base.replace("0500", f"{each:04}") for each in range(1100) if each != 500)]
    browser = outside.site.browser()
    assert outside.came(browser, outside.person("jo", roles)) == "role"
    page = browser.get("/signin/role")
    assert "1000 roles" in page.text
    assert "first=25" in page.text
    assert len(re.findall("disabled>", page.text)) == 25
    assert buttons(browser.get("/signin/role?q=MANY-050").text) == ["many-0500"]
    assert buttons(browser.get("/signin/role?q=&first=500").text) == ["many-0500"]
    assert "No role has this text" in browser.get("/signin/role?q=%3Cscript%3E").text
    assert b"<script" not in browser.get("/signin/role?q=%3Cscript%3E").body
    outside.iam("CreateAccountAlias", AccountAlias="big-corp")
    assert "1000 roles" in browser.get("/signin/role?q=big-c").text
    stranger = outside.site.browser()  # none of whose roles lets her in: no alias is told
    assert outside.came(stranger, outside.person("flo", roles[1:40])) == "role"
    assert "No role has this text" in stranger.get("/signin/role?q=big-c").text
    outside.iam("DeleteAccountAlias", AccountAlias="big-corp")


def test_none_of_the_roles_can_be_used(outside: Outside) -> None:
    """Nobody is signed in, and the record says why."""
    browser = outside.site.browser()
    roles = [outside.role("no-1", trusts=False)]
    assert outside.came(browser, outside.person("jo", roles)) == "no_role"
    record = written(outside.site.named("ConsoleLogin")[-1])
    assert record["responseElements"] == {"ConsoleLogin": "Failure"}
    assert record["errorMessage"] == "None of the roles could be used"
    assert record["keystead"]["decisions"]
    assert outside.came(browser, outside.person("jo", [])) == "no_role"
    assert not browser.is_signed_in


def test_a_choice_that_is_refused_is_a_login_that_failed(outside: Outside) -> None:
    """Of a role that trusts the person no more, and of one that is not there."""
    roles = [outside.role(f"trusting-{each}") for each in range(3)]
    browser = outside.site.browser()
    assert outside.came(browser, outside.person("jo", roles)) == "role"
    nobody = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [nobody]})
    outside.iam("UpdateAssumeRolePolicy", RoleName="trusting-0", PolicyDocument=policy)
    for choice in ("0", "7"):
        assert browser.post("/signin/role", role=choice).alert
        record = written(outside.site.named("ConsoleLogin")[-1])
        assert record["responseElements"] == {"ConsoleLogin": "Failure"}
        assert record["errorCode"] == "AccessDeniedException"
        assert record["userIdentity"]["type"] == "SAMLUser"
    assert SESSION not in browser.cookies
    assert browser.post("/signin/role", role="1").title == "Your session"


def test_somebody_is_signed_in_already(outside: Outside) -> None:
    """One role is chosen by a click then, and the session before ends with it."""
    user(outside.site, "before")
    browser = signed_in(outside.site, "before")
    old = browser.cookies[SESSION]
    role = outside.role("confirmed")
    assert outside.came(browser, outside.person("jo", [role]), confirm=True) == "role"
    page = browser.get("/signin/role")
    assert "signed in as somebody else" in page.text
    assert "user/before" in browser.get("/").text
    assert "assumed-role/confirmed" in browser.post("/signin/role", role="0").text
    browser.cookies[SESSION] = old
    assert not browser.is_signed_in


def test_the_chooser_waits_for_five_minutes(outside: Outside) -> None:
    """And a cookie of another step opens nothing."""
    roles = [outside.role("late-1"), outside.role("late-2")]
    browser = outside.site.browser()
    outside.came(browser, outside.person("jo", roles))
    cookie = browser.cookies[STEP]
    minutes(outside.site, 4.9)
    assert browser.get("/signin/role").title == "Choose a role"
    minutes(outside.site, 0.2)
    assert "Start again" in refused(browser.post("/signin/role", role="0"))
    browser.cookies[SESSION] = cookie
    assert not browser.is_signed_in


@pytest.mark.parametrize("how", ["provider", "role", "renewed-role", "revoked"])
def test_what_a_session_stands_on_ends_it(outside: Outside, how: str) -> None:
    """On return of the call that changes it; the session of another role stays."""
    role, other = outside.role(f"stands-{how}"), outside.role(f"stays-{how}")
    browser, stays = outside.signed_in(role), outside.signed_in(other)
    if how == "provider":
        metadata = described("other")
        outside.iam(
            "UpdateSAMLProvider", SAMLProviderArn=outside.provider, SAMLMetadataDocument=metadata
        )
        assert not stays.is_signed_in
    elif how == "revoked":  # AWSRevokeOlderSessions
        deny = {
            "Effect": "Deny", "Action": "*", "Resource": "*",
            "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2099-01-01T00:00:00Z"}},
        }  # fmt: skip
        document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
        outside.iam(
            "PutRolePolicy", RoleName=f"stands-{how}", PolicyName="r", PolicyDocument=document
        )
        with pytest.raises(AwsError, match="explicit deny"):
            as_person(browser, iam.ListUsers, iam.ListUsersRequest())
        return
    else:
        outside.iam("DeleteRolePolicy", RoleName=f"stands-{how}", PolicyName="all")
        outside.iam("DeleteRole", RoleName=f"stands-{how}")
        if how == "renewed-role":
            outside.role(f"stands-{how}")
        assert stays.is_signed_in
    assert not browser.is_signed_in


def test_a_change_of_the_provider_ends_a_choice(outside: Outside) -> None:
    """The facts were proved by another one."""
    roles = [outside.role("gone-1"), outside.role("gone-2")]
    browser = outside.site.browser()
    outside.came(browser, outside.person("jo", roles))
    outside.iam(
        "UpdateSAMLProvider", SAMLProviderArn=outside.provider,
        SAMLMetadataDocument=described("idp", "other"),
    )  # fmt: skip
    assert "has changed" in refused(browser.post("/signin/role", role="0"))
    assert buttons(browser.get("/signin/role").text) == []


def test_a_session_lasts_as_long_as_role_and_provider_say(outside: Outside) -> None:
    """And 30 minutes without a call, as every session of pages."""
    short = outside.signed_in(outside.role("short"), seconds=12 * HOUR)  # the role: an hour
    for _ in range(3):
        minutes(outside.site, 19)
        assert short.is_signed_in
    minutes(outside.site, 4)
    assert not short.is_signed_in
    idle = outside.signed_in(outside.role("idle", MaxSessionDuration="7200"), seconds=7200)
    minutes(outside.site, 31)
    assert not idle.is_signed_in


def test_a_session_of_pages_gives_no_credentials(outside: Outside) -> None:
    """What could sign elsewhere is refused, whatever the role may do."""
    browser = outside.signed_in(outside.role("exporting"))
    asked = sts.AssumeRoleRequest(role_arn=outside.role("target"), role_session_name="jo")
    with pytest.raises(AwsError, match="Cannot call AssumeRole with session credentials"):
        as_person(browser, sts.AssumeRole, asked)
    with pytest.raises(AwsError, match="Cannot call GetScopedCredentials"):
        scoped = sts.GetScopedCredentialsRequest(duration_seconds=900)
        as_person(browser, sts.GetScopedCredentials, scoped)
