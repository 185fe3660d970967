"""People of a directory sign in on the pages. (sign-in.md 4.6; threat-model LD)"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from keystead.console import evenly
from keystead.identity.federation.directory import proof
from keystead.server.installation import perform
from keystead.wire.models import iam
from tests.console.browser import Browser, Page, Site, site
from tests.console.calls import as_person
from tests.console.people import minutes, refused, told
from tests.console.programs import Program, credentials
from tests.console.test_records import written
from tests.console.test_roles import number
from tests.directories.slapd import BASE, READER, READER_PASSWORD, Slapd
from tests.patience import wait_until
from tests.server.second_factors import element

PASSWORD = "canary-Wonder-1"
WRONG = "The directory, user name or password is not right."
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@dataclass
class Corp:
    """A directory that an installation knows, and roles for its people."""

    site: Site
    directory: Slapd
    shown: dict[str, Any] = field(default_factory=dict)
    people: int = 0

    def __post_init__(self) -> None:
        settings = {
            "urls": [self.directory.url], "certificates": self.directory.ca, "bind_dn": READER,
            "person_bases": [f"ou=people,{BASE}"], "group_bases": [f"ou=groups,{BASE}"],
        }  # fmt: skip
        self.shown = self.perform(
            "create", kind="openldap", bind_password=READER_PASSWORD, settings=settings
        )

    def perform(self, command: str, **arguments: Any) -> dict[str, Any]:
        """A command of the operator, asked until it has an answer."""
        asked = {"name": "corp", **arguments}
        told: list[dict[str, Any]] = []

        def answered() -> bool:
            told.append(perform(self.site.local.installation, f"directory {command}", dict(asked)))
            return not told[-1].get("pending")

        wait_until(answered)
        return told[-1]

    def person(self) -> str:
        """A new person of the directory; the name."""
        self.people += 1
        name = f"person-{self.people}"
        self.directory.person(name, PASSWORD)
        return name

    def role(self, name: str, **statement: Any) -> str:
        """A role that trusts the service for this directory, and may do everything; its ARN."""
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "ds.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
            "Condition": {
                "ArnEquals": {"aws:SourceArn": self.shown["Arn"]},
                "StringEquals": {"aws:SourceAccount": self.shown["AccountId"]},
            },
            **statement,
        }
        self.iam("CreateRole", RoleName=name, AssumeRolePolicyDocument=_document(trust))
        self.iam("PutRolePolicy", RoleName=name, PolicyName="all",
                 PolicyDocument=_document(EVERYTHING))  # fmt: skip
        return f"arn:aws:iam::{self.shown['AccountId']}:role/{name}"

    def iam(self, action: str, **members: str) -> None:
        answer = self.site.local.iam(action, **members)
        assert answer.status == 200, answer.body

    def assign(self, role: str, **subject: str) -> str:
        return str(self.perform("assign", role=role, **subject)["AssignmentId"])

    def sign_in(
        self, name: str, password: str = PASSWORD, browser: Browser | None = None,
        directory: str = "corp",
    ) -> tuple[Browser, Page]:  # fmt: skip
        browser = browser or self.site.browser()
        browser.get("/directory")
        fields = {"directory": directory, "user": name, "password": password}
        return browser, browser.post("/directory", fields)

    def signed_in(self, role: str) -> tuple[Browser, str, str]:
        """A browser in which a new person has a session of this role; its name and assignment."""
        name = self.person()
        assignment = self.assign(role, user=name)
        browser, page = self.sign_in(name)
        assert page.title == "Your session", page.text
        return browser, name, assignment


def _document(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def corp(tmp_path_factory: pytest.TempPathFactory, directory: Slapd) -> Iterator[Corp]:
    with site(tmp_path_factory.mktemp("console") / "data") as pages:
        yield Corp(pages, directory)


def test_a_person_acts_in_a_session_of_the_role(corp: Corp) -> None:
    """It is named for the person, and its source identity is the id in the directory."""
    role = corp.role("ops")
    browser, name, _ = corp.signed_in(role)

    page = browser.get("/")
    assert f"assumed-role/ops/{name}" in page.text
    assert as_person(browser, iam.ListUsers, iam.ListUsersRequest()) is not None
    assert browser.get("/security").status == 403

    login, assumed = [written(event) for event in corp.site.local.events
                      if event.name in {"ConsoleLogin", "AssumeRole"}][-2:]  # fmt: skip
    assert login["userIdentity"]["arn"].endswith(f":assumed-role/ops/{name}")
    assert assumed["userIdentity"]["invokedBy"] == "ds.amazonaws.com"
    assert assumed["requestParameters"]["roleArn"] == role
    assert PASSWORD not in json.dumps([written(event) for event in corp.site.local.events])


def test_the_role_sees_who_it_is(corp: Corp) -> None:
    """aws:SourceIdentity is the immutable id: a policy that names it counts."""
    role = corp.role("watched")
    browser, name, _ = corp.signed_in(role)
    tried = corp.perform("try", user=name)
    assert [each["LetsIn"] for each in tried["Assignments"]] == [True]
    deny = {
        "Effect": "Deny", "Action": "iam:ListUsers", "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceIdentity": tried["ImmutableId"]}},
    }  # fmt: skip
    assert as_person(browser, iam.ListUsers, iam.ListUsersRequest()) is not None

    corp.iam("PutRolePolicy", RoleName="watched", PolicyName="not", PolicyDocument=_document(deny))

    with pytest.raises(Exception, match="not authorized"):
        as_person(browser, iam.ListUsers, iam.ListUsersRequest())


def test_members_of_a_group_have_its_role(corp: Corp) -> None:
    """Who is in no assigned group may use no role."""
    member, stranger = corp.person(), corp.person()
    corp.directory.group("staff", f"uid={member},ou=people,{BASE}")
    corp.assign(corp.role("of-staff"), group="staff")

    assert "assumed-role/of-staff" in corp.sign_in(member)[1].text
    page = corp.sign_in(stranger)[1]
    assert page.status == 403
    assert "None of your roles could be used" in page.text


def test_several_roles_are_chosen_from(corp: Corp) -> None:
    """One of them refuses: its trust is for another directory."""
    name = corp.person()
    other = {"ArnEquals": {"aws:SourceArn": corp.shown["Arn"].replace("d-", "d-f")}}
    for role in (corp.role("first"), corp.role("second"), corp.role("closed", Condition=other)):
        corp.assign(role, user=name)

    browser, page = corp.sign_in(name)

    assert page.title == "Choose a role"
    assert "closed" in page.text.partition("Not for you now")[2]
    assert browser.post("/signin/role", role=number(page.text, "second")).title == "Your session"


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": "sts:AssumeRole"},
        {"Action": "sts:SetSourceIdentity"},
        {"Principal": {"Service": "ec2.amazonaws.com"}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "111111111111"}}},
        {"Condition": {"StringNotLike": {"sts:RoleSessionName": "person-*"}}},
        {"Effect": "Deny"},
    ],
)
def test_the_trust_policy_is_asked(corp: Corp, statement: dict[str, Any]) -> None:
    """What it does not allow, no assignment gives."""
    name = corp.person()
    corp.assign(corp.role(f"not-{name}", **statement), user=name)

    assert "None of your roles could be used" in corp.sign_in(name)[1].text
    [tried] = corp.perform("try", user=name)["Assignments"]
    assert not tried["LetsIn"]


def test_what_ends_a_session(corp: Corp) -> None:
    """The assignment that goes, the role, and any change of the directory: at the next request."""
    ended, _, assignment = corp.signed_in(corp.role("ends-1"))
    corp.perform("unassign", assignment=assignment)
    assert not ended.is_signed_in

    ended, _, _ = corp.signed_in(corp.role("ends-2"))
    corp.iam("DeleteRolePolicy", RoleName="ends-2", PolicyName="all")
    assert ended.is_signed_in, "it has no permissions left, and is still a session"
    corp.iam("DeleteRole", RoleName="ends-2")
    assert not ended.is_signed_in
    corp.role("ends-2")
    assert not ended.is_signed_in, "another role has the name"

    ended, _, _ = corp.signed_in(corp.role("ends-3"))
    corp.perform("update", settings={})
    assert not ended.is_signed_in


def test_a_group_that_somebody_leaves_counts_at_the_next_sign_in(corp: Corp) -> None:
    """No directory tells of it: an open session goes on, for an hour at most."""
    name = corp.person()
    member = f"uid={name},ou=people,{BASE}"
    group = corp.directory.group("leaving", member, f"uid=nobody,ou=people,{BASE}")
    corp.assign(corp.role("of-leaving"), group="leaving")
    browser, page = corp.sign_in(name)
    assert page.title == "Your session"

    corp.directory.modify(f"dn: {group}\nchangetype: modify\ndelete: member\nmember: {member}\n")

    assert browser.is_signed_in
    assert "None of your roles" in corp.sign_in(name)[1].text
    for _ in range(3):
        minutes(corp.site, 20.1)
        if _ < 2:
            assert browser.is_signed_in
    assert not browser.is_signed_in


def test_a_new_entry_with_an_old_name_has_nothing(corp: Corp) -> None:
    name = corp.person()
    corp.assign(corp.role("of-the-first"), user=name)
    assert corp.sign_in(name)[1].title == "Your session"

    corp.directory.modify(f"dn: uid={name},ou=people,{BASE}\nchangetype: delete\n")
    corp.directory.person(name, PASSWORD)

    assert "None of your roles" in corp.sign_in(name)[1].text


def test_the_directory_of_an_account_that_is_not_open_is_unknown(corp: Corp) -> None:
    name, account = corp.person(), corp.shown["AccountId"]
    corp.assign(corp.role("of-the-open"), user=name)
    installation = corp.site.local.installation
    perform(installation, "account suspend", {"account_id": account})
    page = corp.sign_in(name)[1]
    perform(installation, "account reopen", {"account_id": account})
    corp.site.local.time.passes(timedelta(seconds=1))  # a session of the same second would be over

    assert refused(page) == WRONG
    assert corp.sign_in(name)[1].title == "Your session"


def test_refusals_are_one_text(corp: Corp) -> None:
    """Unknown directory and name, wrong and empty password, locked: the same to the byte."""
    locked = corp.person()
    corp.directory.modify(
        f"dn: uid={locked},ou=people,{BASE}\nchangetype: modify\nreplace: pwdAccountLockedTime\n"
        "pwdAccountLockedTime: 000001010000Z\n"
    )
    tries = [
        corp.sign_in(corp.person(), "canary-Wrong-22")[1],
        corp.sign_in("nobody-here")[1],
        corp.sign_in("*")[1],
        corp.sign_in(corp.person(), "")[1],
        corp.sign_in(locked)[1],
        corp.sign_in(corp.person(), directory="other")[1],
    ]

    assert refused(tries[0]) == WRONG
    assert {str(told(page)) for page in tries} == {str(told(tries[0]))}
    failures = [written(event) for event in corp.site.named("ConsoleLogin")][-6:]
    steps = [each["additionalEventData"]["FailedStep"][:6] for each in failures]
    assert steps == ["step 7", "step 5", "step 5", "step 1", "step 7", "there "]
    assert {each["errorMessage"] for each in failures} == {"Failed authentication"}
    assert "nobody-here" not in json.dumps(failures)


def test_tries_are_counted_before_the_directory_is_asked(corp: Corp) -> None:
    """For names that nobody has as well, and the right password waits, too."""
    known, browser = corp.person(), corp.site.browser()
    for name in (known, "nobody-2"):
        for _ in range(3):
            assert refused(corp.sign_in(name, "canary-Wrong-22", browser)[1]) == WRONG
        page = corp.sign_in(name, PASSWORD, browser)[1]
        assert page.status == 429
        assert "Too many tries" in page.alert
        minutes(corp.site, 61)
    corp.assign(corp.role("of-patience"), user=known)
    assert corp.sign_in(known, PASSWORD, browser)[1].title == "Your session"


def test_spellings_of_one_name_have_one_count(corp: Corp) -> None:
    """The directory takes these for one name. More tries than of one name do not help (LD-4)."""
    name = corp.person()
    corp.assign(corp.role("of-spelling"), user=name)
    spelled = [name, name.upper(), f" {name} ", name.replace("person", "PERSON")]
    for each in spelled[:3]:
        assert refused(corp.sign_in(each, "canary-Wrong-22")[1]) == WRONG
    assert corp.sign_in(spelled[3])[1].status == 429

    other = corp.person()
    corp.directory.modify(
        f"dn: uid={other},ou=people,{BASE}\nchangetype: modify\nadd: mail\n"
        "mail: a-second\nmail: a-third\n"
    )
    either = "(&(objectClass=person)(|(uid={name})(mail={name})))"
    corp.perform("update", settings={"person_filter": either})
    for each in (other, "a-second", "a-third", "a-second"):
        refused(corp.sign_in(each, "canary-Wrong-22")[1])
    page = corp.sign_in("a-third")[1]
    assert page.status == 403, "the right password, while its person waits"
    assert page.alert == WRONG
    last = written(corp.site.named("ConsoleLogin")[-1])
    assert last["additionalEventData"]["FailedStep"].startswith("step 0")


def test_a_directory_that_is_away_says_so(corp: Corp, monkeypatch: pytest.MonkeyPatch) -> None:
    """And users of accounts still sign in."""
    name = corp.person()
    monkeypatch.setattr(proof, "SECONDS", 0.0)

    page = corp.sign_in(name)[1]

    assert page.status == 503
    assert page.alert == "Sign-in is not available now."
    assert corp.site.browser().get("/signin").title == "Sign in"


def test_the_form_is_the_same_for_directories_that_are_not_there(corp: Corp) -> None:
    known, unknown = (corp.site.browser().get(f"/directory/{name}") for name in ("corp", "none"))

    assert 'value="corp"' in known.text
    assert told(known) == told(unknown)
    assert corp.site.browser().post("/directory", {"user": "a"}).status == 400, "without a cookie"


def test_refusals_leave_at_the_end_of_a_period(corp: Corp) -> None:
    """A name that somebody has costs the directory more than one that nobody has."""
    name, waits = corp.person(), []
    corp.assign(corp.role("of-the-even"), user=name)

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    with patch.object(evenly, "SECONDS", 3600.0), patch.object(asyncio, "sleep", wait):
        for who, directory in ((name, "corp"), ("nobody-3", "corp"), (name, "other")):
            assert corp.sign_in(who, "canary-Wrong-22", directory=directory)[1].status == 403
        assert corp.sign_in(name)[1].status == 200

    assert len(waits) == 3


def test_what_was_typed_is_no_markup(corp: Corp) -> None:
    page = corp.sign_in('<b>"', directory="<i>'")[1]

    assert b"<b>" not in page.body
    assert b"<i>" not in page.body
    assert 'value="<b>""' in page.text


def test_a_program_of_a_person_ends_with_the_assignment(corp: Corp) -> None:
    """It has the session that was allowed in the browser, and stands on the same rows."""
    browser, name, assignment = corp.signed_in(corp.role("for-programs"))
    program = Program(corp.site)
    answer = program.logged_in(browser)

    def arn() -> str:
        asked = corp.site.local.sts("GetCallerIdentity", credentials(answer))
        return element(asked, "Arn") if asked.status == 200 else ""

    assert arn().endswith(f":assumed-role/for-programs/{name}")
    corp.perform("unassign", assignment=assignment)

    assert not arn()
    assert program.renew(answer["refreshToken"]).status == 403
    assert not browser.is_signed_in
