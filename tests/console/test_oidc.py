"""Each transition of sign-in.md 4.6: people sign in by a provider of OpenID Connect."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from keystead.failures import Failure
from keystead.server.installation import perform
from tests.console.browser import SESSION, URL, Browser, Page, Site, site
from tests.console.people import minutes, refused, signed_in, user
from tests.console.saml_people import AGAIN, REFUSED, session_name
from tests.federation.issuer import HOST, KEYS_HOST, Issuer, Names, Said, rsa_key, serving, signed
from tests.federation.issuer import URL as ISSUER
from tests.federation.land import Land

CLIENT = "console"
SECRET = "canary secret/of+the client"  # of a test
SILENT = "Sign-in with your organization is not available now."


@dataclass
class Provider:
    """The provider, what it says for the next code, and what it was asked."""

    site: Site
    land: Land
    issuer: Issuer
    claims: dict[str, Any] = field(default_factory=dict)
    revisions: int = 0
    query: dict[str, str] = field(default_factory=dict)  # of the last start

    @property
    def role(self) -> str:
        return self.land.roles["web"]

    @property
    def id(self) -> str:
        return self.callback.rpartition("/")[2]

    @property
    def callback(self) -> str:
        """The path of its redirect URI."""
        [listed] = [each for each in self.listed() if each["Provider"] == self.land.provider]
        return str(listed["Callback"])

    def listed(self) -> list[dict[str, Any]]:
        told = perform(self.site.local.installation, "federation list", {})
        return list(told["Providers"])

    def set(self, **settings: str) -> None:
        given = {"provider": self.land.provider, "client_id": CLIENT, "client_secret": SECRET}
        perform(self.site.local.installation, "federation oidc", {**given, **settings})

    def asked_anew(self, **document: Any) -> None:
        """The provider says this more of itself, and is asked again."""
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
        usual = {name: f"{ISSUER}/{place}" for name, place in places.items()}
        self.issuer.document = {**usual, **document}
        self.revisions += 1
        self.land.iam("AddClientIDToOpenIDConnectProvider",
                      OpenIDConnectProviderArn=self.land.provider,
                      ClientID=f"more-{self.revisions}")  # fmt: skip

    def begin(self, browser: Browser) -> str:
        """Somebody begins here: the state, after which the provider's next token is for it."""
        browser.get(f"/oidc/start/{self.id}")
        page = browser.post(f"/oidc/start/{self.id}")
        assert page.status == 200, page.text
        url = page.header("refresh").partition("url=")[2]
        self.query = {name: text for name, [text] in parse_qs(urlsplit(url).query).items()}
        assert url.startswith(f"{ISSUER}/authorize?")
        return self.query["state"]

    def says(self, **claims: Any) -> None:
        """What the next token says."""
        self.claims = self.land.claims(
            **{"aud": CLIENT, "sub": "jo", "nonce": self.query["nonce"], "roles": [self.role],
               **claims}
        )  # fmt: skip

    def token(self) -> Said:
        body = {"token_type": "Bearer", "id_token": signed(self.claims, rsa_key("one"))}
        return 200, {}, json.dumps(body).encode()

    def come(self, browser: Browser, state: str, code: str = "c0de", **more: str) -> Page:
        fields = "".join(f"&{name}={text}" for name, text in more.items())
        return browser.get(f"{self.callback}?state={state}&code={code}{fields}")

    def sign_in(self, browser: Browser, **claims: Any) -> Page:
        state = self.begin(browser)
        self.says(**claims)
        return self.come(browser, state)


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    folder, names = tmp_path_factory.mktemp("oidc"), Names()
    with serving(Issuer(folder)) as issuer:
        names.port = issuer.port
        issuer.document = {
            "authorization_endpoint": f"{ISSUER}/authorize", "token_endpoint": f"{ISSUER}/token",
        }  # fmt: skip
        with site(folder / "data", network=names) as opened:
            land = Land(opened.local, issuer, names)
            land.create_provider(ISSUER, CLIENT, "other")
            land.roles["web"] = land.role("web")
            provider = Provider(opened, land, issuer)
            issuer.pages["/token"] = provider.token
            provider.set(role_claim="roles")
            yield provider


def why(login: Provider) -> str:
    """The reason of the last refusal, as its record has it."""
    event = [each for each in login.site.local.events if each.name == "ConsoleLogin"][-1]
    assert event.response_elements == {"ConsoleLogin": "Failure"}
    return str(event.error_message)


def test_somebody_signs_in(login: Provider) -> None:
    """The button leads to the provider with state, nonce and challenge; its code to a session."""
    browser = login.site.browser()
    state = login.begin(browser)
    query = login.query
    login.says()

    page = login.come(browser, state)

    assert session_name(page) == "jo", page.text
    assert query["redirect_uri"] == f"{URL}{login.callback}"
    assert (query["response_type"], query["scope"], query["client_id"]) == (
        "code", "openid", CLIENT,
    )  # fmt: skip
    posted = login.issuer.posted[-1]
    hashed = hashlib.sha256(posted["code_verifier"].encode()).digest()
    assert query["code_challenge_method"] == "S256"
    assert base64.urlsafe_b64encode(hashed).rstrip(b"=").decode() == query["code_challenge"]
    assert posted["redirect_uri"] == query["redirect_uri"]
    user_and_secret = base64.b64decode(login.issuer.authorized[-1].partition(" ")[2]).decode()
    assert user_and_secret == f"{CLIENT}:canary%20secret%2Fof%2Bthe%20client"
    assert "client_secret" not in posted


def test_no_secret_and_no_token_is_seen(login: Provider) -> None:
    """Neither pages nor records show the token, the verifier or the client's secret."""
    page = login.sign_in(login.site.browser())

    told = repr(login.site.local.events) + page.text
    verifier = login.issuer.posted[-1]["code_verifier"]
    for secret in (signed(login.claims, rsa_key("one")), verifier, SECRET, "c0de"):
        assert secret not in told
    raw = login.site.local.installation.store.read().all("SELECT * FROM signin_provider", ())
    assert SECRET.encode() not in repr(raw).encode()


def test_the_claim_or_one_role(login: Provider) -> None:
    """Roles come from the claim's ARNs alone, or the operator gives everybody one."""
    other = login.land.role("other")
    page = login.sign_in(login.site.browser(), roles=[login.role, other, "admins", 7])
    assert page.title == "Choose a role"
    assert "admins" not in page.text
    assert "named none" in login.sign_in(login.site.browser(), roles="free text").text
    far = "arn:aws:iam::000000000000:role/web"
    assert "named none" in login.sign_in(login.site.browser(), roles=[far]).text

    login.set(role=other, name_claim="email", scopes="openid email")
    page = login.sign_in(login.site.browser(), roles=[login.role], email="jo@example.com")

    assert "assumed-role/other/jo@example.com" in page.text
    assert login.query["scope"] == "openid email"
    assert login.sign_in(login.site.browser()).alert == REFUSED
    assert "the ID token has no claim `email`" in why(login)
    assert login.sign_in(login.site.browser(), email="j o@example.com").alert == REFUSED
    assert "the claim `email` is no name" in why(login)
    login.set(role_claim="roles")


def test_the_trust_policy_decides(login: Provider) -> None:
    """A role that does not let the person in is not entered, whatever the claim says."""
    shut = login.land.role("shut", login.land.trusting(StringEquals={f"{HOST}:sub": "nobody"}))
    page = login.sign_in(login.site.browser(), roles=[shut])
    assert "None of your roles could be used" in page.text
    page = login.sign_in(login.site.browser(), roles=[shut], sub="nobody")
    assert session_name(page) == "nobody"


def test_claims_reach_the_decision(login: Provider) -> None:
    """Conditions and session tags hold at the page as they do for STS."""
    conditions = {"StringEquals": {f"{HOST}:aud": CLIENT, "aws:RequestTag/Team": "blue"},
                  "ForAnyValue:StringEquals": {f"{HOST}:amr": "mfa"}}  # fmt: skip
    role = login.land.role("tagged", login.land.trusting("sts:TagSession", **conditions))
    tags = {"https://aws.amazon.com/tags": {"principal_tags": {"Team": ["blue"]}}}

    def title(**claims: Any) -> str:
        return login.sign_in(login.site.browser(), roles=[role], **claims).title

    assert title(amr=["pwd", "mfa"], **tags) == "Your session"
    assert title(amr=["pwd"], **tags) == "Not signed in"
    assert title(amr=["mfa"]) == "Not signed in"


Change = Callable[[Provider, Browser], Page]


def _code_of_another_state(login: Provider, browser: Browser) -> Page:
    """A code that somebody else's sign-in got: the provider gives the token of that one."""
    login.begin(login.site.browser())
    login.says()
    theirs = login.claims
    state = login.begin(browser)
    login.claims = theirs
    return login.come(browser, state)


def _state_of_another_browser(login: Provider, browser: Browser) -> Page:
    state = login.begin(login.site.browser())
    login.says()
    login.begin(browser)
    return login.come(browser, state)


def _another_issuer(login: Provider, browser: Browser) -> Page:
    state = login.begin(browser)
    login.says()
    return login.come(browser, state, iss="https://evil.example")


def _error(login: Provider, browser: Browser) -> Page:
    state = login.begin(browser)
    return login.come(browser, state, error="server_error")


def _claims(**claims: Any) -> Change:
    def change(login: Provider, browser: Browser) -> Page:
        return login.sign_in(browser, **claims)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_code_of_another_state, "nonce"),
        (_state_of_another_browser, "another browser"),
        (_another_issuer, "iss"),
        (_error, "server_error"),
        (_claims(nonce="replayed"), "nonce"),
        (_claims(nonce=None), "nonce"),
        (_claims(aud="other"), "another client"),
        (_claims(aud="stranger"), "step 6"),
        (_claims(azp="other"), "another client"),
        (_claims(iss="https://evil.example"), "step 4"),
        (_claims(exp=1), "expired"),
        (_claims(iat=None), "step 5"),
        (_claims(sub="auth0|jo"), "no name of a session"),
    ],
)
def test_attacks_have_one_text(login: Provider, change: Change, reason: str) -> None:
    """Each is refused in the one sentence; the record has the reason."""
    page = change(login, login.site.browser())

    assert refused(page) == REFUSED
    assert reason in why(login)
    assert login.sign_in(login.site.browser()).title == "Your session"


def test_a_state_is_good_once(login: Provider) -> None:
    """The code of a state is asked about once, also if it failed, and after ten minutes not."""
    browser = login.site.browser()
    state = login.begin(browser)
    login.says(nonce="wrong")
    asked = len(login.issuer.posted)
    assert login.come(browser, state).alert == REFUSED
    login.says()
    assert login.come(browser, state).alert == AGAIN
    assert len(login.issuer.posted) == asked + 1
    state = login.begin(browser)
    login.says()
    minutes(login.site, 10)
    assert login.come(browser, state).alert == AGAIN
    assert login.come(browser, "nonsense").alert == AGAIN


def test_fifty_uses_of_one_code(login: Provider) -> None:
    """Of fifty at a time one signs in, and the provider is asked once."""
    browser = login.site.browser()
    state = login.begin(browser)
    login.says()
    asked = len(login.issuer.posted)

    async def fifty() -> list[Page]:
        path = f"{login.callback}?state={state}&code=c"
        uses = (browser.send("GET", path) for _ in range(50))
        return await asyncio.gather(*uses)

    pages = login.site.loop.run_until_complete(fifty())

    assert [page.status for page in pages].count(303) == 1
    assert len(login.issuer.posted) == asked + 1


def test_how_the_client_proves_itself(login: Provider) -> None:
    """With its secret in a header, or in the form if the provider takes no other; or not at all."""
    login.set(role_claim="roles", client_secret="")
    assert login.sign_in(login.site.browser()).title == "Your session"
    assert login.issuer.posted[-1]["client_id"] == CLIENT
    assert login.issuer.authorized[-1] == ""

    login.set(role_claim="roles")
    login.asked_anew(token_endpoint_auth_methods_supported=["client_secret_post"])
    assert login.sign_in(login.site.browser()).title == "Your session"

    assert login.issuer.posted[-1]["client_secret"] == SECRET
    assert login.issuer.authorized[-1] == ""
    login.asked_anew()


def test_a_provider_that_names_itself(login: Provider) -> None:
    """One that says so is not believed without its name beside the code (RFC 9207)."""
    login.asked_anew(authorization_response_iss_parameter_supported=True)
    assert login.sign_in(login.site.browser()).alert == REFUSED
    browser = login.site.browser()
    state = login.begin(browser)
    login.says()
    assert login.come(browser, state, iss=ISSUER).title == "Your session"
    login.asked_anew()


def test_a_provider_that_is_for_people_no_more(login: Provider) -> None:
    """Who is at the role chooser meanwhile gets no session; nor one of another role than now."""
    other = login.land.role("another")
    for change in ("federation remove", "federation oidc"):
        browser = login.site.browser()
        page = login.sign_in(browser, roles=[login.role, other])
        assert page.title == "Choose a role"
        given = {"provider": login.land.provider, "client_id": CLIENT, "role": login.role}
        perform(login.site.local.installation, change, given)

        page = browser.post("/signin/role", role="1")

        assert page.alert == "The role does not let you in."
        assert SESSION not in browser.cookies
        login.set(role_claim="roles")


def test_no_provider_gets_the_code_of_another(login: Provider) -> None:
    """A provider leads the browser on to another one, with the state of its own sign-in (mix-up).

    The other one says nothing of itself beside its codes. What comes to its redirect URI is asked
    about there or nowhere: else the first provider had a code, and with it somebody's session.
    """
    evil = f"https://{KEYS_HOST}/evil"
    document = {
        "issuer": evil,
        "jwks_uri": f"{evil}/keys",
        "authorization_endpoint": f"{evil}/authorize",
        "token_endpoint": f"{evil}/token",
    }
    told = json.dumps(document).encode()
    login.land.names.known[KEYS_HOST] = login.land.names.known[HOST]
    login.issuer.pages["/evil/.well-known/openid-configuration"] = lambda: (200, {}, told)
    login.land.create_provider(evil, CLIENT)
    arn = f"{login.land.provider.rpartition('/')[0]}/{KEYS_HOST}/evil"
    perform(login.site.local.installation, "federation oidc",
            {"provider": arn, "client_id": CLIENT, "role_claim": "roles"})  # fmt: skip
    [listed] = [each for each in login.listed() if each["Provider"] == arn]
    browser, asked = login.site.browser(), len(login.issuer.posted)
    url = browser.post(str(listed["Start"])).header("refresh").partition("url=")[2]
    query = parse_qs(urlsplit(url).query)
    assert query["redirect_uri"] == [f"{URL}{listed['Callback']}"]

    page = login.come(browser, query["state"][0], "c0de-of-the-honest-one")

    assert page.alert == REFUSED
    assert "redirect URI" in why(login)
    assert len(login.issuer.posted) == asked
    assert login.sign_in(browser).title == "Your session"
    login.land.iam("DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=arn)


def test_a_code_is_not_taken_inside(login: Provider) -> None:
    """A token endpoint on a private address is not asked: it would be a way into the network."""
    login.land.names.known["inside.example.com"] = ["10.0.0.9"]
    login.asked_anew(token_endpoint="https://inside.example.com/token")

    assert login.sign_in(login.site.browser()).alert == REFUSED

    assert "federation_private_addresses" in why(login)
    login.asked_anew()
    assert login.sign_in(login.site.browser()).title == "Your session"


def test_a_person_may_say_no(login: Provider) -> None:
    """access_denied leads back to the form, and is no failure."""
    browser = login.site.browser()
    state = login.begin(browser)
    before = len(login.site.named("ConsoleLogin"))

    page = browser.get(f"{login.callback}?error=access_denied&state={state}")

    assert page.title == "Sign in"
    assert len(login.site.named("ConsoleLogin")) == before


def test_a_provider_that_gives_no_token(login: Provider) -> None:
    """A refused code, an answer of another form, and one without a token have the one text."""
    answers: list[Said] = [
        (400, {}, b'{"error": "invalid_grant"}'), (200, {}, b"[]"), (200, {}, b"{}"),
    ]  # fmt: skip
    for said in answers:
        browser = login.site.browser()
        state = login.begin(browser)

        def page(said: Said = said) -> Said:
            return said

        login.issuer.pages["/token"] = page
        assert login.come(browser, state).alert == REFUSED
        assert "code" in why(login)
    login.issuer.pages["/token"] = login.token
    assert login.sign_in(login.site.browser()).title == "Your session"


def test_a_session_ends_with_its_provider(login: Provider) -> None:
    """A change of the provider ends the sessions that began by it."""
    browser = login.site.browser()
    login.sign_in(browser)
    assert browser.is_signed_in

    login.land.iam("AddClientIDToOpenIDConnectProvider",
                   OpenIDConnectProviderArn=login.land.provider, ClientID="third")  # fmt: skip

    assert not browser.is_signed_in


def test_an_open_session_is_replaced(login: Provider) -> None:
    """Whoever begins here with a session open wants another one."""
    user(login.site, "alice")
    browser = signed_in(login.site, "alice")
    assert session_name(login.sign_in(browser)) == "jo"
    assert "assumed-role/web/jo" in browser.get("/").text


def test_what_the_operator_may_say(login: Provider) -> None:
    """What could not work is refused with a hint; a provider without a word is not for people."""
    installation, arn = login.site.local.installation, login.land.provider
    wrong = [
        {"client_id": "unknown", "role_claim": "roles"},
        {"client_id": CLIENT},
        {"client_id": CLIENT, "role_claim": "roles", "role": login.role},
        {"client_id": CLIENT, "role": "arn:aws:iam::000000000000:role/x"},
        {"client_id": CLIENT, "role": "free text"},
        {"client_id": CLIENT, "role_claim": "roles", "scopes": "email"},
        {"client_id": CLIENT, "role_claim": "two words"},
        {"client_id": CLIENT, "role_claim": "roles", "client_secret": "two\nlines"},
    ]
    for settings in wrong:
        with pytest.raises(Failure):
            perform(installation, "federation oidc", {"provider": arn, **settings})
    with pytest.raises(Failure):
        perform(installation, "federation saml", {"provider": arn, "provider_initiated": True})
    start = f"/oidc/start/{login.id}"

    perform(installation, "federation remove", {"provider": arn})

    assert login.listed() == []
    assert login.site.browser().post(start).alert == REFUSED
    with pytest.raises(Failure):
        perform(installation, "federation remove", {"provider": arn})
    login.set(role_claim="roles")
    assert login.sign_in(login.site.browser()).title == "Your session"


def test_a_silent_provider_is_told(login: Provider) -> None:
    """A provider that cannot be asked is no fault of the person: its page says so."""
    login.issuer.document = {"issuer": "https://other.example"}
    login.land.iam("AddClientIDToOpenIDConnectProvider",
                   OpenIDConnectProviderArn=login.land.provider, ClientID="fourth")  # fmt: skip

    page = login.site.browser().post(f"/oidc/start/{login.id}")

    assert (page.status, page.alert) == (503, SILENT)
    assert "another issuer" in why(login)
