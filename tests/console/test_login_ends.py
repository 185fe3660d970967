"""What a program's session stands on, on other devices and in roles, and when it ends."""

import base64
import json
import re
from collections.abc import Callable
from datetime import timedelta
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import pytest

from keystead.server.installation import perform
from tests.console.browser import Page, Site
from tests.console.logging_in import CHANGED, OVER, USED, person, who, with_code
from tests.console.outside import Outside, open_to_outsiders
from tests.console.people import (
    NEXT,
    account_of,
    minutes,
    signed_in,
    user,
)
from tests.console.programs import (
    ALLOWED,
    CONFIRMATION,
    CROSS,
    Program,
    credentials,
    may_log_in,
    refusal,
    told,
)
from tests.console.test_ending import Device
from tests.console.test_switching import person as acting_person
from tests.console.test_switching import role, switched
from tests.federation.saml_issuer import described

pytestmark = pytest.mark.usefixtures("quick")


# what it stands on


def _password(site: Site, name: str) -> None:
    site.local.iam("UpdateLoginProfile", UserName=name, Password=NEXT)


def _no_password(site: Site, name: str) -> None:
    site.local.iam("DeleteLoginProfile", UserName=name)


def _deleted(site: Site, name: str) -> None:
    site.local.iam("DeleteLoginProfile", UserName=name)
    site.local.iam("DetachUserPolicy", UserName=name, PolicyArn=ALLOWED)
    assert site.local.iam("DeleteUser", UserName=name).status == 200
    user(site, name)
    may_log_in(site, name)


def _device(site: Site, name: str) -> None:
    Device(site, name)


@pytest.mark.parametrize("change", [_password, _no_password, _deleted, _device])
def test_what_ends_the_person_ends_its_programs(
    pages: Site, change: Callable[[Site, str], None]
) -> None:
    """Credentials, refresh tokens and codes, when the call has returned."""
    name = f"ends{change.__name__}".replace("_", "-")
    browser, program = person(pages, name), Program(pages)
    answer, code = program.logged_in(browser), program.code(browser)
    assert who(pages, answer)

    change(pages, name)

    assert who(pages, answer) == ""
    assert refusal(program.renew(answer["refreshToken"])) == CHANGED
    assert refusal(program.redeem(code)) in {USED, CHANGED}
    assert refusal(program.renew(answer["refreshToken"])) == OVER


def test_a_closed_account_ends_its_programs(pages: Site) -> None:
    """One that is open again does not give them back, whether they came meanwhile or not."""
    browser, program, unmet = person(pages, "of-closed"), Program(pages), Program(pages)
    answer, other = program.logged_in(browser), unmet.logged_in(browser)

    def close(verb: str) -> None:
        perform(pages.local.installation, f"account {verb}", {"account_id": account_of(pages)})
        pages.local.time.passes(timedelta(seconds=1))

    close("suspend")
    assert who(pages, answer) == ""
    assert refusal(program.renew(answer["refreshToken"])) == CHANGED
    close("reopen")
    assert who(pages, answer) == who(pages, other) == ""
    assert refusal(program.renew(answer["refreshToken"])) == OVER
    assert refusal(unmet.renew(other["refreshToken"])) == CHANGED


def test_a_persons_closed_account_ends_what_acts_elsewhere(pages: Site) -> None:
    """In a role of another account, which is open; the refusal says that the session has ended."""
    local, name = pages.local, "closed-elsewhere"
    local.organizations("CreateOrganization", FeatureSet="ALL")
    made = local.organizations("CreateAccount", Email="of@example.com", AccountName="elsewhere")
    other = str(made.json["CreateAccountStatus"]["AccountId"])
    browser, program = acting_person(pages, name), Program(pages)
    actor = switched(browser, "OrganizationAccountAccessRole", account=other)[3:-1]
    form = {**program.parameters, "answer": "allow", "hours": "12", "actor": actor}
    codes = [code_of(browser.post("/v1/authorize", form, follow=False)) for _ in range(2)]
    answer = told(program.redeem(codes[0]))
    assert f":{other}:" in who(pages, answer)
    for verb in ("suspend", "reopen"):
        perform(local.installation, f"account {verb}", {"account_id": account_of(pages)})
        local.time.passes(timedelta(seconds=1))
    assert who(pages, answer) == ""
    assert refusal(program.redeem(codes[1])) in {USED, CHANGED}
    assert refusal(program.renew(answer["refreshToken"])) == CHANGED


def test_a_copy_from_before_gives_nothing(pages: Site) -> None:
    """A token of another incarnation is none of ours, whatever the rows say."""
    browser, program = person(pages, "of-copy"), Program(pages)
    refresh = program.logged_in(browser)["refreshToken"]
    code = program.code(browser)
    hierarchy = pages.local.installation.hierarchy
    with (
        patch.object(hierarchy, "incarnation", "0" * 32),
        patch.object(hierarchy.tokens, "_incarnation", "0" * 32),
    ):
        pages._open()
        assert refusal(program.renew(refresh)) == OVER
        assert refusal(program.redeem(code)) == USED
    pages._open()
    assert program.renew(refresh).status == 200


def test_signing_out_of_the_browser_does_not_end_it(pages: Site) -> None:
    """As at AWS: the program has a session of its own."""
    browser, program = person(pages, "signs-out"), Program(pages)
    answer = program.logged_in(browser)
    browser.post("/signout")
    assert who(pages, answer)
    assert program.renew(answer["refreshToken"]).status == 200


def test_a_session_outlives_a_restart(pages: Site) -> None:
    """The store has it."""
    browser, program = person(pages, "outlives"), Program(pages)
    answer = program.logged_in(browser)
    pages.reopen()
    assert who(pages, answer)
    assert program.renew(answer["refreshToken"]).status == 200


def test_credentials_are_as_old_as_the_sign_in(pages: Site) -> None:
    """So a policy against what was issued before some time holds for renewed ones, too."""
    browser, program = person(pages, "revoked-older"), Program(pages)
    answer = program.logged_in(browser)
    minutes(pages, 20)
    condition = {"DateLessThan": {"aws:TokenIssueTime": pages.local.time.wall().isoformat()}}
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    pages.local.iam(
        "PutUserPolicy", UserName="revoked-older", PolicyName="p", PolicyDocument=document
    )
    assert refusal(program.renew(answer["refreshToken"]))[1] == "INSUFFICIENT_PERMISSIONS"


def test_the_second_factor_is_in_the_credentials(pages: Site) -> None:
    """Policies that ask for it see that of the sign-in, and its age."""
    rule = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    limit = {"NumericLessThan": {"aws:MultiFactorAuthAge": "1200"}}
    allow = {
        "Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*", "Condition": {**rule, **limit}
    }  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    for name in ("with-mfa", "without-mfa"):
        user(pages, name)
        may_log_in(pages, name)
        pages.local.iam("PutUserPolicy", UserName=name, PolicyName="m", PolicyDocument=document)
    device = Device(pages, "with-mfa")
    browser = with_code(pages, device)
    program = Program(pages)
    answer = program.logged_in(browser)
    assert pages.local.kms("ListKeys", credentials(answer)).status == 200
    other = Program(pages).logged_in(signed_in(pages, "without-mfa"))
    assert pages.local.kms("ListKeys", credentials(other)).status == 400
    minutes(pages, 21)
    answer = told(program.renew(answer["refreshToken"]))
    assert pages.local.kms("ListKeys", credentials(answer)).status == 400


# another device


def test_another_device_needs_a_fresh_second_factor(pages: Site) -> None:
    """Then the code is shown once, as a program takes it; nothing is sent anywhere."""
    user(pages, "far")
    may_log_in(pages, "far")
    device = Device(pages, "far")
    browser = with_code(pages, device)
    program = Program(pages, client=CROSS, redirect=CONFIRMATION)
    assert "Whoever gets the code acts as you" in browser.get(program.path()).text
    page = program.asks(browser)
    assert (page.status, page.title) == (200, "Code for a program")
    [text] = re.findall(r"<dd><code>([^<]+)</code>", page.text)
    typed = parse_qs(base64.b64decode(text).decode())
    assert typed["state"] == [program.state]
    minutes(pages, 4)
    assert program.redeem(typed["code"][0]).status == 200
    minutes(pages, 12)
    page = program.asks(browser)
    assert (page.status, page.title) == (403, "Sign in again")
    browser.post("/signout")
    browser.get("/signin")
    pages.local.time.passes(timedelta(seconds=60))
    fields = {"as": "user", "account": account_of(pages), "user": "far", "password": "x"}
    assert browser.post("/signin", fields).title == "Second factor"
    assert browser.post("/signin/mfa", code=device.code()).title == "Let a program act as you"


def test_another_device_without_a_second_factor(pages: Site) -> None:
    """Whoever has none signs in on the same device only."""
    browser = person(pages, "far-without")
    page = Program(pages, client=CROSS, redirect=CONFIRMATION).asks(browser)
    assert (page.status, page.title) == (403, "Sign in again")
    assert "you signed in without one" in page.text


def test_policies_tell_the_clients_apart(pages: Site) -> None:
    """AWS's names of them: localhost and remote."""
    user(pages, "local-only")
    document = json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "signin:*",
        "Resource": f"arn:aws:signin:us-east-1:{account_of(pages)}:oauth2/public-client/localhost",
    }]})  # fmt: skip
    pages.local.iam("PutUserPolicy", UserName="local-only", PolicyName="p", PolicyDocument=document)
    browser = signed_in(pages, "local-only")
    assert Program(pages).logged_in(browser)
    page = Program(pages, client=CROSS, redirect=CONFIRMATION).asks(browser)
    assert page.status == 403
    assert "oauth2/public-client/remote" in page.text


# roles


def test_a_person_lets_a_program_act_in_a_role(pages: Site) -> None:
    """To which it switched. It stands on the person, who sees and ends it."""
    name, arn = "in-a-role", role(pages, "of-programs")
    browser = acting_person(pages, name)
    may_log_in(pages, name)
    assert (
        pages.local.iam("AttachRolePolicy", RoleName="of-programs", PolicyArn=ALLOWED).status == 200
    )
    actor = switched(browser, "of-programs")[3:-1]
    program = Program(pages)
    assert "of-programs in" in browser.get(program.path()).text
    form = {**program.parameters, "answer": "allow", "hours": "12"}

    def code(actor: str) -> Page:
        return browser.post("/v1/authorize", {**form, "actor": actor}, follow=False)

    assert code("x").status == 400
    assert "error=access_denied" in code("0" * 12).header("location")
    first, second = (told(program.redeem(code_of(code(actor)))) for _ in range(2))
    assert (
        who(pages, first)
        == f"{arn.replace(':iam:', ':sts:').replace('role', 'assumed-role')}/{name}"
    )
    assert pages.local.iam("ListUsers", credentials(first)).status == 200
    page = browser.get("/security")
    assert "as the role of-programs" in page.text
    pages.local.time.passes(timedelta(minutes=20))
    first = told(program.renew(first["refreshToken"]))
    assert who(pages, first)
    _password(pages, name)
    assert who(pages, first) == who(pages, second) == ""
    assert refusal(program.renew(first["refreshToken"])) == CHANGED


def code_of(page: Page) -> str:
    return parse_qs(urlsplit(page.header("location")).query)["code"][0]


def test_a_person_from_outside_lets_a_program_act(pages: Site) -> None:
    """As the role it has. A change of its provider ends that, and the role's session does."""
    with open_to_outsiders():
        outside = Outside(pages, "programs")
        arn = outside.role("outsiders")
        assert (
            pages.local.iam("AttachRolePolicy", RoleName="outsiders", PolicyArn=ALLOWED).status
            == 200
        )
        browser, program = outside.signed_in(arn), Program(pages)
        assert "outsiders" in browser.get(program.path()).text
        answer = program.logged_in(browser)
        assert ":assumed-role/outsiders/" in who(pages, answer)
        [login] = re.findall(
            r'name="id" value="([0-9a-f]{32})"', browser.get("/security/logins").text
        )
        answer = told(program.renew(answer["refreshToken"]))
        page = Program(pages, client=CROSS, redirect=CONFIRMATION).asks(browser)
        assert (page.status, page.title) == (403, "Sign in again")
        other = Program(pages).logged_in(browser)
        browser.post("/security/login/end", id=login)
        assert who(pages, answer) == ""
        assert who(pages, other)
        outside.iam(
            "UpdateSAMLProvider", SAMLProviderArn=outside.provider,
            SAMLMetadataDocument=described("idp", "other"),
        )  # fmt: skip
        assert who(pages, other) == ""
