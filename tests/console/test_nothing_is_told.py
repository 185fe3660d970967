"""A stranger learns from a sign-in only whether it succeeded. (sign-in.md 4.1; CO-5, CO-6)"""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import patch

import msgspec
import pytest
from scripts.prove_signin import chance

from keystead.console import evenly
from keystead.custody.proofs.passwords import Passwords
from tests.console.browser import Browser, Site
from tests.console.people import (
    NEXT,
    PASSWORD,
    account_of,
    minutes,
    refused,
    signed_in,
    told,
    user,
)
from tests.console.test_ending import Device
from tests.console.test_mfa import code_of

TRIES = 100  # of each kind of name; `make prove-signin` takes more, and looks at the clock


@pytest.fixture(scope="module")
def kinds(pages: Site) -> dict[str, tuple[str, str]]:
    """Account and name of somebody of each kind, all of one length."""
    account = account_of(pages)
    user(pages, "known-user")
    pages.local.iam("CreateUser", UserName="no-more-pw")
    pages.local.iam("CreateLoginProfile", UserName="no-more-pw", Password=PASSWORD)
    pages.local.iam("DeleteLoginProfile", UserName="no-more-pw")
    Device(pages, user(pages, "has-device"))
    return {
        "known": (account, "known-user"),
        "known, with a device": (account, "has-device"),
        "whose password was deleted": (account, "no-more-pw"),
        "unknown": (account, "no-such-ab"),
        "in an unknown alias": ("no-such-acct", "known-user"),
        "impossible": (account, "<no> name!"),
    }


@pytest.fixture
def hashes() -> Iterator[list[bool]]:
    """Every password that would be verified: is there one to compare it with?"""
    verified: list[bool] = []

    def counted(_: Passwords, __: str, stored: str | None) -> bool:
        verified.append(stored is not None)
        return False

    with patch.object(Passwords, "verify_password", counted):
        yield verified


def test_every_name_gets_the_same_answer(pages: Site, kinds: dict[str, tuple[str, str]]) -> None:
    """Status, headers and body are the same for every kind of name; so is the wait for the next."""
    seen = {}
    for kind, (account, name) in kinds.items():
        browser = pages.browser()
        row = [told(browser.sign_in(account, name, f"wrong {number}")) for number in range(6)]
        seen[kind] = row
    assert all(row == seen["known"] for row in seen.values()), seen
    assert [page[0] for page in seen["known"]] == [403, 403, 403, 429, 429, 429]


def test_every_name_takes_the_same_work(
    pages: Site, kinds: dict[str, tuple[str, str]], hashes: list[bool]
) -> None:
    """One hash for each try, in one piece of work, with as many writes, and the same answer."""
    work: dict[str, set[tuple[int, int, int]]] = {kind: set() for kind in kinds}
    answers = set()
    installation = pages.local.installation
    minutes(pages, 61)
    for _ in range(TRIES):
        for kind, (account, name) in kinds.items():
            before = len(hashes), len(pages.local.events), installation.store.state
            page = pages.browser().post(
                "/signin", {"as": "user", "account": account, "user": name, "password": "no"},
                headers={"cookie": "__Host-ks-signin=none"},
            )  # fmt: skip
            answers.add(repr(told(page)))
            after = len(hashes), len(pages.local.events), installation.store.state
            work[kind].add((after[0] - before[0], after[1] - before[1], after[2] - before[2]))
        minutes(pages, 61)
    assert all(kinds_of_work == work["known"] for kinds_of_work in work.values()), work
    assert {one[0] for one in work["known"]} == {1}
    assert len(answers) == 1
    assert "403" in answers.pop()


def test_a_refusal_leaves_at_the_end_of_a_period(
    pages: Site, kinds: dict[str, tuple[str, str]], quick: None
) -> None:
    """It waits for what is left of it, whatever its reason is; a sign-in that succeeds does not."""
    waits: list[float] = []
    account = account_of(pages)

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    minutes(pages, 61)
    unknown = [kinds["unknown"]] * 4  # the last is one too many
    with patch.object(evenly, "SECONDS", 3600.0), patch.object(asyncio, "sleep", wait):
        seen = [pages.browser().sign_in(*who, "wrong").status for who in unknown]
        assert pages.browser().sign_in(account, "known-user", PASSWORD).status == 200
    assert seen == [403, 403, 403, 429]
    assert len(waits) == 4
    assert all(0 < seconds < 3600 for seconds in waits)
    with patch.object(evenly, "SECONDS", 0.5):
        assert [evenly.left(elapsed) for elapsed in (0.125, 0.625, 0.5)] == [0.375, 0.375, 0.5]


def test_the_chance_that_times_are_alike() -> None:
    """The test behind `make prove-signin` has the critical values of tables: 1.63 is 1 in 100."""
    even = [float(n) for n in range(0, 200, 2)]
    assert chance(even, [n + 46 for n in even]) == pytest.approx(0.0101, abs=0.0002)
    assert chance(even, [n + 38 for n in even]) == pytest.approx(0.054, abs=0.001)
    assert chance(even, even) == 1.0


def test_an_account_that_is_not_open_is_unknown(pages: Site) -> None:
    """Users and root of a suspended account hear what strangers hear."""
    user(pages, "suspended")
    account = account_of(pages)
    known = told(pages.browser().sign_in(account, "suspended", "wrong"))
    minutes(pages, 60)
    accounts, store = pages.local.installation.identities.accounts, pages.local.installation.store
    record = accounts.get(store.read(), account)
    assert record is not None
    with store.write() as transaction:
        closed = accounts.update(transaction, msgspec.structs.replace(record, state="SUSPENDED"))
    pages.local.installation.commit()

    assert told(pages.browser().sign_in(account, "suspended", PASSWORD)) == known

    with store.write() as transaction:
        accounts.update(transaction, msgspec.structs.replace(closed, state="ACTIVE"))
    pages.local.installation.commit()
    minutes(pages, 60)
    assert pages.browser().sign_in(account, "suspended", PASSWORD).title == "Your session"


def test_the_right_password_waits_like_a_wrong_one(pages: Site) -> None:
    """During a delay no password is looked at; later the right one counts, and ends the count."""
    user(pages, "waiting")
    browser, account = pages.browser(), account_of(pages)
    for _ in range(3):
        assert browser.sign_in(account, "waiting", "wrong").status == 403

    page = browser.sign_in(account, "waiting", PASSWORD)
    assert refused(page) == "Too many tries. Try again in 1 second."
    assert page.header("retry-after") == "1"
    minutes(pages, 1)
    assert browser.sign_in(account, "waiting", PASSWORD).title == "Your session"
    browser.post("/signout")
    assert browser.sign_in(account, "waiting", "wrong").status == 403
    assert browser.sign_in(account, "waiting", PASSWORD).title == "Your session"


def test_the_delay_doubles_up_to_a_quarter_of_an_hour(pages: Site) -> None:
    """1, 2, 4 … 900 seconds; and nobody is locked out for longer."""
    user(pages, "target")
    account, waits = account_of(pages), []
    for _ in range(16):
        while (page := pages.browser().sign_in(account, "target", "wrong")).status == 403:
            pass
        waits.append(int(page.header("retry-after")))
        pages.local.time.passes(timedelta(seconds=waits[-1]))
    assert waits == sorted(waits)
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == 900


def test_a_network_that_tries_many_names_waits_too(pages: Site) -> None:
    """Twenty names are free; then the network waits, for names that exist and others alike."""
    user(pages, "neighbour")
    account = account_of(pages)
    for number in range(21):
        page = pages.browser("192.0.2.9").sign_in(account, f"somebody-{number}", "wrong")
        assert page.status == 403
    assert pages.browser("192.0.2.200").sign_in(account, "neighbour", PASSWORD).status == 429
    assert pages.browser("198.51.100.1").sign_in(account, "neighbour", PASSWORD).status == 200
    minutes(pages, 1)
    assert pages.browser("192.0.2.9").sign_in(account, "neighbour", PASSWORD).status == 200


def test_a_browser_is_known_with_the_password_of_its_sign_in(pages: Site) -> None:
    """Who had an earlier password waits like a stranger, whatever cookie it kept."""
    user(pages, "robbed")
    account, thief = account_of(pages), signed_in(pages, "robbed")
    thief.post("/signout")
    for wait in (False, True):
        for _ in range(4):
            page = pages.browser().sign_in(account, "robbed", "wrong")
        assert page.status == 429
        assert (thief.sign_in(account, "robbed", "wrong").status == 429) is wait
        changed = pages.local.iam("UpdateLoginProfile", UserName="robbed", Password=NEXT)
        assert changed.status == 200


def test_strangers_keep_nobody_out_of_a_known_browser(pages: Site, quick: None) -> None:
    """The browser of the last sign-in counts for itself; that of somebody else does not help."""
    user(pages, "at-home"), user(pages, "somebody")
    account = account_of(pages)
    home, other = pages.browser("198.19.7.50"), pages.browser("198.19.7.50")
    assert home.sign_in(account, "at-home", PASSWORD).title == "Your session"
    home.post("/signout")
    assert other.sign_in(account, "somebody", PASSWORD).title == "Your session"
    other.post("/signout")
    with patch.object(Passwords, "verify_password", lambda *_: False):
        for _ in range(40):
            pages.browser("198.19.7.51").sign_in(account, "at-home", "wrong")
            pages.local.time.passes(timedelta(seconds=20))

    assert other.sign_in(account, "at-home", PASSWORD).status == 429
    assert pages.browser().sign_in(account, "at-home", PASSWORD).status == 429
    assert home.sign_in(account, "at-home", PASSWORD).title == "Your session"
    home.post("/signout")
    with patch.object(Passwords, "verify_password", lambda *_: False):
        answers = [home.sign_in(account, "at-home", "wrong").status for _ in range(5)]
    assert answers == [403, 403, 403, 429, 429]
    home.cookies["__Host-ks-known"] = "forged"
    assert home.sign_in(account, "at-home", PASSWORD).status == 429


def test_a_password_alone_drives_out_no_step(pages: Site, quick: None) -> None:
    """Who asks for second factors and shows none waits; the person in a known browser does not."""
    device, account = Device(pages, user(pages, "besieged")), account_of(pages)

    def comes_in(browser: Browser) -> bool:
        if browser.sign_in(account, "besieged", PASSWORD).title != "Second factor":
            return False
        for _ in range(60):
            pages.browser("198.19.8.1").sign_in(account, "besieged", PASSWORD)
            pages.local.time.passes(timedelta(seconds=1))
        return browser.post("/signin/mfa", code=code_of(device)).title == "Your session"

    home = pages.browser()
    assert comes_in(home)
    home.post("/signout")
    minutes(pages, 60)
    thieves = [pages.browser().sign_in(account, "besieged", PASSWORD).status for _ in range(22)]
    assert thieves == [200] * 21 + [429]
    assert comes_in(home)
    assert pages.browser().sign_in(account, "besieged", PASSWORD).title == "Second factor"
    minutes(pages, 60)
    for seconds in (*[0] * 21, 1, 2, 4, 8, 16, 32):
        pages.local.time.passes(timedelta(seconds=seconds))
        assert pages.browser().sign_in(account, "besieged", PASSWORD).title == "Second factor"
    pages.local.iam("UpdateLoginProfile", UserName="besieged", Password=NEXT)
    assert pages.browser().sign_in(account, "besieged", NEXT).title == "Second factor"


def test_counts_of_names_that_nobody_has_are_forgotten(pages: Site) -> None:
    """What strangers typed is not stored, and its counts do not gather."""
    store, account = pages.local.installation.store, account_of(pages)

    def rows() -> int:
        row = store.read().one("SELECT COUNT(*) FROM signin_attempt", ())
        assert row is not None
        return int(row[0])

    for number in range(12):
        pages.browser(f"198.18.{number}.1").sign_in(account, f"typed-{number}", "wrong")
    many = rows()
    minutes(pages, 180)
    for _ in range(8):
        pages.browser().sign_in(account, "typed-again", "wrong")
        minutes(pages, 16)
    assert rows() < many
    assert (
        b"typed-1" not in repr(store.read().all("SELECT subject FROM signin_attempt", ())).encode()
    )


def test_a_name_with_nul_or_of_any_length_is_refused_alike(pages: Site) -> None:
    """Hostile texts in every field are answered like a wrong password, or as no form of ours."""
    account = account_of(pages)
    user(pages, "nul")
    minutes(pages, 60)
    for password in (f"{PASSWORD}\0", "\0", "\U0001d518" * 60, "' OR 1=1 --"):
        page = pages.browser().sign_in(account, "nul", password)
        assert page.status in {403, 429}
        minutes(pages, 60)
    assert pages.browser().sign_in("\0", "\0", "\0").status == 403
    assert pages.browser().sign_in(account, "n" * 300, PASSWORD).status == 400


def test_the_page_of_an_account_tells_nothing_of_it(pages: Site) -> None:
    """`/signin/ALIAS` is the same for an alias, an unknown one, and no account."""
    pages.local.iam("CreateAccountAlias", AccountAlias="told-alias")
    seen = {
        repr(told(pages.browser().get(f"/signin/{name}")))
        for name in ("told-alias", "no-such-one", account_of(pages), "999999999999")
    }
    assert len(seen) == 1


def test_who_lost_a_device_reads_who_can_help(pages: Site) -> None:
    """A user, an administrator; root, the operator. There is no way by mail or telephone."""
    Device(pages, user(pages, "lost-it"))
    page = pages.browser().sign_in(account_of(pages), "lost-it", PASSWORD)
    assert "an administrator of your account can deactivate it" in page.text
    assert "reset-root" not in page.text
