"""A turn of a sign-in is lost, as the disk is full: nobody is let in, and nothing is half done.

Every turn of each step is lost once. Then there is room again, and the person does the same again.
"""

import errno
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest

from keystead.server.installation import rooms
from keystead.store.sqlite.engine import open_store
from tests.console.authenticator import Authenticator
from tests.console.browser import SESSION, Page, Site, site
from tests.console.people import PASSWORD, account_of, signed_in, user
from tests.console.programs import Program, refusal
from tests.console.saml_people import AWS, Company, company
from tests.store.lossy_disk import VFS, new_disk, under_os

NAME = "ann"
TABLES = (
    "iam_passkey", "iam_saml_assertion", "signin_arrival", "signin_challenge", "signin_code",
    "signin_facts", "signin_login", "signin_proof", "signin_session",
)  # fmt: skip

Act = Callable[[], Page]
Rows = dict[str, list[tuple[object, ...]]]


@dataclass
class Disk:
    """A disk without room for one turn."""

    corp: Company
    full_at: int = -1  # the turn that it has no room for; -1: there is none
    turns: int = 0
    lost: int = 0
    is_full: bool = False

    @property
    def site(self) -> Site:
        return self.corp.site

    def watch(self) -> None:
        turn = self.site.turn
        commit = turn._commit

        def commits() -> None:
            self.is_full = self.turns == self.full_at
            self.turns += 1
            try:
                commit()
            finally:
                self.is_full = False

        def failed(_: Exception) -> None:
            self.lost += 1

        turn._commit, turn._failed = commits, failed

    def obey(self, operation: str, _: str) -> None:
        if operation == "write" and self.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def losing(self, turn: int, act: Act) -> Page:
        """The answer to a step one turn of which is lost."""
        self.turns, self.lost, self.full_at = 0, 0, turn
        try:
            return act()
        finally:
            self.full_at = -1

    def rows(self) -> Rows:
        reader = self.site.local.installation.store.read()
        return {
            table: sorted(map(tuple, reader.all(f"SELECT * FROM {table}", ())), key=repr)
            for table in TABLES
        }


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    folder, lossy = tmp_path_factory.mktemp("lost"), new_disk()
    with pytest.MonkeyPatch.context() as patch:
        under_os(lossy, folder, patch)
        patch.setattr(rooms, "open_store", partial(open_store, vfs=VFS))
        with site(folder / "data") as opened:
            made = Disk(company(opened))
            made.watch()
            lossy.on_operation = made.obey
            made.corp.land.roles["two"] = made.corp.land.role("two")
            user(opened, NAME)
            _may_all(opened, NAME)
            yield made


def _may_all(site: Site, name: str) -> None:
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    answer = site.local.iam("PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=document)
    assert answer.status == 200


# steps: who has come so far, and what it does next


def _password(disk: Disk) -> Act:
    browser = disk.site.browser()
    browser.get("/signin")
    form = {"as": "user", "account": account_of(disk.site), "user": NAME, "password": PASSWORD}
    return lambda: browser.post("/signin", form, follow=False)


def _consent(disk: Disk) -> Act:
    browser, program = signed_in(disk.site, NAME), Program(disk.site)
    browser.get(program.path())
    form = {**program.parameters, "answer": "allow", "hours": "8"}
    return lambda: browser.post("/v1/authorize", form, follow=False)


def _code(disk: Disk) -> Act:
    program = Program(disk.site)
    code = program.code(signed_in(disk.site, NAME))
    proof = program.proof()
    return lambda: program.redeem(code, proof)


def _refresh(disk: Disk) -> Act:
    program = Program(disk.site)
    given = program.logged_in(signed_in(disk.site, NAME))
    proof = program.proof()
    return lambda: program.renew(given["refreshToken"], proof)


def _registration(disk: Disk) -> Act:
    name = f"registers{len(disk.site.local.events)}"
    user(disk.site, name)
    _may_all(disk.site, name)
    browser = signed_in(disk.site, name)

    def act() -> Page:
        asked = browser.post("/security/passkey/options", {"name": "key"})
        if asked.status != 200:
            return asked
        given = {"name": "key", **Authenticator().create(json.loads(asked.body))}
        return browser.post("/security/passkey", given, follow=False)

    return act


def _saml(disk: Disk) -> Act:
    browser = disk.site.browser()
    request_id, state = disk.corp.begin(browser)
    document = disk.corp.response(answers=request_id, response_answers=request_id)
    return lambda: disk.corp.take(browser, document, state)


def _arrival(disk: Disk) -> Act:
    browser = disk.site.browser()
    request_id, state = disk.corp.begin(browser)
    document = disk.corp.response(answers=request_id, response_answers=request_id)
    taken = disk.corp.take(browser, document, state)
    return lambda: browser.get(taken.header("location"), follow=False)


def _role(disk: Disk) -> Act:
    browser, land = disk.site.browser(), disk.corp.land
    request_id, state = disk.corp.begin(browser)
    pairs = [f"{land.roles[name]},{land.provider}" for name in ("web", "two")]
    document = disk.corp.response(
        answers=request_id, response_answers=request_id, attributes={f"{AWS}Role": pairs}
    )
    assert disk.corp.post(browser, document, state).status == 200
    return lambda: browser.post("/signin/role", {"role": "0"}, follow=False)


def _sign_out(disk: Disk) -> Act:
    browser = signed_in(disk.site, NAME)
    return lambda: browser.post("/signout", follow=False)


STEPS = [
    _password, _consent, _code, _refresh, _registration, _saml, _arrival, _role, _sign_out,
]  # fmt: skip
KEPT = {"signin_challenge"}  # one that was used in a turn of its own is used for good


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_every_turn_of_a_step_is_lost_once(disk: Disk, step: Callable[[Disk], Act]) -> None:
    """No cookie, no code, no row of it; and what was used is good for another try."""
    turn, was_lost = 0, 0
    while True:
        act = step(disk)
        before = disk.rows()
        page = disk.losing(turn, act)
        if disk.turns <= turn:
            break
        turn += 1
        if not disk.lost:
            continue  # it had nothing to write
        was_lost += 1
        after = disk.rows()
        changed = {name for name in TABLES if before[name] != after[name]}
        assert changed <= KEPT, (turn, changed)
        assert not any(
            name == "set-cookie" and f"{SESSION}=" in text for name, text in page.headers
        )
        assert "code=" not in page.header("location")
        assert page.status != 200, page.text
        again = act()
        assert again.status in {200, 303}, again.text
        assert disk.rows() != after
    assert was_lost
    assert page.status in {200, 303}, page.text


def test_a_program_hears_that_the_server_cannot(disk: Disk) -> None:
    """It is no refusal: the program may try again."""
    page = disk.losing(1, _consent(disk))
    told = parse_qs(urlsplit(page.header("location")).query)
    assert told["error"] == ["temporarily_unavailable"]
    page = disk.losing(0, _code(disk))
    assert refusal(page) == (503, "server_error")
    assert json.loads(page.body)["message"] == "The server cannot answer now. Try again."


def test_another_start_knows_who_is_there(disk: Disk) -> None:
    """After a lost turn the next process opens store and log, and a session is good as before."""
    browser = signed_in(disk.site, NAME)
    assert disk.losing(1, _password(disk)).status == 503
    disk.site.reopen()
    disk.watch()
    assert browser.is_signed_in
    assert _password(disk)().status == 303
