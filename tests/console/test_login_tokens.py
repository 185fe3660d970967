"""What a program shows the server for its credentials: proofs, refresh tokens, bodies."""

import asyncio
import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwk

from keystead.custody.proofs.passwords import Passwords
from tests.console.browser import URL, Browser, Site
from tests.console.logging_in import OVER, WRONG, person, who
from tests.console.people import (
    account_of,
    minutes,
    user,
)
from tests.console.programs import (
    CROSS,
    TOKEN,
    Program,
    may_log_in,
    refusal,
    told,
)

pytestmark = pytest.mark.usefixtures("quick")


# the proof

Forge = Callable[[Program], str]
FORGED: dict[str, Forge] = {
    "none": lambda _: "",
    "not-one": lambda p: f"{p.proof()},{p.proof()}",
    "no-token": lambda _: "a.b.c",
    "method": lambda p: p.proof(htm="GET"),
    "no-method": lambda p: p.proof(htm=None),
    "url": lambda p: p.proof(htu="https://evil.example/v1/token"),
    "path": lambda p: p.proof(htu=f"{URL}/v1/revoke"),
    "user": lambda p: p.proof(htu=TOKEN.replace("://", "://x@")),
    "no-url": lambda p: p.proof(htu=None),
    "old": lambda p: p.proof(iat=int(p.site.local.time.wall().timestamp()) - 301),
    "early": lambda p: p.proof(iat=int(p.site.local.time.wall().timestamp()) + 301),
    "time-as-text": lambda p: p.proof(iat=str(int(p.site.local.time.wall().timestamp()))),
    "time-as-truth": lambda p: p.proof(iat=True),
    "no-time": lambda p: p.proof(iat=None),
    "no-id": lambda p: p.proof(jti=None),
    "short-id": lambda p: p.proof(jti="1"),
    "long-id": lambda p: p.proof(jti="1" * 129),
    "type": lambda p: p.proof({"typ": "JWT"}),
    "no-key": lambda p: p.proof({"jwk": None}),
    "private-key": lambda p: p.proof({"jwk": p.key.as_dict(private=True)}),
    "other-key": lambda p: p.proof({"jwk": jwk.ECKey.generate_key("P-256").as_dict(private=False)}),
    "other-curve": lambda p: p.proof(
        {"jwk": jwk.ECKey.generate_key("P-384").as_dict(private=False)}
    ),
    "rsa": lambda p: p.proof({"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}),
    "no-point": lambda p: p.proof(
        {"jwk": {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "B" * 42 + "A"}}
    ),
    "critical": lambda p: _with_header(p.proof(), {"crit": ["x"], "x": 1}),
    "signature": lambda p: p.proof()[:-8] + "AAAAAAAA",
    "unsigned": lambda p: _with_header(p.proof(), {"alg": "none"}),
    "symmetric": lambda p: _with_header(p.proof(), {"alg": "HS256"}),
    "claims": lambda p: ".".join((*p.proof().split(".")[:2], p.proof().split(".")[2])),
}


def _with_header(proof: str, changed: dict[str, Any]) -> str:
    header, payload, signature = proof.split(".")
    said = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    text = json.dumps({**said, **changed}).encode()
    return f"{base64.urlsafe_b64encode(text).decode().rstrip('=')}.{payload}.{signature}"


@pytest.fixture(scope="module")
def prover(pages: Site) -> tuple[Browser, Program]:
    user(pages, "proves")
    may_log_in(pages, "proves")
    browser = pages.browser()
    with patch.object(Passwords, "verify_password", lambda *_: True):
        browser.sign_in(account_of(pages), "proves", "x")
    return browser, Program(pages)


@pytest.mark.parametrize("how", FORGED)
def test_a_proof_is_verified_in_all_its_parts(
    pages: Site, prover: tuple[Browser, Program], how: str
) -> None:
    """And the same code is good with a right one."""
    browser, program = prover
    if not browser.is_signed_in:
        browser.sign_in(account_of(pages), "proves", "x")
    code = program.code(browser)
    assert refusal(program.redeem(code, FORGED[how](program))) == WRONG, how
    assert program.redeem(code).status == 200


def test_a_proof_counts_once_even_after_a_restart(pages: Site) -> None:
    """Whoever saw a request cannot send it again."""
    browser, program = person(pages, "replays"), Program(pages)
    answer, proof = program.logged_in(browser), program.proof()
    refresh = answer["refreshToken"]
    assert program.renew(refresh, proof).status == 200
    assert refusal(program.renew(refresh, proof)) == WRONG
    pages.reopen()
    assert refusal(program.renew(refresh, proof)) == WRONG
    assert program.renew(refresh).status == 200  # in its minute, with a new proof


def test_proofs_are_bounded(pages: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that sends too many waits; they are forgotten when they are too old."""
    monkeypatch.setattr("keystead.identity.repository.signin.logins.MOST_PROOFS", 3)
    browser, program = person(pages, "floods"), Program(pages)
    refresh = program.logged_in(browser)["refreshToken"]
    answers = [program.renew(refresh) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert refusal(answers[2]) == (429, "rate_exceeded")
    minutes(pages, 11)
    newest = told(answers[0])["refreshToken"]
    assert program.renew(newest).status == 200


# the refresh token


def test_refresh_tokens_follow_each_other(pages: Site) -> None:
    """Each gives new credentials and the next token; within a minute the same once more."""
    browser, program = person(pages, "renews"), Program(pages)
    first = program.logged_in(browser)
    second = told(program.renew(first["refreshToken"]))
    assert second["accessToken"] != first["accessToken"]
    assert "idToken" not in second
    assert who(pages, second)
    pages.local.time.passes(timedelta(seconds=20))
    again = told(program.renew(first["refreshToken"]))
    assert again["accessToken"] == second["accessToken"]
    assert again["refreshToken"] == second["refreshToken"]
    assert again["expiresIn"] == 880
    third = told(program.renew(second["refreshToken"]))
    assert third["accessToken"] != second["accessToken"]


@pytest.mark.parametrize("back", [1, 2])
def test_an_old_token_ends_the_session(pages: Site, back: int) -> None:
    """After its minute, or at once if another was used since: for the thief and for the robbed."""
    name = f"robbed-{back}"
    browser, program = person(pages, name), Program(pages)
    first = program.logged_in(browser)["refreshToken"]
    newest = told(program.renew(first))
    if back == 2:
        newest = told(program.renew(newest["refreshToken"]))
    else:
        pages.local.time.passes(timedelta(seconds=61))
    assert who(pages, newest)

    assert refusal(program.renew(first)) == OVER

    assert who(pages, newest) == ""
    assert refusal(program.renew(newest["refreshToken"])) == OVER
    [event] = [e for e in pages.named("CreateOAuth2Token")[-2:] if e.principal]
    assert event.principal.name == name
    assert event.error_code == "AccessDeniedException"


def test_a_token_is_bound_to_the_key_and_the_client(pages: Site) -> None:
    """A stolen token alone is worth nothing, and its theft harms nobody."""
    browser, program = person(pages, "key-bound"), Program(pages)
    refresh = program.logged_in(browser)["refreshToken"]
    assert refusal(Program(pages).renew(refresh)) == WRONG
    assert refusal(program.renew(refresh, clientId=CROSS)) == WRONG
    for text in ("", "x", refresh[:-2], refresh + "A", "A" * 4096):
        assert program.renew(text).status in {400, 401}
    assert program.renew(refresh).status == 200


def test_parallel_refreshes_have_one_result(pages: Site) -> None:
    """Programs that share a file renew at the same time."""
    browser, program = person(pages, "parallel"), Program(pages)
    body = json.dumps(program.renewal(program.logged_in(browser)["refreshToken"])).encode()

    async def all_of_them() -> list[dict[str, Any]]:
        answers = await asyncio.gather(*(program.sending(body) for _ in range(10)))
        return [told(answer) for answer in answers]

    answers = pages.loop.run_until_complete(all_of_them())
    assert all(answer == answers[0] for answer in answers), answers


def test_a_session_ends_at_its_hour(pages: Site) -> None:
    """The credentials end with it, and no token renews them."""
    browser, program = person(pages, "an-hour"), Program(pages)
    page = program.asks(browser, hours="1")
    code = parse_qs(urlsplit(page.header("location")).query)["code"][0]
    answer = told(program.redeem(code))
    minutes(pages, 50)
    answer = told(program.renew(answer["refreshToken"]))
    assert answer["expiresIn"] == 600
    minutes(pages, 10)
    assert who(pages, answer) == ""
    assert refusal(program.renew(answer["refreshToken"])) == OVER


# the list


def test_sessions_are_listed_and_taken_back(pages: Site) -> None:
    """On the page of one's own credentials; of nobody else."""
    browser, program = person(pages, "lists"), Program(pages)
    program.browser.headers["user-agent"] = "aws-cli/2.34 <b>hostile</b>"
    answer = program.logged_in(browser)
    page = browser.get("/security")
    assert "aws-cli/2.34 <b>hostile</b>" in page.text
    assert b"<b>hostile" not in page.body
    [login] = [part.split('"')[0] for part in page.text.split('name="id" value="')[1:]]
    stranger = person(pages, "lists-not")
    assert login not in stranger.get("/security").text
    stranger.post("/security/login/end", id=login)
    assert who(pages, answer)

    browser.post("/security/login/end", id=login)

    assert who(pages, answer) == ""
    assert refusal(program.renew(answer["refreshToken"])) == OVER
    assert "No program acts as you" in browser.get("/security").text


def test_a_program_ends_its_session(pages: Site) -> None:
    """With its key. A second time is no error; somebody else's key is."""
    browser, program = person(pages, "gives-back"), Program(pages)
    answer = program.logged_in(browser)
    refresh = answer["refreshToken"]
    assert refusal(Program(pages).revoke(refresh)) == WRONG
    assert who(pages, answer)
    assert program.revoke(refresh).status == 200
    assert who(pages, answer) == ""
    assert program.revoke(refresh).status == 200
    assert refusal(program.renew(refresh)) == OVER


def test_a_person_has_fifty_sessions(pages: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest ends with one more; here it is the third."""
    monkeypatch.setattr("keystead.identity.signin.logins.sessions.MOST_LOGINS", 2)
    browser, answers = person(pages, "many-logins"), []
    for _ in range(3):
        answers.append(Program(pages).logged_in(browser))
        pages.local.time.passes(timedelta(seconds=1))
    assert [bool(who(pages, answer)) for answer in answers] == [False, True, True]


# the body


@pytest.mark.parametrize(
    "body",
    [
        b"", b"x", b"[]", b"1", b'{"clientId":1}', b'{"clientId":"a","client_id":"a"}',
        b'{"a":"b","a":"c"}', b'{"clientId":{}}', b"{" * 5000, b"\xff",
        b'{"clientId":"' + b"x" * 5000 + b'"}',
    ],
)  # fmt: skip
def test_a_body_has_one_reading(pages: Site, body: bytes) -> None:
    """Anything else is a 400 with AWS's form, and costs nothing."""
    program = Program(pages)
    assert refusal(pages.loop.run_until_complete(program.sending(body)))[0] == 400


def test_other_media_types_are_not_read(pages: Site) -> None:
    """What a form of another site could send, is none."""
    program = Program(pages)
    for kind in ("text/plain", "application/x-www-form-urlencoded", None):
        page = program.send({"clientId": program.client}, content_type=kind)
        assert refusal(page) == WRONG
        assert not page.header("access-control-allow-origin")
    long = pages.loop.run_until_complete(program.sending(b" " * 9000))
    assert long.status == 413
