"""A program acts as the person who allowed it in a browser. (sign-in.md 4.12, decision 0062)"""

import asyncio
import base64
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwk

from keystead.custody.proofs.passwords import Passwords
from keystead.server.installation import perform
from tests.console.browser import URL, Browser, Page, Site
from tests.console.outside import Outside, open_to_outsiders
from tests.console.people import (
    NEXT,
    PASSWORD,
    account_of,
    given_password,
    minutes,
    signed_in,
    user,
)
from tests.console.programs import (
    ALLOWED,
    CALLBACK,
    CONFIRMATION,
    CROSS,
    TOKEN,
    Program,
    credentials,
    may_log_in,
    refusal,
    told,
)
from tests.console.test_ending import Device
from tests.console.test_records import written
from tests.console.test_switching import person as acting_person
from tests.console.test_switching import role, switched
from tests.federation.saml_issuer import described
from tests.server.second_factors import element

pytestmark = pytest.mark.usefixtures("quick")
OVER, CHANGED = (401, "TOKEN_EXPIRED"), (403, "USER_CREDENTIALS_CHANGED")
USED, WRONG = (401, "AUTHCODE_EXPIRED"), (400, "INVALID_REQUEST")


def person(site: Site, name: str) -> Browser:
    """A user who may let programs in, and has signed in."""
    user(site, name)
    may_log_in(site, name)
    return signed_in(site, name)


def who(site: Site, answer: dict[str, Any]) -> str:
    """Whom the credentials are of; "" if they are of nobody."""
    asked = site.local.sts("GetCallerIdentity", credentials(answer))
    return element(asked, "Arn") if asked.status == 200 else ""


# the page


def test_a_program_gets_the_persons_credentials(pages: Site) -> None:
    """The page says who asks; a click gives a code; the code gives credentials and an id token."""
    browser, program = person(pages, "logs-in"), Program(pages)
    page = browser.get(program.path())
    assert page.title == "Let a program act as you"
    assert "logs-in" in page.text
    assert "http://127.0.0.1:53545" in page.text
    assert "its address has a code with which anybody acts as you" in page.text
    policy = page.header("content-security-policy")
    assert "form-action 'self' http://127.0.0.1:53545;" in policy

    answer = program.logged_in(browser)

    arn = f"arn:aws:iam::{account_of(pages)}:user/logs-in"
    assert who(pages, answer) == arn
    assert answer["tokenType"] == "aws_sigv4"
    assert answer["expiresIn"] == 900
    assert len(answer["refreshToken"]) <= 2048
    payload = answer["idToken"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["sub"] == arn
    allowed, given = pages.named("AuthorizeOAuth2Access")[-1], pages.named("CreateOAuth2Token")[-1]
    assert allowed.principal.arn == given.principal.arn == arn
    assert allowed.decisions[0].allowed
    assert given.decisions[0].allowed
    assert given.response_elements["accessToken"]["accessKeyId"].startswith("ASIA")
    assert allowed.request_parameters["redirect_uri"] == CALLBACK
    secret = answer["accessToken"]["secretAccessKey"]
    assert secret not in repr(given)
    assert answer["refreshToken"] not in repr(given)


def test_both_spellings_are_read(pages: Site) -> None:
    """AWS's model of 2025 writes clientId, its pages of 2026 client_id."""
    browser, program = person(pages, "spells"), Program(pages)
    body = {
        "client_id": program.client, "grant_type": "authorization_code",
        "code": program.code(browser), "redirect_uri": CALLBACK, "code_verifier": program.verifier,
    }  # fmt: skip
    answer = program.send(body)
    assert answer.status == 200, answer.text
    again = {**program.renewal(told(answer)["refreshToken"])}
    both = program.send({**again, "grant_type": "refresh_token"})
    assert refusal(both) == WRONG


def test_who_has_not_signed_in_signs_in_first(pages: Site) -> None:
    """The request waits, and its page comes after the sign-in; once."""
    user(pages, "later")
    may_log_in(pages, "later")
    browser, program = pages.browser(), Program(pages)
    assert browser.get(program.path()).title == "Sign in"
    fields = {"as": "user", "account": account_of(pages), "user": "later", "password": "x"}
    page = browser.post("/signin", fields)
    assert page.title == "Let a program act as you", page.text
    assert program.challenge in page.text
    browser.post("/signout")
    assert browser.sign_in(account_of(pages), "later", "x").title == "Your session"


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": "http://127.0.0.1:53545/oauth/callback/"},
        {"redirect_uri": "http://127.0.0.1:53545/oauth/callback?x"},
        {"redirect_uri": "http://127.0.0.1:53545/other"},
        {"redirect_uri": "http://localhost:53545/oauth/callback"},
        {"redirect_uri": "https://127.0.0.1:53545/oauth/callback"},
        {"redirect_uri": "http://127.0.0.1:65536/oauth/callback"},
        {"redirect_uri": "http://127.0.0.1:0/oauth/callback"},
        {"redirect_uri": "http://127.0.0.1/oauth/callback"},
        {"redirect_uri": "http://127.0.0.1:1@evil.example/oauth/callback"},
        {"redirect_uri": "http://127.0.0.1.evil.example:1/oauth/callback"},
        {"redirect_uri": "http://127.0.0.1:53545/oauth/callback\n"},
        {"redirect_uri": "http://127.0.0.1:\u0661/oauth/callback"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": CONFIRMATION},
        {"redirect_uri": None},
        {"client_id": CROSS},
        {"client_id": "arn:aws:signin:::devtools/other-device"},
        {"client_id": None},
    ],
)
def test_a_wrong_redirect_is_a_page(pages: Site, changed: dict[str, str | None]) -> None:
    """Whoever has the page open, the browser is sent nowhere."""
    name = "redirected"
    browser = pages.browser()
    page = browser.get(Program(pages).path(**changed), follow=False)
    assert (page.status, page.title) == (400, "Not possible"), name
    assert not page.header("location")


def test_a_parameter_that_is_there_twice_is_a_page(pages: Site) -> None:
    """There is no request with two readings."""
    path = Program(pages).path()
    for more in ("&redirect_uri=http://evil.example", "&state=2", "&x=" + "y" * 2048):
        assert pages.browser().get(path + more, follow=False).status == 400


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "openid profile"}, "invalid_scope"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "x" * 44}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"state": "a b"}, "invalid_request"),
    ],
)
def test_other_mistakes_end_the_programs_wait(
    pages: Site, changed: dict[str, str | None], error: str
) -> None:
    """The redirect is right, so the program hears of it at once."""
    page = pages.browser().get(Program(pages).path(**changed), follow=False)
    location = urlsplit(page.header("location"))
    assert page.status == 303
    assert location.netloc == "127.0.0.1:53545"
    assert parse_qs(location.query)["error"] == [error]


def test_a_person_may_refuse(pages: Site) -> None:
    """The program is told so, and there is no code."""
    browser, program = person(pages, "refuses"), Program(pages)
    location = program.asks(browser, answer="deny").header("location")
    assert parse_qs(urlsplit(location).query)["error"] == ["access_denied"]
    assert "code=" not in location


def test_no_other_site_allows(pages: Site) -> None:
    """A form of another site, or none of a browser's signs, is refused before any page."""
    browser, program = person(pages, "forged"), Program(pages)
    form = {**program.parameters, "answer": "allow", "hours": "8"}
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": None},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"origin": "http://127.0.0.1:53545"},
    ):
        page = browser.post("/v1/authorize", form, follow=False, headers=headers)
        assert page.status == 403
        assert "code" not in page.header("location")
    nobody = pages.browser().post("/v1/authorize", form, follow=False)
    assert (nobody.status, nobody.header("location")) == (303, "/signin")
    assert browser.get(program.path()).status == 200  # a GET gives no code
    wrong = browser.post("/v1/authorize", {**form, "hours": "13"}, follow=False)
    assert wrong.status == 400


def test_policies_decide(pages: Site) -> None:
    """Who may not is refused on the page; who may no more, when the program comes."""
    user(pages, "may-not")
    browser, program = signed_in(pages, "may-not"), Program(pages)
    location = program.asks(browser).header("location")
    said = parse_qs(urlsplit(location).query)
    assert said["error"] == ["access_denied"]
    assert "signin:AuthorizeOAuth2Access" in said["error_description"][0]
    may_log_in(pages, "may-not")
    answer, code = program.logged_in(browser), program.code(browser)
    pages.local.iam("DetachUserPolicy", UserName="may-not", PolicyArn=ALLOWED)
    assert refusal(program.redeem(code)) == (403, "INSUFFICIENT_PERMISSIONS")
    refresh = answer["refreshToken"]
    assert refusal(program.renew(refresh)) == (403, "INSUFFICIENT_PERMISSIONS")
    may_log_in(pages, "may-not")
    assert program.renew(refresh).status == 200  # a refusal of a policy ends nothing


def test_root_needs_no_policy(pages: Site) -> None:
    """And its sessions are root's."""
    password = given_password(pages)
    browser = pages.browser("127.0.0.1")
    email = pages.local.installation.identities.accounts.get(
        pages.local.installation.store.read(), account_of(pages)
    )
    assert email is not None
    browser.sign_in_as_root(email.email, password)
    page = browser.change(password, NEXT + "-of-root")
    assert page.title == "Your session", page.text
    answer = Program(pages).logged_in(browser)
    assert who(pages, answer) == f"arn:aws:iam::{account_of(pages)}:root"


def test_the_records_name_the_person_and_the_session(pages: Site) -> None:
    """Also of a token that came with another key, and of the end; no secret stands there."""
    browser, program = person(pages, "recorded"), Program(pages)
    answer = program.logged_in(browser)
    refresh = answer["refreshToken"]
    given = written(pages.named("CreateOAuth2Token")[-1])
    session = given["additionalEventData"]["sessionId"]
    assert given["userIdentity"]["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"
    Program(pages).renew(refresh)
    stolen = written(pages.named("CreateOAuth2Token")[-1])
    assert stolen["errorMessage"] == "The refresh token is not for this request."
    program.revoke(refresh)
    ended = written(pages.named("RevokeOAuth2Token")[-1])
    allowed = written(pages.named("AuthorizeOAuth2Access")[-1])
    for record in (given, stolen, ended, allowed):
        assert record["userIdentity"]["userName"] == "recorded"
        assert record["eventSource"] == "signin.amazonaws.com"
        assert record["recipientAccountId"] == account_of(pages)
        assert not any(secret in json.dumps(record) for secret in (refresh, program.verifier))
    for record in (stolen, ended):
        assert record["additionalEventData"] == {"sessionId": session}


# the code


def test_a_code_counts_once_and_soon(pages: Site) -> None:
    """A minute; the same again is refused, and ends nothing for the one who has it."""
    browser, program = person(pages, "codes"), Program(pages)
    code = program.code(browser)
    answer = told(program.redeem(code))
    assert refusal(program.redeem(code)) == USED
    assert who(pages, answer)
    late = program.code(browser)
    pages.local.time.passes(timedelta(seconds=61))
    assert refusal(program.redeem(late)) == USED
    for text in ("", "x", "1" * 512, f"{account_of(pages)}.{'A' * 43}"):
        assert program.redeem(text).status in {400, 401}


def test_a_code_is_bound(pages: Site) -> None:
    """To client, redirect and verifier; a wrong try does not use it up."""
    browser, program = person(pages, "bound"), Program(pages)
    code = program.code(browser)
    for changed in (
        {"codeVerifier": "x" * 43}, {"codeVerifier": program.challenge}, {"codeVerifier": ""},
        {"redirectUri": CALLBACK.replace("53545", "53546")}, {"clientId": CROSS},
        {"clientId": ""}, {"grantType": "client_credentials"},
    ):  # fmt: skip
        assert refusal(program.redeem(code, **changed)) == WRONG, changed
    assert program.redeem(code).status == 200


def test_a_used_code_with_another_key_ends_the_session(pages: Site) -> None:
    """Two have the code and the verifier: nobody knows which of them is the program."""
    browser, program = person(pages, "two-keys"), Program(pages)
    code = program.code(browser)
    answer = told(program.redeem(code))
    thief = Program(pages, verifier=program.verifier)
    assert refusal(thief.redeem(code)) == USED
    assert who(pages, answer) == ""
    assert refusal(program.renew(answer["refreshToken"])) == OVER


def test_a_used_code_costs_one_end(pages: Site) -> None:
    """Whoever has it, with the verifier and ever new keys, writes nothing more."""
    browser, program = person(pages, "new-keys"), Program(pages)
    code = program.code(browser)
    assert program.redeem(code).status == 200
    store, sql = pages.local.installation.store, "SELECT COUNT(*) FROM signin_proof"
    rows = []
    for _ in range(3):
        assert refusal(Program(pages, verifier=program.verifier).redeem(code)) == USED
        rows.append(store.read().one(sql))
    assert rows[0] == rows[1] == rows[2]


def test_a_code_ends_with_the_browsers_session(pages: Site) -> None:
    """Who signs out at once takes back what was not taken yet."""
    browser, program = person(pages, "out-at-once"), Program(pages)
    code = program.code(browser)
    browser.post("/signout")
    assert refusal(program.redeem(code)) == USED


def test_of_fifty_uses_of_a_code_one_succeeds(pages: Site) -> None:
    """At one time, with the right proof each."""
    browser, program = person(pages, "fifty"), Program(pages)
    body = json.dumps(program.redemption(program.code(browser))).encode()

    async def all_of_them() -> list[int]:
        answers = await asyncio.gather(*(program.sending(body) for _ in range(50)))
        return [answer.status for answer in answers]

    statuses = pages.loop.run_until_complete(all_of_them())
    assert sorted(statuses) == [200] + [401] * 49


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


def with_code(site: Site, device: Device) -> Browser:
    """A browser in which the owner of this device has signed in with it."""
    browser = site.browser()
    site.local.time.passes(timedelta(seconds=60))
    page = browser.sign_in(account_of(site), device.name, PASSWORD)
    assert page.title == "Second factor", page.text
    page = browser.post("/signin/mfa", code=device.code())
    assert page.title == "Your session", page.text
    return browser


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
