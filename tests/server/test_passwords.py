"""Passwords through the whole pipeline: hashed beside the loop, counted before they are checked."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from queue import SimpleQueue

import pytest

from keystead.custody.proofs.passwords import Passwords
from keystead.identity.iam.identities import login_profiles
from keystead.identity.repository import PasswordAttempts
from keystead.server.pipeline import Answer, Later
from keystead.wire.http import HttpRequest
from keystead.work import PASSWORDS, Outcome, Undone
from tests.patience import PATIENCE
from tests.server.installations import Answered, Local, open_local

OLD, NEW = "canary-Old-1", "canary-New-2"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    local = open_local(tmp_path_factory.mktemp("passwords") / "data")
    assert local.iam("CreateLoginProfile", Password=OLD).status == 200
    yield local
    local.installation.close()


def change(local: Local, old: str, new: str) -> HttpRequest:
    return local.iam_request("ChangePassword", OldPassword=old, NewPassword=new)


def together(local: Local, requests: list[HttpRequest]) -> list[Answered]:
    """The answers to requests of one turn; their work is done when it is durable."""
    first = local.installation.pipeline.answer_all(requests, 10.0)
    local.installation.commit()
    answers = [
        _after_work(local, answer) if isinstance(answer, Later) else answer for answer in first
    ]
    local.installation.commit()
    responses = [answer.response for answer in answers]
    return [Answered(one.status, dict(one.headers), one.body) for one in responses]


def _after_work(local: Local, later: Later) -> Answer:
    ended: SimpleQueue[Outcome | Undone] = SimpleQueue()
    later.begin(ended.put)
    [answer] = local.installation.pipeline.answer_all(
        [later.after(ended.get(timeout=PATIENCE))], 10.0
    )
    assert isinstance(answer, Answer)
    return answer


def test_many_guesses_at_once_are_one(local: Local) -> None:
    """Of many attempts in one turn one is taken, and its count outlives its refusal."""
    local.time.passes(timedelta(hours=1))
    _have_failed(local, 6)
    answers = together(local, [change(local, f"guess-{number}", NEW) for number in range(20)])

    told = [b"The old password was incorrect." in one.body for one in answers]
    assert told.count(True) == 1
    assert [b"<Code>Throttling</Code>" in one.body for one in answers].count(True) == 19
    right = local.send(change(local, OLD, NEW))
    assert b"<Code>Throttling</Code>" in right.body
    local.time.passes(timedelta(minutes=15))
    assert local.send(change(local, OLD, NEW)).status == 200
    local.time.passes(timedelta(seconds=2))
    assert local.send(change(local, NEW, OLD)).status == 200


def test_many_profiles_at_once_wait_for_their_turn(
    local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten users get passwords in one turn, also where each hash takes more than half a second."""
    monkeypatch.setattr(login_profiles, "_SECONDS", 0.6)
    pool = local.installation.pipeline.lane._pools[PASSWORDS]
    monkeypatch.setattr(pool, "_pace", 1.0)  # whatever the hashes before took on this machine
    requests = []
    for number in range(10):
        assert local.iam("CreateUser", UserName=f"jo-{number}").status == 200
        requests.append(
            local.iam_request("CreateLoginProfile", UserName=f"jo-{number}", Password=NEW)
        )
    assert [one.status for one in together(local, requests)] == [200] * 10


def _have_failed(local: Local, failures: int) -> None:
    """Let there have been so many failures, so that the next delay outlasts a slow machine."""
    installation = local.installation
    profiles, account = installation.identities.login_profiles, local.founded.account_id
    with installation.store.write() as transaction:
        user = installation.identities.users.named(transaction, account, "admin")
        assert user is not None
        until = int(local.time.wall().timestamp())
        profiles.record_attempts(
            transaction,
            PasswordAttempts(account=account, subject=user.user_id, failures=failures, until=until),
        )


def test_a_password_is_told_nowhere(
    local: Local, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in a record, and not in the log when hashing itself fails."""

    def fail(_: object, password: str, *__: object) -> str:
        raise RuntimeError(f"a defect with {password}")

    local.events.clear()
    with caplog.at_level(logging.DEBUG):
        local.iam("UpdateLoginProfile", UserName="admin", Password=NEW)
        local.iam("UpdateLoginProfile", UserName="admin", Password=OLD)
        monkeypatch.setattr(Passwords, "hash_password", fail)
        broken = local.iam("UpdateLoginProfile", UserName="admin", Password=NEW)
    assert broken.status == 500
    assert [event.name for event in local.events] == ["UpdateLoginProfile"] * 3
    told = repr(local.events) + caplog.text + broken.body.decode()
    assert OLD not in told
    assert NEW not in told
