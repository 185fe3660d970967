"""The operator lists the sessions of people, and ends them. (`keystead session`)"""

from typing import Any

import pytest

from keystead.failures import Failure
from keystead.server.installation import perform
from tests.console.browser import Browser, Site
from tests.console.logging_in import person, who
from tests.console.outside import Outside, open_to_outsiders
from tests.console.people import account_of, minutes, signed_in, user
from tests.console.programs import Program
from tests.console.test_records import written
from tests.console.test_switching import person as acting_person
from tests.console.test_switching import role, switched


def listed(pages: Site, **named: Any) -> list[dict[str, Any]]:
    told = perform(pages.local.installation, "session list", named)
    assert told["More"] is False
    sessions: list[dict[str, Any]] = told["Sessions"]
    return sessions


def end(pages: Site, **named: Any) -> list[dict[str, Any]]:
    ended: list[dict[str, Any]] = perform(pages.local.installation, "session end", named)[
        "Sessions"
    ]
    return ended


def test_every_session_of_one_person_ends(pages: Site) -> None:
    """On pages and for the command line, on return; nobody else's, and no credential changes."""
    browser, other = person(pages, "held"), person(pages, "other")
    program, spared = Program(pages), Program(pages)
    answer, theirs = program.logged_in(browser), spared.logged_in(other)
    second = signed_in(pages, "held")
    arn = f"arn:aws:iam::{account_of(pages)}:user/held"
    known = listed(pages, user="held")
    assert {each["Arn"] for each in known} == {arn}
    assert sorted(each["Where"] for each in known) == ["command line", "pages", "pages"]
    assert {each["Id"] for each in known} < {each["Id"] for each in listed(pages)}
    before = len(pages.named("SessionEnded"))

    assert {each["Id"] for each in end(pages, user="held")} == {each["Id"] for each in known}

    assert not browser.is_signed_in
    assert not second.is_signed_in
    assert who(pages, answer) == ""
    assert other.is_signed_in
    assert who(pages, theirs)
    assert listed(pages, user="held") == []
    ended = pages.named("SessionEnded")[before:]
    assert [each.additional["reason"] for each in ended] == ["ended by the operator"] * 2
    [said] = [written(each) for each in pages.named("EndSessions")][-1:]
    assert said["serviceEventDetails"]["accountId"] == account_of(pages)
    assert {each["Id"] for each in known} == set(
        said["serviceEventDetails"]["sessions"].split(", ")
    )
    assert signed_in(pages, "held").is_signed_in, "nothing else has changed"


def test_the_access_key_id_of_a_record_names_a_session(pages: Site) -> None:
    """So who sees something strange in the record can end just that session."""
    user(pages, "strange")
    one, two = signed_in(pages, "strange"), signed_in(pages, "strange")
    key_id = pages.named("DescribeSession")[-1].access_key_id

    [ended] = end(pages, session=key_id)

    assert ended["Id"] == key_id
    assert one.is_signed_in
    assert not two.is_signed_in
    with pytest.raises(Failure, match="has no session"):
        end(pages, session=key_id)


def test_a_role_to_which_somebody_switched_goes_with_the_session(pages: Site) -> None:
    """In the list stands the person; the role's tab is over with it."""
    role(pages, "held-switch")
    browser = acting_person(pages, "held-switcher")
    path = switched(browser, "held-switch")
    assert browser.get(path, follow=False).status == 200
    [found] = listed(pages, user="held-switcher")
    assert found["Arn"].endswith(":user/held-switcher")

    assert end(pages, session=found["Id"]) == [found]

    assert browser.get(path, follow=False).status == 303


def test_people_from_outside_and_root_are_listed(pages: Site) -> None:
    """Somebody from outside in a session of a role, which ends by its id."""
    with open_to_outsiders():
        outside = Outside(pages)
        browser = outside.signed_in(outside.role("held-role"))
        [found] = [each for each in listed(pages) if "held-role" in each["Arn"]]
        assert browser.is_signed_in
        assert end(pages, session=found["Id"]) == [found]
        assert not browser.is_signed_in
    assert listed(pages, root=True) == []
    with pytest.raises(Failure, match="has no user `nobody`"):
        listed(pages, user="nobody")


def test_sessions_that_are_over_are_not_listed(pages: Site) -> None:
    """By time, or by a change of the person; whether their rows are there or not."""
    for name in ("listed", "changed"):
        user(pages, name)
    gone: list[Browser] = [signed_in(pages, "listed"), signed_in(pages, "changed")]
    assert len(listed(pages, user="listed")) == 1
    assert pages.local.iam("DeleteLoginProfile", UserName="changed").status == 200
    assert listed(pages, user="changed") == []
    minutes(pages, 31)
    assert listed(pages, user="listed") == []
    assert end(pages, user="listed") == []
    assert not any(each.is_signed_in for each in gone)
