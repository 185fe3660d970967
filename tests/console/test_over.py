"""Sign-ins that are over by time go, whether their browser comes again or not. (decision 0037)"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from keystead.identity.repository import Arrival, Challenge, Due
from keystead.identity.signin import SignInsOver
from keystead.kms.schedule import DatedWork
from keystead.server.installation import perform
from keystead.server.installation.sign_ins_over import sign_ins_over
from tests.console.browser import SESSION, Site, site
from tests.console.logging_in import person as person_of_programs
from tests.console.people import PASSWORD, account_of, minutes, signed_in, user
from tests.console.programs import Program
from tests.console.test_records import written
from tests.console.test_switching import person, role, switched
from tests.server.installations import REGION, open_local

KEPT = {"signin_root_password", "signin_provider"}
"""What has no end: the choice of a person, and the word of the operator."""


@pytest.fixture
def land(tmp_path: Path, quick: None) -> Iterator[Site]:
    with site(tmp_path / "data") as opened:
        yield opened


def work(land: Site) -> DatedWork:
    return sign_ins_over(land.local.installation.identities, REGION)


def run(land: Site) -> int:
    """Do all of it; how many rows went."""
    return land.local.installation.agenda.run(work(land))


def rows(land: Site) -> dict[str, int]:
    """The tables of sign-in that have rows, and how many."""
    reader = land.local.installation.store.read()
    names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'signin_%'"
    counted = {
        name: int((reader.one(f"SELECT COUNT(*) FROM {name}") or (0,))[0])
        for (name,) in reader.all(names)
    }
    return {name: number for name, number in counted.items() if number and name not in KEPT}


def reasons(land: Site) -> list[str]:
    return [event.additional["reason"] for event in land.named("SessionEnded")]


def test_an_idle_session_ends_with_a_record(land: Site) -> None:
    """Half an hour after its last use, and once; one that is used goes on."""
    idle, used = signed_in(land, user(land, "idle")), signed_in(land, user(land, "used"))
    key_id = land.named("DescribeSession")[0].access_key_id
    for _ in range(2):
        minutes(land, 20)
        assert used.is_signed_in
        run(land)
    assert reasons(land) == ["idle"]
    record = written(land.named("SessionEnded")[0])
    assert record["userIdentity"]["userName"] == "idle"
    assert record["userIdentity"]["accessKeyId"] == key_id
    assert (record["eventSource"], record["eventType"]) == (
        "signin.amazonaws.com", "AwsConsoleSignIn",
    )  # fmt: skip
    assert record["sourceIPAddress"] == "AWS Internal"
    assert not idle.is_signed_in
    assert used.is_signed_in
    assert run(land) == 0
    assert reasons(land) == ["idle"]


def test_the_record_says_what_ended_it_first(land: Site) -> None:
    """A closed account, a deleted user: half an hour later its time is over, too."""
    account = {"account_id": account_of(land)}
    for name, end in (
        ("gone", lambda: land.local.iam("DeleteLoginProfile", UserName="gone")),
        ("closed", lambda: perform(land.local.installation, "account suspend", account)),
    ):
        signed_in(land, user(land, name))
        minutes(land, 5)
        end()
        minutes(land, 25.1)
        run(land)
    assert reasons(land) == ["password removed", "account closed"]
    perform(land.local.installation, "account reopen", account)
    minutes(land, 1)
    signed_in(land, user(land, "idle"))
    minutes(land, 30)
    perform(land.local.installation, "account suspend", account)
    run(land)
    assert reasons(land)[2:] == ["idle"]


def test_a_session_that_is_used_ends_after_twelve_hours(land: Site) -> None:
    browser = signed_in(land, user(land, "busy"))
    cookie = browser.cookies[SESSION]
    for _ in range(36):
        assert browser.is_signed_in
        minutes(land, 20)
    assert run(land)
    browser.cookies[SESSION] = cookie
    assert not browser.is_signed_in
    assert reasons(land) == ["absolute"]


def test_every_table_of_sign_ins_is_empty_in_the_end(land: Site) -> None:
    """Steps, challenges, codes, proofs, attempts: what nobody ends goes. A new table, too."""
    _one_of_each(land)
    before = rows(land)
    assert set(before) == {
        "signin_arrival", "signin_attempt", "signin_challenge", "signin_code", "signin_facts",
        "signin_login", "signin_proof", "signin_role", "signin_session",
    }  # fmt: skip
    assert run(land) == 0, "nothing is over yet"
    assert rows(land) == before
    land.local.time.passes(timedelta(days=91))
    land.local.installation.clock.acknowledge()
    assert run(land)
    assert rows(land) == {}
    assert set(reasons(land)) == {"absolute"}


def _one_of_each(land: Site) -> None:
    role(land, "ops")
    switched(person(land, "switches"), "ops")
    Program(land).logged_in(person_of_programs(land, "types"))
    land.browser().get("/switchrole?account=1", follow=False)
    user(land, "half-way", reset=True)
    land.browser().sign_in(account_of(land), "half-way", PASSWORD)
    land.browser().sign_in(account_of(land), "nobody-here", PASSWORD)
    installation = land.local.installation
    now = int(installation.clock.now().timestamp())
    account, expires = account_of(land), now + 600
    with installation.store.write() as transaction:
        challenge = Challenge(
            account=account, session_id="s", purpose="assert", challenge=b"c", expires=expires
        )
        installation.identities.passkeys.challenge(transaction, challenge, now)
        arrival = Arrival(
            account=account, arrival_id="a", stage="saml", provider_id="p", browser="b",
            solicited=1, began=now, expires=expires,
        )  # fmt: skip
        installation.identities.arrivals.insert(transaction, arrival)
    installation.commit()


def test_what_was_used_meanwhile_stays(land: Site) -> None:
    """A list may be old by the time that its row is looked at: the row decides."""
    browser = signed_in(land, user(land, "meanwhile"))
    minutes(land, 29)
    over = SignInsOver(land.local.installation.identities, REGION)
    installation = land.local.installation
    until = int(installation.clock.now().timestamp()) + 120
    [due] = over.due(installation.store.read(), Due(0, "", "", ""), until, 10)
    assert browser.is_signed_in
    minutes(land, 2)
    with installation.store.write() as transaction:
        assert over.remove(transaction, due, installation.clock.now(), "r") is None
    assert browser.is_signed_in


def test_it_waits_while_the_clock_may_be_wrong(land: Site) -> None:
    """Used proofs must not be forgotten early (TM-4)."""
    signed_in(land, user(land, "early"))
    land.local.time.ahead += timedelta(days=1)  # and no second of it went by
    assert run(land) == 0
    assert "signin_session" in rows(land)
    land.local.installation.clock.acknowledge()
    assert run(land)
    assert reasons(land) == ["absolute"]


def test_a_row_that_somebody_edited_stops_no_other(land: Site) -> None:
    """It is told, and tried again later; the runs are short, and go on where they ended."""
    for name in ("edited", "other", "third"):
        signed_in(land, user(land, name))
    minutes(land, 31)
    installation = land.local.installation
    with installation.store.write() as transaction:
        oldest = "SELECT rowid FROM signin_session ORDER BY rowid LIMIT 1"
        transaction.run(f"UPDATE signin_session SET began = began - 1 WHERE rowid = ({oldest})")
    installation.commit()
    agenda, over = installation.agenda, work(land)
    runs = 0
    while agenda.run(over, 1e-9) or agenda.is_behind(over):
        runs += 1
        assert runs < 50
    agenda.run(over)
    assert reasons(land) == ["idle"] * 2
    [failing] = agenda.failing
    assert (failing.work, failing.place[1]) == ("sign-ins that are over", "signin_session")
    assert "signin_session" in failing.why


def test_a_server_with_pages_does_it(tmp_path: Path) -> None:
    """And one without has none of it."""
    for console in ("", "127.0.0.1:0"):
        local = open_local(tmp_path / f"with{console[:3]}", console=console)
        names = {each["name"] for each in perform(local.installation, "jobs", {})["dated"]}
        jobs = {job.name for job in local.installation.upkeep.jobs()}
        local.installation.close()
        assert ("sign-ins that are over" in names) is bool(console)
        assert ("sign-ins that are over" in jobs) is bool(console)
