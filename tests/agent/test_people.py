"""A sign-in of a person at the command line, whatever the provider or other programs say."""

import base64
import http.client
import json
import threading
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from keystead.agent.people import Client, Flow, Patience, Provider, SignIn, id_token, name_of
from keystead.failures import Failure
from tests.federation.issuer import Issuer, Said, serving

Does = Callable[[str], object]
CODE = {
    "device_code": "secret-code", "user_code": "ABCD-EFGH", "expires_in": 600,
    "verification_uri": "https://idp.example/device",
}  # fmt: skip


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with serving(Issuer(tmp_path_factory.mktemp("issuer"), ("127.0.0.1",))) as provider:
        provider.url = f"https://127.0.0.1:{provider.port}"
        yield provider


@pytest.fixture
def idp(issuer: Issuer) -> Issuer:
    """The provider, with all endpoints, and nothing else said yet."""
    issuer.pages.clear()
    issuer.posted.clear()
    issuer.document = {
        "token_endpoint": f"{issuer.url}/token",
        "authorization_endpoint": f"{issuer.url}/auth?tenant=1",
        "device_authorization_endpoint": f"{issuer.url}/device",
    }
    return issuer


def said(value: Any, status: int = 200) -> Said:
    return status, {}, json.dumps(value).encode()


def token(issuer: Issuer, **claims: Any) -> str:
    payload = {"iss": issuer.url, "aud": "cli", "sub": "ann", **claims}
    text = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
    return f"e30.{text}.x"


@dataclass
class Person:
    """What was told, and a clock that stands unless somebody waits."""

    issuer: Issuer
    told: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def signs_in(self, flow: Flow, seconds: float = 300, **more: Any) -> str:
        provider = Provider(self.issuer.url, str(self.issuer.certificate))
        wanted = SignIn(provider, Client("cli"), flow, self.told.append, **more)
        return id_token(wanted, Patience(seconds, lambda: sum(self.waits), self.waits.append))


# the device flow


def answers(issuer: Issuer, *all_of_them: Said) -> None:
    """What the token endpoint says, one after the other."""
    left = list(all_of_them)
    issuer.pages["/device"] = lambda: said(CODE)
    issuer.pages["/token"] = lambda: left.pop(0)


def test_it_asks_no_more_often_than_it_may(idp: Issuer) -> None:
    """RFC 8628, 3.5: slower by five seconds when told so, half as often after silence."""
    given = token(idp)
    answers(idp, said({"error": "authorization_pending"}, 400), said({"error": "slow_down"}, 400),
            (503, {}, b""), said({"id_token": given, "access_token": None}))  # fmt: skip
    person = Person(idp)
    assert person.signs_in(Flow.DEVICE) == given
    assert person.waits == [5, 5, 10, 20]
    assert idp.posted[0] == {"client_id": "cli", "scope": "openid"}
    assert idp.posted[-1]["device_code"] == "secret-code"
    assert not any("secret-code" in line for line in person.told)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (said({"error": "access_denied"}, 400), "the sign-in was refused"),
        (said({"error": "expired_token"}, 400), "not entered in time"),
        (said({"error": "invalid_client\x1b[2J"}, 401), r"refuses: invalid_client \[2J"),
        (said({"access_token": "x"}), "gives no id token"),
        (said({"id_token": "x"}), "is no id token"),
        ((302, {"Location": "https://127.0.0.1/"}, b""), "status 302"),
        ((200, {}, b"[" * 100_000), "nothing that is known"),
    ],
)
def test_a_device_that_gets_nothing(idp: Issuer, answer: Said, why: str) -> None:
    """Each end of the waiting has its words."""
    answers(idp, answer)
    with pytest.raises(Failure, match=why):
        Person(idp).signs_in(Flow.DEVICE)


def test_patience_ends(idp: Issuer) -> None:
    """The wait is bounded by what the person gave, and by what the provider gave."""
    for seconds, life, tries in ((60, 600, 11), (600, 21, 4)):
        idp.posted.clear()
        answers(idp, *[said({"error": "authorization_pending"}, 400)] * 20)
        idp.pages["/device"] = lambda life=life: said({**CODE, "expires_in": life})  # type: ignore[misc]  # bound now
        with pytest.raises(Failure, match="not entered in time"):
            Person(idp).signs_in(Flow.DEVICE, seconds)
        assert len(idp.posted) == 1 + tries


def test_what_the_provider_says_is_shown_plainly(idp: Issuer) -> None:
    """No control character of the provider reaches the terminal."""
    answers(idp, said({"id_token": token(idp)}))
    hostile = {**CODE, "user_code": "\x1b]0;title\x07A\r\nB", "verification_uri": "x" * 5000}
    idp.pages["/device"] = lambda: said(hostile)
    person = Person(idp)
    person.signs_in(Flow.DEVICE)
    assert person.told == [f"open {'x' * 300} and enter the code  ]0;title A  B"]


def test_a_provider_that_never_ends(idp: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer has its time as a whole, not only each byte of it."""
    provider = Provider(idp.url, str(idp.certificate))
    assert provider.document.issuer == idp.url
    monkeypatch.setattr("keystead.agent.server._SECONDS", 0.2)
    idp.pages["/device"] = lambda: (200, {"Content-Length": "1000"}, b"{")  # and no more
    with pytest.raises(Failure, match=r"gives no code: `127\.0\.0\.1` does not answer"):
        id_token(SignIn(provider, Client("cli"), Flow.DEVICE, print), Patience.of(60))


@pytest.mark.parametrize("answer", [{**CODE, "device_code": "\ud800"}, {**CODE, "interval": 1e999}])
def test_what_has_no_one_reading_is_no_answer(idp: Issuer, answer: dict[str, Any]) -> None:
    """Half a character could not even be sent back."""
    idp.pages["/device"] = lambda: said(answer)
    with pytest.raises(Failure, match="nothing that is known"):
        Person(idp).signs_in(Flow.DEVICE)


# whose document it is


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"issuer": "https://evil.example"}, "calls itself `https://evil.example`"),
        ({"device_authorization_endpoint": ""}, "has no `device_authorization_endpoint`"),
        ({"device_authorization_endpoint": "http://127.0.0.1/"}, "is no https URL"),
        ({"device_authorization_endpoint": "https://me@127.0.0.1/"}, "is no https URL"),
        ({"token_endpoint": 7}, "is no document of a provider"),
    ],
)
def test_a_document_that_is_not_believed(idp: Issuer, document: Any, why: str) -> None:
    """A wrong issuer, and endpoints that are not https, are refused before anything is sent."""
    idp.document |= document
    with pytest.raises(Failure, match=why):
        Person(idp).signs_in(Flow.DEVICE)
    assert not idp.posted


def test_a_certificate_that_is_not_believed(idp: Issuer) -> None:
    """Without its authority the provider is not spoken to; nor is one without TLS."""
    with pytest.raises(Failure, match=r"certificate of `127\.0\.0\.1` is not believed") as refused:
        _ = Provider(idp.url).document
    assert refused.value.hint == "name its authority with --issuer-ca"
    for url in ("http://127.0.0.1", "https://", "https://a b", "https://x/?q", "https://x:99999"):
        with pytest.raises(Failure, match="is not the URL of an issuer"):
            Provider(url)


# the browser


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Callable[[Does], None]:
    """What the browser does with the URL that it is sent to."""

    def use(does: Does) -> None:
        monkeypatch.setattr(webbrowser, "open", does)

    return use


def fetched(url: str, query: str, **headers: str) -> int:
    """The status of a redirect to the listener that a URL of authorization names."""
    target = urlsplit(parse_qs(urlsplit(url).query)["redirect_uri"][0])
    assert (target.hostname, target.path) == ("127.0.0.1", "/callback")
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=30)
    connection.request("GET", f"{target.path}?{query}", headers=headers)
    return connection.getresponse().status


def asked(url: str, name: str) -> str:
    return parse_qs(urlsplit(url).query)[name][0]


def test_only_the_answer_with_the_state_counts(
    idp: Issuer, browser: Callable[[Does], None]
) -> None:
    """Other programs, repeated fields and other hosts are answered 404, and the waiting goes on."""

    def comes_back(url: str) -> None:
        state = asked(url, "state")
        idp.pages["/token"] = lambda: said({"id_token": token(idp, nonce=asked(url, "nonce"))})
        for query in ("", "code=x", "code=x&state=wrong", f"code=x&state={state}&state={state}",
                      "&".join("a=b" for _ in range(50))):  # fmt: skip
            assert fetched(url, query) == 404
        assert fetched(url, f"code=evil&state={state}", Host="evil.example") == 404
        assert fetched(url, f"code=good&state={state}") == 200

    browser(comes_back)
    person = Person(idp)
    assert name_of(person.signs_in(Flow.BROWSER)) == "ann"
    [form] = idp.posted
    assert (form["code"], form["grant_type"]) == ("good", "authorization_code")
    assert len(form["code_verifier"]) == 64
    [line] = person.told
    assert form["code_verifier"] not in line
    assert "code_challenge_method=S256" in line


@pytest.mark.parametrize(
    ("answer", "nonce", "why"),
    [
        ("code=x&iss=https://evil.example", "", "of another provider"),
        ("error=access_denied&error_description=%1b[2Jno", "", r"refuses: access_denied  \[2Jno"),
        ("x=y", "", "has no code"),
        ("code=x", "another", "of another sign-in"),
    ],
)
def test_an_answer_that_is_not_taken(
    idp: Issuer,
    browser: Callable[[Does], None],
    answer: str,
    nonce: str,
    why: str,
) -> None:
    """Of another provider (RFC 9207), a refusal, without a code, with another sign-in's token."""
    idp.pages["/token"] = lambda: said({"id_token": token(idp, nonce=nonce)})
    browser(lambda url: fetched(url, f"{answer}&state={asked(url, 'state')}"))
    with pytest.raises(Failure, match=why):
        Person(idp).signs_in(Flow.BROWSER)


def test_a_provider_that_always_says_who_it_is(
    idp: Issuer, browser: Callable[[Does], None]
) -> None:
    """If its document says so, an answer without `iss` is not its own (RFC 9207, 2.4)."""
    idp.document["authorization_response_iss_parameter_supported"] = True
    browser(lambda url: fetched(url, f"code=x&state={asked(url, 'state')}"))
    with pytest.raises(Failure, match="of another provider"):
        Person(idp).signs_in(Flow.BROWSER)


def test_nobody_comes_back(idp: Issuer, browser: Callable[[Does], None]) -> None:
    """The waiting for the browser ends, too."""
    browser(lambda _: None)
    with pytest.raises(Failure, match="nobody signed in in time"):
        Person(idp).signs_in(Flow.BROWSER, 0)


def test_a_token_for_somebody_else(idp: Issuer) -> None:
    """An id token of another issuer, or for another client, goes nowhere."""
    for claims, why in (({"iss": "https://evil.example"}, "another issuer"),
                        ({"aud": "other"}, "another client")):  # fmt: skip
        answers(idp, said({"id_token": token(idp, **claims)}))
        with pytest.raises(Failure, match=why):
            Person(idp).signs_in(Flow.DEVICE)


def test_names_of_sessions(idp: Issuer) -> None:
    """The subject, as far as STS takes it."""
    for subject, name in (("a b/ü", "a-b-"), ("x", "oidc-x"), ("s" * 100, "s" * 64), ("", "oidc-")):
        assert name_of(token(idp, sub=subject)) == name


# what is kept


def test_a_file_that_is_not_used(idp: Issuer, tmp_path: Path) -> None:
    """Readable by others, damaged, or of another client: it is refused, and stays."""
    keep = tmp_path / "kept"
    good = {"version": 1, "issuer": idp.url, "client_id": "cli", "refresh_token": "r"}
    for content, mode, why in (
        (good, 0o644, "accessible to others"),
        ("x", 0o600, "holds no kept sign-in"),
        ({**good, "version": 2}, 0o600, "holds no kept sign-in"),
        ({**good, "client_id": "other"}, 0o600, "another provider or client"),
    ):
        keep.write_text(json.dumps(content))
        keep.chmod(mode)
        with pytest.raises(Failure, match=why):
            Person(idp).signs_in(Flow.DEVICE, keep=keep)
    assert not idp.posted


def test_a_kept_token_that_is_over(idp: Issuer, tmp_path: Path) -> None:
    """The person signs in once more; what the provider gives then is kept, with mode 0600."""
    keep, given = tmp_path / "kept", token(idp)
    for refusal in (said({"error": "invalid_grant"}, 400), said({"access_token": "no id token"})):
        kept = {"version": 1, "issuer": idp.url, "client_id": "cli", "refresh_token": "old"}
        keep.write_text(json.dumps(kept))
        keep.chmod(0o600)
        answers(idp, refusal, said({"id_token": given, "refresh_token": "new"}))
        assert Person(idp).signs_in(Flow.DEVICE, keep=keep) == given
        assert json.loads(keep.read_text())["refresh_token"] == "new"
        assert keep.stat().st_mode & 0o777 == 0o600
    answers(idp, said({"error": "invalid_grant"}, 400), said({"id_token": given}))
    person = Person(idp)
    person.signs_in(Flow.DEVICE, keep=keep)
    assert not keep.exists()
    assert "the provider gave nothing that can be kept" in person.told
    assert "offline_access" in idp.posted[-2]["scope"]


def test_one_run_at_a_time(idp: Issuer, tmp_path: Path) -> None:
    """A second run waits for the first, and then uses what that kept."""
    keep, given = tmp_path / "kept", token(idp)
    arrived, may_go = threading.Event(), threading.Event()

    def slowly() -> Said:
        arrived.set()
        may_go.wait(30)
        return said({"id_token": given, "refresh_token": "first"})

    answers(idp)
    idp.pages["/token"] = slowly
    first = threading.Thread(target=lambda: Person(idp).signs_in(Flow.DEVICE, keep=keep))
    first.start()
    assert arrived.wait(30)
    with pytest.raises(Failure, match="another run uses"):
        Person(idp).signs_in(Flow.DEVICE, 1, keep=keep)
    may_go.set()
    first.join(30)
    idp.posted.clear()
    assert Person(idp).signs_in(Flow.DEVICE, keep=keep) == given
    assert [form["grant_type"] for form in idp.posted] == ["refresh_token"]
    assert idp.posted[0]["refresh_token"] == "first"
