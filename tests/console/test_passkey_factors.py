"""What a passkey is worth after the sign-in: freshness, policies, programs, other hosts."""

import base64
import csv
import io
import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from botocore.credentials import Credentials

from keystead.wire.models import iam as api
from tests.console.authenticator import (
    Authenticator,
)
from tests.console.browser import Site, site
from tests.console.calls import as_person
from tests.console.passkeys import options, register, serial_numbers, use, with_passkey
from tests.console.people import (
    NEXT,
    PASSWORD,
    account_of,
    given_password,
    minutes,
    signed_in,
    user,
)
from tests.console.programs import CONFIRMATION, CROSS, Program
from tests.console.test_credentials import somebody
from tests.console.test_ending import Device
from tests.console.test_mfa import at_the_code, code_of
from tests.server.second_factors import element


def test_a_touch_makes_a_session_fresh(pages: Site, quick: None) -> None:
    """Like a new sign-in: for 15 minutes, with one's own passkey, and not with an old answer."""
    made = with_passkey(pages, "fresh")
    browser = at_the_code(pages, "fresh")
    use(browser, made)
    minutes(pages, 16)
    page = browser.post("/security/key")
    assert "Use your passkey" in page.text
    assert "script-src 'self'" in page.header("content-security-policy")
    other = Authenticator(credential_id=made.credential_id)
    wrong = other.get(options(browser, "/security/again"))
    assert "Invalid signature" in browser.post("/security/again", wrong).alert
    assert pages.named("CheckMfa")[-1].error_code == "PasskeyNotAccepted"
    copied = Authenticator(credential_id=made.credential_id, key=made.key, counter=0)
    page = browser.post("/security/again", copied.get(options(browser, "/security/again")))
    assert "went back" in page.alert
    assert pages.named("CheckMfa")[-1].severity == "high"
    fields = made.get(options(browser, "/security/again"))
    assert browser.post("/security/again", fields).title == "Security credentials"
    assert pages.named("CheckMfa")[-1].response_elements == {"CheckMfa": "Success"}
    assert browser.post("/security/key").status == 200
    assert "used up" in browser.post("/security/again", fields).alert
    minutes(pages, 16)
    assert "Use your passkey" in browser.post("/security/key").text
    user(pages, "codes-only")
    device = Device(pages, "codes-only")
    browser = at_the_code(pages, "codes-only")
    browser.post("/signin/mfa", code=code_of(device))
    minutes(pages, 16)
    page = browser.post("/security/key")
    assert page.title == "Sign in again"
    assert "Use your passkey" not in page.text
    refused = browser.post("/security/again/options")
    assert "not accepted" in json.loads(refused.body)["error"]


def test_a_touch_goes_on_to_the_program(pages: Site, quick: None) -> None:
    """A program of another device needs a second factor of now: a touch is one (4.12)."""
    made = with_passkey(pages, "programs")
    browser = at_the_code(pages, "programs")
    use(browser, made)
    minutes(pages, 16)
    program = Program(pages, client=CROSS, redirect=CONFIRMATION)
    assert "Use your passkey" in program.asks(browser).text
    page = browser.post(
        "/security/again", made.get(options(browser, "/security/again")), follow=False
    )
    assert page.header("location").startswith("/v1/authorize?")
    assert "Use your passkey" not in program.asks(browser).text


def test_what_the_api_says_of_a_passkey(pages: Site) -> None:
    """It is listed, told, counted and taken away; nothing that is for virtual devices takes it."""
    local = pages.local
    before = int(value_of(local.iam("GetAccountSummary").body, b"MFADevicesInUse"))
    with_passkey(pages, "told")
    [serial] = serial_numbers(pages, "told")
    named = {"UserName": "told", "SerialNumber": serial}
    assert element(local.iam("GetMFADevice", **named), "SerialNumber") == serial
    assert int(value_of(local.iam("GetAccountSummary").body, b"MFADevicesInUse")) == before + 1
    assert serial.encode() not in local.iam("ListVirtualMFADevices").body
    user(pages, "has-none")
    told = has_factor(pages)
    assert (told["told"], told["has-none"]) == ("true", "false")
    tag = {"Tags.member.1.Key": "a", "Tags.member.1.Value": "b"}
    codes = {"AuthenticationCode1": "000000", "AuthenticationCode2": "111111"}
    for operation, members in (
        ("DeleteVirtualMFADevice", {"SerialNumber": serial}),
        ("TagMFADevice", {"SerialNumber": serial, **tag}),
        ("EnableMFADevice", {**named, **codes}),
        ("ResyncMFADevice", {**named, **codes}),
        (
            "GetMFADevice",
            {"UserName": "told", "SerialNumber": serial[:-1] + ("B" if serial[-1] == "A" else "A")},
        ),
        ("DeactivateMFADevice", {"UserName": user(pages, "other-told"), "SerialNumber": serial}),
    ):
        answer = local.iam(operation, **members)
        assert b"<Code>NoSuchEntity</Code>" in answer.body, operation
    local.iam("DeleteLoginProfile", UserName="told")
    local.iam("DeleteUserPolicy", UserName="told", PolicyName="p")
    assert b"must delete MFA device first." in local.iam("DeleteUser", UserName="told").body
    local.iam("UpdateUser", UserName="told", NewUserName="renamed", NewPath="/far/")
    [moved] = serial_numbers(pages, "renamed")
    assert moved == serial.replace("/told/", "/renamed/")
    named = {"UserName": "renamed", "SerialNumber": serial}
    assert b"NoSuchEntity" in local.iam("DeactivateMFADevice", **named).body
    assert local.iam("DeactivateMFADevice", **{**named, "SerialNumber": moved}).status == 200
    assert local.iam("DeleteUser", UserName="renamed").status == 200


def has_factor(site: Site) -> dict[str, str]:
    """What a new credential report says of everybody's second factor."""
    minutes(site, 241)
    site.local.iam("GenerateCredentialReport")
    while (report := site.local.iam("GetCredentialReport")).status != 200:
        site.local.installation.upkeep.continue_report()
    content = base64.b64decode(element(report, "Content")).decode()
    return {row["user"]: row["mfa_active"] for row in csv.DictReader(io.StringIO(content))}


def value_of(body: bytes, key: bytes) -> bytes:
    return body.split(b"<key>" + key + b"</key><value>")[1].split(b"<")[0]


def test_a_passkey_is_no_code_for_sts(pages: Site) -> None:
    """GetSessionToken takes codes, and a passkey has none."""
    with_passkey(pages, "sts")
    [serial] = serial_numbers(pages, "sts")
    made = pages.local.iam("CreateAccessKey", UserName="sts")
    who = Credentials(element(made, "AccessKeyId"), element(made, "SecretAccessKey"))
    answer = pages.local.sts("GetSessionToken", who, SerialNumber=serial, TokenCode="000000")
    assert answer.status == 403
    assert b"unable to validate MFA code" in answer.body


def test_root_with_a_passkey_signs_in_from_anywhere(pages: Site) -> None:
    """A passkey counts as root's second factor (CO-9); the operator's reset takes it away."""
    email, made = pages.local.founded.email, Authenticator()
    browser, first = pages.browser("127.0.0.1"), given_password(pages)
    browser.sign_in_as_root(email, first)
    browser.change(first, NEXT)
    far = pages.browser("192.0.2.10")
    assert "Sign in there" in far.sign_in_as_root(email, NEXT).text
    assert register(browser, made).title == "Sign in again"
    far = pages.browser("192.0.2.11")
    assert "keystead account reset-root" in far.sign_in_as_root(email, NEXT).text
    page = use(far, made)
    assert page.title == "Your session"
    own = as_person(far, api.ListMFADevices, api.ListMFADevicesRequest()).mfa_devices
    assert f"arn:aws:iam::{account_of(pages)}:u2f/root/key-" in own[0].serial_number
    second = given_password(pages)
    assert not far.is_signed_in
    near = pages.browser("127.0.0.1")
    assert near.sign_in_as_root(email, second).title == "Choose a new password"


def test_policies_see_the_second_factor(pages: Site, quick: None) -> None:
    """aws:MultiFactorAuthPresent is true in the session that a passkey began."""
    made = with_passkey(pages, "strong")
    document = """{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"iam:ListUsers",
      "Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}}"""
    pages.local.iam("PutUserPolicy", UserName="strong", PolicyName="q", PolicyDocument=document)
    browser = at_the_code(pages, "strong")
    use(browser, made)
    assert as_person(browser, api.ListUsers, api.ListUsersRequest()).users
    user(pages, "weak")
    pages.local.iam("PutUserPolicy", UserName="weak", PolicyName="q", PolicyDocument=document)
    with pytest.raises(Exception, match="not authorized"):
        as_person(signed_in(pages, "weak"), api.ListUsers, api.ListUsersRequest())


def test_pages_at_an_address_say_that_there_are_none(tmp_path: Path) -> None:
    """Browsers refuse passkeys there, so the page says what to do; codes work."""
    with site(tmp_path / "data", "https://192.0.2.7") as pages:
        browser = somebody(pages, "address")
        page = browser.get("/security/passkey")
        assert "no passkeys for pages at an IP address" in page.text
        assert "console_url" in page.text
        assert "<script" not in page.text
        page = browser.post("/security/passkey/options", name="key")
        assert "Passkeys need a host name" in json.loads(page.body)["error"]


def test_a_passkey_of_another_host(pages: Site, quick: None) -> None:
    """After a change of the public URL the page says where a passkey is good, and a code does."""
    with_passkey(pages, "moved")
    device = Device(pages, "moved")
    moved = Site.__new__(Site)
    moved.__dict__.update(pages.__dict__, url="https://console.example.com")
    moved._open()
    browser = moved.browser()
    browser.sign_in(account_of(pages), "moved", PASSWORD)
    page = browser.get("/signin/step")
    assert "Code of your authenticator app" in page.text
    [serial] = [each for each in serial_numbers(pages, "moved") if ":u2f/" in each]
    page = browser.get(f"/signin/step?{urlencode({'device': serial})}")
    assert "works only there" in page.text
    refused = browser.post("/signin/passkey/options", device=serial)
    assert "not accepted" in json.loads(refused.body)["error"]
    assert browser.post("/signin/mfa", code=code_of(device)).title == "Your session"
