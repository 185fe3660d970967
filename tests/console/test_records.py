"""What the record says of a sign-in, and what it never holds. (sign-in.md 4.1)"""

import base64
import json
import re
from typing import Any

import pytest

from keystead.audit.records import jsontext
from keystead.audit.records.record import Recorder
from keystead.errors import AwsError
from keystead.wire.models import iam, kms
from tests.console.browser import Site
from tests.console.calls import as_person
from tests.console.people import (
    NEXT,
    PASSWORD,
    account_of,
    given_password,
    minutes,
    signed_in,
    user,
)


def written(event: Any) -> dict[str, Any]:
    """The record of an event."""
    shown: dict[str, Any] = json.loads(jsontext.encode(Recorder("x" * 24).record(event, 1)))
    return shown


def test_a_success_is_recorded_as_cloudtrail_has_it(pages: Site) -> None:
    """The person, the page and the factor."""
    user(pages, "alice")
    signed_in(pages, "alice")
    record = written(pages.named("ConsoleLogin")[-1])
    assert record["eventSource"] == "signin.amazonaws.com"
    assert record["eventType"] == "AwsConsoleSignIn"
    assert record["responseElements"] == {"ConsoleLogin": "Success"}
    assert record["additionalEventData"] == {
        "LoginTo": "http://localhost:8421/", "MobileVersion": "No", "MFAUsed": "No",
    }  # fmt: skip
    assert record["userIdentity"]["type"] == "IAMUser"
    assert record["userIdentity"]["userName"] == "alice"
    assert record["recipientAccountId"] == account_of(pages)
    assert "errorMessage" not in record
    assert b"<PasswordLastUsed>" in pages.local.iam("GetUser", UserName="alice").body


def test_a_failure_names_only_people_who_exist(pages: Site) -> None:
    """What was typed for anybody else is hidden: it may be a password."""
    user(pages, "bob")
    account = account_of(pages)
    pages.browser().sign_in(account, "bob", "canary-typed-password")
    known = written(pages.named("ConsoleLogin")[-1])
    pages.browser().sign_in(account, "canary-typed-name", "x")
    unknown = written(pages.named("ConsoleLogin")[-1])
    pages.browser().sign_in("999999999999", "canary-typed-name", "x")
    nowhere = written(pages.named("ConsoleLogin")[-1])

    for record in (known, unknown, nowhere):
        assert record["errorMessage"] == "Failed authentication"
        assert record["responseElements"] == {"ConsoleLogin": "Failure"}
        assert "canary" not in json.dumps(record)
    assert known["userIdentity"]["userName"] == "bob"
    assert unknown["userIdentity"] == {
        "type": "IAMUser", "accountId": account, "userName": "HIDDEN_DUE_TO_SECURITY_REASONS",
    }  # fmt: skip
    assert unknown["recipientAccountId"] == account
    assert "recipientAccountId" not in nowhere


def test_refused_tries_name_whom_they_were_about(pages: Site) -> None:
    """The administrators of an account see what is tried on its people, and hear of no name."""
    pages.local.iam("UpdateAccountPasswordPolicy", AllowUsersToChangePassword="true")
    user(pages, "tried", reset=True)
    account = account_of(pages)
    for name in ("tried", "canary-typed-name"):
        for _ in range(4):
            pages.browser().sign_in(account, name, "wrong")
        record = written(pages.named("ConsoleLogin")[-1])
        assert record["errorCode"] == "TooManyTries"
        assert record["recipientAccountId"] == account
        assert record["userIdentity"]["userName"] in {"tried", "HIDDEN_DUE_TO_SECURITY_REASONS"}
        assert "canary" not in json.dumps(record)
    minutes(pages, 60)
    browser = pages.browser()
    browser.sign_in(account, "tried", PASSWORD)
    browser.change(PASSWORD, "short")
    record = written(pages.named("PasswordUpdated")[-1])
    assert record["errorCode"] == "PasswordPolicyViolationException"
    assert record["userIdentity"]["userName"] == "tried"


def test_refused_tries_at_root_are_not_what_somebody_should_look_at(pages: Site) -> None:
    """Each wrong password of root is; strangers send the others in any number."""
    for _ in range(5):
        pages.browser().sign_in_as_root(pages.local.founded.email, "wrong")
    of_root = [event for event in pages.named("ConsoleLogin")[-5:] if event.principal]
    assert [event.principal.arn for event in of_root] == [
        f"arn:aws:iam::{account_of(pages)}:root"
    ] * 5
    assert [(event.error_code, event.severity) for event in of_root] == (
        [("", "high")] * 3 + [("TooManyTries", "")] * 2
    )
    minutes(pages, 61)


def test_every_step_has_one_record(pages: Site) -> None:
    """A changed password has one of its own, beside that of the sign-in; a sign-out has one."""
    pages.local.iam("UpdateAccountPasswordPolicy", AllowUsersToChangePassword="true")
    user(pages, "carol", reset=True)
    browser = pages.browser()
    before = len(pages.local.events)
    browser.sign_in(account_of(pages), "carol", PASSWORD)
    browser.change("wrong", NEXT)
    browser.change(PASSWORD, NEXT)
    browser.post("/signout")
    names = [event.name for event in pages.local.events[before:]]
    shown = [name for name in names if name not in {"DescribeSignIn", "DescribeSession"}]
    assert shown == [
        "CheckPassword", "PasswordUpdated", "PasswordUpdated", "ConsoleLogin", "ConsoleLogout",
    ]  # fmt: skip


def test_no_record_holds_a_secret(pages: Site) -> None:
    """Neither passwords nor cookies, and no error shows one."""
    user(pages, "dora")
    browser = signed_in(pages, "dora")
    cookie = browser.cookies["__Host-ks"].partition(".")[2]
    text = json.dumps([written(event) for event in pages.local.events])
    for secret in (PASSWORD, NEXT, cookie, "__Host-ks"):
        assert secret not in text


def test_a_call_of_a_page_is_a_call_of_its_person(pages: Site) -> None:
    """The same policies, and a record that says where it comes from."""
    user(pages, "erin")
    browser = signed_in(pages, "erin")
    with pytest.raises(AwsError, match="not authorized to perform: iam:ListUsers"):
        as_person(browser, iam.ListUsers, iam.ListUsersRequest())
    statement = {
        "Effect": "Allow",
        "Action": ["iam:ListUsers", "kms:ListKeys"],
        "Resource": "*",
        "Condition": {
            "Bool": {"aws:MultiFactorAuthPresent": "false"},
            "DateGreaterThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"},
        },
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    pages.local.iam("PutUserPolicy", UserName="erin", PolicyName="p", PolicyDocument=document)
    assert as_person(browser, iam.ListUsers, iam.ListUsersRequest()).users
    as_person(browser, kms.ListKeys, kms.ListKeysRequest())
    record = written(pages.local.events[-1])
    assert record["sessionCredentialFromConsole"] == "true"
    assert record["userIdentity"]["accessKeyId"].startswith("ASIA")
    assert record["userIdentity"]["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"
    old = document.replace("DateGreaterThan", "DateLessThan")
    pages.local.iam("PutUserPolicy", UserName="erin", PolicyName="p", PolicyDocument=old)
    with pytest.raises(AwsError, match="not authorized to perform: kms:ListKeys"):
        as_person(browser, kms.ListKeys, kms.ListKeysRequest())


def test_the_credential_report_knows_when_root_signed_in(pages: Site) -> None:
    """As it does of users."""
    local, browser = pages.local, pages.browser("127.0.0.1")
    first = given_password(pages)
    browser.sign_in_as_root(local.founded.email, first)
    assert browser.change(first, NEXT).title == "Your session"
    local.iam("GenerateCredentialReport")
    while (report := local.iam("GetCredentialReport")).status != 200:
        local.installation.upkeep.continue_report()
    [content] = re.findall(rb"<Content>(.*?)</Content>", report.body, re.DOTALL)
    heads, root, *_ = [line.split(",") for line in base64.b64decode(content).decode().split("\n")]
    used = root[heads.index("password_last_used")]
    assert used == local.time.wall().strftime("%Y-%m-%dT%H:%M:%S+00:00")
