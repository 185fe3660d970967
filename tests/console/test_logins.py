"""A person lets a program act: the page, and what code comes of it. (sign-in.md 4.12)"""

import asyncio
import base64
import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.console.browser import Site
from tests.console.logging_in import OVER, USED, WRONG, person, who
from tests.console.people import (
    NEXT,
    account_of,
    given_password,
    signed_in,
    user,
)
from tests.console.programs import (
    ALLOWED,
    CALLBACK,
    CONFIRMATION,
    CROSS,
    Program,
    may_log_in,
    refusal,
    told,
)
from tests.console.test_records import written

pytestmark = pytest.mark.usefixtures("quick")


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
