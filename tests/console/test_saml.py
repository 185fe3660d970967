"""Each transition of sign-in.md 4.5: people come by a provider of SAML, or begin here."""

import asyncio
import base64
import re
import zlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from keystead.server.installation import perform
from tests.console.browser import SESSION, URL, Page, site
from tests.console.people import account_of, minutes, signed_in, user
from tests.console.saml_people import (
    ACS,
    AGAIN,
    AWS,
    REFUSED,
    Company,
    company,
    company_elsewhere,
    described,
    session_name,
)
from tests.federation import saml_issuer as issuer
from tests.federation.saml_issuer import HONEST, key
from tests.identity.saml_documents import private_pem


@pytest.fixture(scope="module")
def corp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with site(tmp_path_factory.mktemp("saml") / "data") as opened:
        yield company(opened)


def why(corp: Company) -> str:
    """The reason of the last refusal, as its record has it."""
    event = [each for each in corp.site.local.events if each.name == "ConsoleLogin"][-1]
    assert event.response_elements == {"ConsoleLogin": "Failure"}
    assert event.source == "signin.amazonaws.com"
    return str(event.error_message)


def test_somebody_begins_here(corp: Company) -> None:
    """The button leads to the provider, and its answer to a session of the role."""
    browser = corp.site.browser()
    request_id, state = corp.begin(browser)

    page = corp.post(browser, corp.response(answers=request_id, response_answers=request_id), state)

    assert page.title == "Your session", page.text
    assert session_name(page) == "jo"
    assert "assumed-role/web/jo" in page.text


def test_what_is_recorded(corp: Company) -> None:
    """The decision of STS with the person as its caller, and the login with the role."""
    browser, events = corp.site.browser(), corp.site.local.events
    request_id, state = corp.begin(browser)
    events.clear()

    corp.post(browser, corp.response(answers=request_id), state)

    login: Any = next(each for each in events if each.name == "ConsoleLogin")
    decided: Any = next(each for each in events if each.name == "AssumeRoleWithSAML")
    assert login.response_elements == {"ConsoleLogin": "Success"}
    assert login.principal.arn.endswith(":assumed-role/web/jo")
    assert login.additional["LoginTo"] == f"{URL}/"
    assert (decided.principal.name, decided.principal.issuer_arn) == (
        issuer.SUBJECT, corp.land.provider,
    )  # fmt: skip
    assert decided.request_parameters["principalArn"] == corp.land.provider
    shown = repr(events)
    assert state not in shown
    assert browser.cookies["__Host-ks-arrive"] not in shown


def test_the_request_is_what_a_provider_takes(corp: Company) -> None:
    """A page that goes on by itself, whose link has an AuthnRequest for the metadata's place."""
    browser = corp.site.browser()
    assert browser.get(corp.start).title == "Sign in with your organization"

    page = browser.post(corp.start)

    url = page.header("refresh").partition("; url=")[2]
    assert url.startswith("https://idp.example/sso?tenant=1&SAMLRequest=")
    query = parse_qs(urlsplit(url).query)
    document = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15).decode()
    assert 'Destination="https://idp.example/sso?tenant=1"' in document
    assert f'AssertionConsumerServiceURL="{ACS}"' in document
    assert f"<saml:Issuer>{ACS}</saml:Issuer>" in document
    assert len(query["RelayState"][0]) <= 80
    assert "form-action 'none'" in page.header("content-security-policy")
    assert "AssertionConsumerService" in browser.get("/saml/metadata").text


def test_a_provider_that_takes_forms_gets_one(corp: Company) -> None:
    """Without a place for redirects there is a form for it, which a person sends."""
    corp.land.create_provider("forms", SAMLMetadataDocument=described("idp", binding="POST"))
    start = f"/saml/start/{corp.id('forms')}"

    page = corp.site.browser().post(start)

    assert '<form method="post" action="https://idp.example/sso?tenant=1">' in page.text
    [packed] = re.findall(r'name="SAMLRequest" value="([^"]*)"', page.text)
    assert b"AuthnRequest" in base64.b64decode(packed)
    assert "form-action https:" in page.header("content-security-policy")
    assert not page.header("refresh")


def test_somebody_begins_at_the_provider(corp: Company) -> None:
    """A response that answers no request signs in, as at AWS; the operator may switch it off."""
    assert session_name(corp.post(corp.site.browser(), corp.response())) == "jo"
    settings = {"provider": corp.land.provider, "provider_initiated": False}
    perform(corp.site.local.installation, "federation saml", settings)

    refused = corp.post(corp.site.browser(), corp.response())

    assert refused.alert == REFUSED
    assert "switched off" in why(corp)
    around = f"/saml/acs/{company_elsewhere(corp.site).id()}"  # the same metadata, elsewhere
    page = corp.post(corp.site.browser(), corp.response(), path=around)
    assert "named none" in page.text
    browser = corp.site.browser()
    request_id, state = corp.begin(browser)
    assert corp.post(browser, corp.response(answers=request_id), state).title == "Your session"
    perform(
        corp.site.local.installation, "federation saml", settings | {"provider_initiated": True}
    )
    assert session_name(corp.post(corp.site.browser(), corp.response())) == "jo"


def test_somebody_else_is_signed_in_here(corp: Company) -> None:
    """A response that nobody asked for changes no session before its person has said so."""
    user(corp.site, "alice")
    browser = signed_in(corp.site, "alice")

    page = corp.post(browser, corp.response())

    assert page.title == "Continue as somebody else?"
    assert "alice" in page.text
    assert "jo@example.com" in page.text
    assert "user/alice" in browser.get("/").text
    [handle] = re.findall(r'name="h" value="([^"]*)"', page.text)
    minutes(corp.site, 2)
    assert session_name(browser.post("/saml/continue", h=handle)) == "jo"
    assert browser.post("/saml/continue", h=handle).alert == AGAIN


def test_several_roles_are_a_choice(corp: Company) -> None:
    """The person chooses among the roles of the assertion, which is not posted again."""
    other = corp.land.role("other")
    pairs = [f"{role},{corp.land.provider}" for role in (corp.land.roles["web"], other)]
    browser = corp.site.browser()

    page = corp.post(browser, corp.response(attributes={f"{AWS}Role": pairs}))

    assert "other" in page.text
    assert "SAMLResponse" not in page.text
    [choice] = re.findall(r'name="role" value="(\d+)"[^>]*>other<', page.text)
    assert "assumed-role/other/jo" in browser.post("/signin/role", role=choice).text


def test_no_role_lets_the_person_in(corp: Company) -> None:
    """The names of the roles are told, and nobody is signed in."""
    shut = corp.land.role("shut", corp.land.trusting(StringEquals={"saml:sub": "nobody"}))
    browser = corp.site.browser()

    page = corp.post(browser, corp.response(role=shut))

    assert page.status == 403
    assert "None of your roles could be used" in page.text
    assert "shut" in page.text
    assert SESSION not in browser.cookies


def test_attributes_reach_the_decision(corp: Company) -> None:
    """Conditions, session tags and source identity hold at the page as they do for STS."""
    said = {"urn:oid:1.3.6.1.4.1.5923.1.1.1.1": ["staff", "it"], f"{AWS}PrincipalTag:Team": "blue",
            f"{AWS}SourceIdentity": "jo"}  # fmt: skip
    conditions = {
        "StringEquals": {"aws:RequestTag/Team": "blue", "sts:SourceIdentity": "jo"},
        "ForAnyValue:StringEquals": {"saml:edupersonaffiliation": "it"},
    }
    plain = {"StringEquals": {"saml:aud": ACS, "saml:sub": issuer.SUBJECT}}
    may = ("sts:TagSession", "sts:SetSourceIdentity")
    tagged = corp.land.role("tagged", corp.land.trusting(*may, **conditions))
    untagged = corp.land.role("untagged", corp.land.trusting(**plain))

    def titles(role: str, attributes: dict[str, Any]) -> str:
        pair = {f"{AWS}Role": f"{role},{corp.land.provider}"}
        return corp.post(
            corp.site.browser(), corp.response(attributes={**attributes, **pair})
        ).title

    assert titles(tagged, said) == "Your session"
    assert titles(tagged, {**said, f"{AWS}PrincipalTag:Team": "red"}) == "Not signed in"
    assert titles(untagged, said) == "Not signed in"
    assert titles(untagged, {}) == "Your session"


def test_an_assertion_counts_once(corp: Company) -> None:
    """Of fifty posts of one assertion one succeeds, also when the server was started anew."""
    document = corp.response()
    form = urlencode({"SAMLResponse": issuer.packed(document)}).encode()

    async def fifty() -> list[Page]:
        posts = (corp.site.browser().send("POST", "/saml", form, origin="null") for _ in range(50))
        return await asyncio.gather(*posts)

    taken = corp.site.loop.run_until_complete(fifty())

    assert [page.status for page in taken].count(303) == 1
    assert [page.status for page in taken].count(403) == 49
    assert "step 14" in why(corp)
    corp.site.reopen()
    assert corp.post(corp.site.browser(), document).alert == REFUSED
    assert corp.land.assume(document).status == 400
    assert session_name(corp.post(corp.site.browser(), corp.response())) == "jo"


def test_another_browser_gets_nothing(corp: Company) -> None:
    """The handle in a URL is of one browser: whoever is sent one is not signed in as another."""
    starter, other = corp.site.browser(), corp.site.browser()
    request_id, state = corp.begin(starter)
    taken = corp.take(other, corp.response(answers=request_id), state)
    corp.begin(other)

    assert corp.follow(other, taken).alert == REFUSED
    assert "another browser" in why(corp)
    assert session_name(corp.follow(starter, taken)) == "jo"
    assert SESSION not in other.cookies


def test_a_handle_is_good_once_and_for_a_minute(corp: Company) -> None:
    """Back, or a second tab, leads to nothing."""
    browser = corp.site.browser()
    taken = corp.take(browser, corp.response())
    assert corp.follow(browser, taken).title == "Your session"
    browser.cookies.pop(SESSION)
    assert corp.follow(browser, taken).alert == AGAIN
    late = corp.take(browser, corp.response())
    minutes(corp.site, 1)
    assert corp.follow(browser, late).alert == AGAIN


def test_a_request_is_answered_once_and_in_time(corp: Company) -> None:
    """A second answer, and one after ten minutes, names no request that waits."""
    browser = corp.site.browser()
    request_id, state = corp.begin(browser)
    assert corp.post(browser, corp.response(answers=request_id), state).title == "Your session"

    assert corp.post(browser, corp.response(answers=request_id), state).alert == REFUSED
    assert "no request that waits" in why(corp)
    request_id, state = corp.begin(browser)
    minutes(corp.site, 10)
    assert corp.post(browser, corp.response(answers=request_id), state).alert == REFUSED


def test_request_and_state_belong_together(corp: Company) -> None:
    """Swapped states, one alone, an unsigned answer, and another provider's request are refused."""
    corp.land.create_provider("second", SAMLMetadataDocument=described("evil"))
    browser = corp.site.browser()
    first, first_state = corp.begin(browser)
    second, second_state = corp.begin(browser)
    theirs, their_state = corp.begin(browser, f"/saml/start/{corp.id('second')}")
    for answers, state in ((first, second_state), (second, ""), (None, first_state),
                           (theirs, their_state), (first, their_state)):  # fmt: skip
        page = corp.post(browser, corp.response(answers=answers), state)
        assert page.alert == REFUSED, (answers, state)
    unsigned = corp.response(answers=None, response_answers=first)
    assert corp.post(browser, unsigned, first_state).alert == REFUSED
    assert "not signed" in why(corp)

    assert corp.post(browser, corp.response(answers=first), first_state).title == "Your session"
    assert corp.post(browser, corp.response(answers=second), second_state).status == 200


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"recipient": issuer.RECIPIENT}, "step 10"),
        ({"destination": issuer.RECIPIENT}, "step 10"),
        ({"audience": "<saml:Audience>https://elsewhere.example</saml:Audience>"}, "step 9"),
        ({"issuer": "https://evil.example/saml"}, "no provider"),
        ({"status": "Responder"}, "step 7"),
        ({"attributes": {f"{AWS}Role": "arn:aws:iam::000000000000:role/x"}}, "no provider"),
        ({"attributes": {f"{AWS}RoleSessionName": None}}, "RoleSessionName"),
        ({"attributes": {f"{AWS}SessionDuration": "1"}}, "SessionDuration"),
        ({"session_ends": timedelta(seconds=-1)}, "SessionNotOnOrAfter"),
        ({"issued": timedelta(minutes=-6)}, "step 11"),
    ],
)
def test_what_is_not_for_us_is_refused(corp: Company, changes: dict[str, Any], reason: str) -> None:
    """Each has the one text, and its reason in the record."""
    page = corp.post(corp.site.browser(), corp.response(**changes))

    assert page.alert == REFUSED
    assert page.status == 403
    assert reason in why(corp)


def test_wrapping_and_strange_signatures_are_refused(corp: Company) -> None:
    """A second assertion, a stranger's key and compressed input prove nothing."""
    said = corp.says()
    honest = issuer.signed(issuer.assertion(said))
    forged = issuer.assertion(corp.says(subject="root@example.com"))
    wrapped = issuer.response(said, forged + honest)
    strange = corp.response(HONEST.but(key=key("evil")))
    deflated = base64.b64encode(zlib.compress(issuer.response(said, honest).encode())[2:-4])

    for document in (wrapped, strange):
        assert corp.post(corp.site.browser(), document).alert == REFUSED
        assert "step" in why(corp)
    page = corp.site.browser().post(
        "/saml", SAMLResponse=deflated.decode(), headers={"origin": "https://idp.example"}
    )
    assert page.alert == REFUSED
    assert corp.post(corp.site.browser(), issuer.response(said, honest)).title == "Your session"


def test_an_administrator_finds_the_reason(corp: Company) -> None:
    """The page has a request id, by which `keystead explain` tells the step that failed."""
    page = corp.post(corp.site.browser(), corp.response(recipient=issuer.RECIPIENT))
    [request_id] = re.findall(r'<code class="name">([^<]*)</code>', page.text)

    told = perform(corp.site.local.installation, "explain refusal", {"id": request_id})

    assert told["why"] == "step 10: the recipient is not one of ours"


def test_a_session_ends_with_its_provider(corp: Company) -> None:
    """New metadata with another key ends the sessions that began by the provider."""
    browser = corp.site.browser()
    corp.post(browser, corp.response())
    assert browser.is_signed_in

    corp.land.iam("UpdateSAMLProvider", SAMLProviderArn=corp.land.provider,
                  SAMLMetadataDocument=described("idp", "P-256"))  # fmt: skip

    assert not browser.is_signed_in
    assert session_name(corp.post(corp.site.browser(), corp.response())) == "jo"


def test_a_session_ends_when_its_provider_goes(corp: Company) -> None:
    """Its deletion ends its sessions, also if another one gets its name."""
    land = company_elsewhere(corp.site)
    browser = corp.site.browser()
    land.post(browser, land.response())
    assert browser.is_signed_in

    land.land.iam("DeleteSAMLProvider", SAMLProviderArn=land.land.provider)
    assert not browser.is_signed_in
    land.land.create_provider(SAMLMetadataDocument=described("idp"))

    assert not browser.is_signed_in
    assert session_name(land.post(browser, land.response())) == "jo"


def test_the_shortest_time_counts(corp: Company) -> None:
    """A session lasts for no longer than its provider, its role and the console say."""
    browser = corp.site.browser()
    corp.post(browser, corp.response(attributes={f"{AWS}SessionDuration": "900"}))
    minutes(corp.site, 14)
    assert browser.is_signed_in
    minutes(corp.site, 1)
    assert not browser.is_signed_in


def test_a_choice_that_comes_too_late(corp: Company) -> None:
    """After the end that the provider said there is no session, and no record of one."""
    pairs = [
        f"{corp.land.roles['web']},{corp.land.provider}",
        f"{corp.land.role('late')},{corp.land.provider}",
    ]
    browser = corp.site.browser()
    soon = timedelta(minutes=1)
    page = corp.post(browser, corp.response(session_ends=soon, attributes={f"{AWS}Role": pairs}))
    assert page.title == "Choose a role"
    before = len(corp.site.named("ConsoleLogin"))
    minutes(corp.site, 2)

    page = browser.post("/signin/role", role="0")

    assert page.alert == "The role does not let you in."
    assert SESSION not in browser.cookies
    [last] = corp.site.named("ConsoleLogin")[before:]
    assert last.error_code == "AccessDeniedException"
    assert last.response_elements == {"ConsoleLogin": "Failure"}
    assert "is over" in last.error_message


def test_only_the_answer_of_a_provider_comes_from_elsewhere(corp: Company) -> None:
    """Every other form needs our Origin; a long body is taken there, and no longer one."""
    browser, elsewhere = corp.site.browser(), {"origin": "https://idp.example"}
    assert browser.post(corp.start, headers=elsewhere).status == 403
    assert browser.post("/saml/continue", h="x", headers=elsewhere).status == 403
    assert browser.post("/saml", SAMLResponse="A" * 100_000, headers=elsewhere).status == 403
    assert browser.post("/saml", SAMLResponse="A" * 100_001, headers=elsewhere).alert == REFUSED
    assert browser.post("/saml", RelayState="x", headers=elsewhere).status == 400
    assert browser.post("/saml", SAMLResponse="A" * 140_000, headers=elsewhere).status == 413
    assert browser.get("/saml?SAMLResponse=x").status == 404
    assert browser.post("/saml/start/SAMLSPNOBODY").alert == REFUSED


def test_what_is_too_long_to_be_kept(corp: Company) -> None:
    """Attributes longer than 64 KiB are refused before anything is kept; many roles are not."""
    long = {"urn:oid:1.3.6.1.4.1.5923.1.1.1.1": ["n" * 300 + str(each) for each in range(160)]}
    assert corp.post(corp.site.browser(), corp.response(attributes=long)).title == "Your session"
    longer = {"urn:oid:1.3.6.1.4.1.5923.1.1.1.1": ["n" * 16_500 + str(each) for each in range(4)]}
    assert corp.post(corp.site.browser(), corp.response(attributes=longer)).alert == REFUSED
    assert "too long" in why(corp)
    pairs = [f"arn:aws:iam::{corp.land.account}:role/r{n},{corp.land.provider}" for n in range(400)]
    page = corp.post(corp.site.browser(), corp.response(attributes={f"{AWS}Role": pairs}))
    assert page.title == "Choose a role"


def test_a_change_between_two_steps(corp: Company) -> None:
    """A provider that changes while the browser is on its way lets nobody in."""
    browser = corp.site.browser()
    taken = corp.take(browser, corp.response())
    corp.land.iam("UpdateSAMLProvider", SAMLProviderArn=corp.land.provider,
                  SAMLMetadataDocument=described("idp", "P-384"))  # fmt: skip

    page = corp.follow(browser, taken)

    assert "None of your roles could be used" in page.text
    assert SESSION not in browser.cookies
    assert session_name(corp.post(browser, corp.response())) == "jo"


def test_an_account_that_is_closed_between_two_steps(corp: Company) -> None:
    """What was proved before counts no more when it is open again; a new answer does."""
    browser = corp.site.browser()
    taken = corp.take(browser, corp.response())
    request_id, state = corp.begin(browser)
    for verb in ("suspend", "reopen"):
        given = {"account_id": account_of(corp.site)}
        perform(corp.site.local.installation, f"account {verb}", given)
        minutes(corp.site, 1 / 60)

    assert corp.follow(browser, taken).alert == AGAIN
    assert corp.post(browser, corp.response(answers=request_id), state).alert == REFUSED
    assert SESSION not in browser.cookies
    assert session_name(corp.post(browser, corp.response())) == "jo"


def test_a_hostile_name_is_text(corp: Company) -> None:
    """What a provider calls a person is shown as it is, and does nothing."""
    user(corp.site, "mallory")
    browser = signed_in(corp.site, "mallory")

    page = corp.post(browser, corp.response(subject="&lt;script&gt;alert(1)&lt;/script&gt;"))

    assert b"&lt;script&gt;alert(1)&lt;/script&gt;" in page.body
    assert b"<script>" not in page.body


def test_an_account_without_roles_learns_nothing(corp: Company) -> None:
    """Whoever registers somebody else's provider gets no record of its people."""
    other = company_elsewhere(corp.site)
    browser = corp.site.browser()
    request_id, state = corp.begin(browser, other.start)
    corp.site.local.events.clear()

    page = corp.post(browser, corp.response(answers=request_id), state)

    assert page.title == "Your session"
    assert other.land.account not in repr(corp.site.local.events)


def test_a_provider_may_say_where_a_sign_in_ends(corp: Company) -> None:
    """RelayState is a page of ours, or it is not heard."""
    ours = "/switchrole?account=1&roleName=ops"
    for state, place in ((ours, ours), (f"{URL}{ours}", ours), ("https://evil.example/", "/"),
                         ("//evil.example/switchrole", "/"), ("/saml/metadata", "/")):  # fmt: skip
        browser = corp.site.browser()
        taken = corp.take(browser, corp.response(), state)
        assert browser.get(taken.header("location"), follow=False).header("location") == place


def test_an_encrypted_assertion_at_the_provider_s_own_url(corp: Company) -> None:
    """It names no provider in clear: it is sent to the provider's own URL, or answers a request."""
    pem = private_pem(key("sp"))
    corp.land.create_provider("sealed", SAMLMetadataDocument=described("idp"), AddPrivateKey=pem,
                              AssertionEncryptionMode="Required")  # fmt: skip
    provider = f"arn:aws:iam::{corp.land.account}:saml-provider/sealed"
    trusting = corp.land.trusting(principal={"Federated": provider})
    role = corp.land.role("sealed", trusting)
    acs = f"/saml/acs/{corp.id('sealed')}"

    def sealed(to: str = "sp", **changes: Any) -> str:
        pair = {f"{AWS}Role": f"{role},{provider}"}
        said = corp.says(attributes=pair, **changes)
        inner = issuer.encrypted(issuer.signed(issuer.assertion(said)), key(to))
        return issuer.signed(issuer.response(said, inner))

    own = {"recipient": f"{URL}{acs}", "destination": f"{URL}{acs}"}
    assert corp.post(corp.site.browser(), sealed(**own)).alert == REFUSED
    assert corp.post(corp.site.browser(), sealed("evil", **own), path=acs).alert == REFUSED
    page = corp.post(corp.site.browser(), sealed(**own), path=acs)
    assert "assumed-role/sealed/jo" in page.text, why(corp)
    browser = corp.site.browser()
    request_id, state = corp.begin(browser, f"/saml/start/{corp.id('sealed')}")
    page = corp.post(browser, sealed(answers=request_id), state)
    assert "assumed-role/sealed/jo" in page.text, why(corp)


def test_roles_of_several_accounts(corp: Company) -> None:
    """An assertion may name providers of several accounts. Each vouches for its own roles alone."""
    other, theirs = company_elsewhere(corp.site).land, corp.land.provider
    mine = f"{corp.land.roles['web']},{theirs}"
    crossed = f"{other.roles['web']},{theirs}"
    unknown = f"{other.roles['web']},{other.provider}s"
    roles = {f"{AWS}Role": [mine, f"{other.roles['web']},{other.provider}", crossed, unknown]}

    page = corp.post(corp.site.browser(), corp.response(attributes=roles))
    alone = corp.post(
        corp.site.browser(), corp.response(attributes={f"{AWS}Role": [mine, crossed]})
    )

    assert page.title == "Choose a role"
    assert set(re.findall(r"Account (\d+)", page.text)) == {corp.land.account, other.account}
    assert alone.title == "Your session"
    other.iam("UpdateSAMLProvider", SAMLProviderArn=other.provider,
              SAMLMetadataDocument=described("evil"))  # fmt: skip
    page = corp.post(corp.site.browser(), corp.response(attributes=roles))
    assert page.title == "Your session"


def test_metadata_without_a_place(corp: Company) -> None:
    """Nobody can begin here by a provider whose metadata has no place for requests."""
    corp.land.create_provider("mute", SAMLMetadataDocument=described("idp", binding="Artifact"))

    assert corp.site.browser().post(f"/saml/start/{corp.id('mute')}").alert == REFUSED

    assert "no place for requests" in why(corp)
