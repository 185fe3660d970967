"""Passkeys are registered: which are taken, by whom, beside which other devices?"""

import json
import random
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from keystead.audit.records import jsontext
from keystead.identity.signin import webauthn
from tests.console.authenticator import (
    BS,
    EDDSA,
    ES256,
    RS256,
    UP,
    UV,
    Authenticator,
    cbor,
    raw,
    text,
)
from tests.console.browser import Browser, Site
from tests.console.passkeys import options, register, serial_numbers, use, with_passkey
from tests.console.people import (
    account_of,
    minutes,
    signed_in,
    user,
)
from tests.console.test_credentials import somebody
from tests.console.test_ending import Device
from tests.console.test_mfa import at_the_code, code_of
from tests.console.test_records import written


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_a_passkey_follows_the_password(pages: Site, algorithm: int) -> None:
    """From its registration to a session with a second factor, as records and policies see it."""
    name = f"passkey{algorithm}"
    made = with_passkey(pages, name, Authenticator(algorithm=algorithm))
    event = pages.named("EnableMFADevice")[-1]
    [serial] = serial_numbers(pages, name)
    assert serial.startswith(f"arn:aws:iam::{account_of(pages)}:u2f/user/{name}/key-")
    assert event.source == "iam.amazonaws.com"
    assert event.request_parameters == {"userName": name, "serialNumber": serial}
    browser = at_the_code(pages, name)
    assert pages.named("CheckMfa")[-1].additional == {"MfaType": "U2F MFA"}
    page = browser.get("/signin/step")
    assert "script-src 'self'" in page.header("content-security-policy")
    assert "script-src" not in browser.get("/signin").header("content-security-policy")
    asked = options(browser, "/signin/passkey")
    assert asked["rpId"] == "localhost"
    assert [raw(each["id"]) for each in asked["allowCredentials"]] == [made.credential_id]
    assert asked["allowCredentials"][0]["transports"] == ["nfc", "usb"]

    page = browser.post("/signin/passkey", made.get(asked))

    assert page.title == "Your session", page.text
    event = pages.named("ConsoleLogin")[-1]
    assert event.additional["MFAUsed"] == "Yes"
    assert event.additional["MFAIdentifier"] == serial
    assert serial in page.text
    said = b"".join(jsontext.encode(written(each)) for each in pages.local.events[-12:])
    for secret in (asked["challenge"], text(made.credential_id)):
        assert secret.encode() not in said


BAD_CBOR = {
    "empty": b"", "no CBOR": b"\xff" * 64, "deep": b"\x81" * 1_900, "deep maps": b"\xa1\x01" * 900,
    "many": b"\x9b" + b"\xff" * 8, "long text": b"\x7b" + b"\xff" * 8, "a number": b"\x01",
    "an empty map": b"\xa0", "a map as a key": b"\xa1\xa0\x01", "bad text": b"\x62\xff\xff",
    "too long": cbor({"fmt": "none", "attStmt": {}, "authData": bytes(3_000)}),
    "short data": cbor({"fmt": "none", "attStmt": {}, "authData": bytes(36)}),
    "no text": cbor({"fmt": "none", "attStmt": {}, "authData": "x" * 200}),
}  # fmt: skip


def test_bad_bytes_register_nothing(pages: Site) -> None:
    """Neither CBOR that is none, deep or huge, nor an honest passkey that was cut anywhere."""
    browser, made = somebody(pages, "bytes"), Authenticator()
    asked = options(browser, "/security/passkey", name="key")
    honest = made.create(asked)
    whole = raw(honest["attestation"])
    cuts = {f"cut at {place}": whole[:place] for place in range(0, len(whole), 23)}
    for what, attestation in (BAD_CBOR | cuts | {"longer": whole + b"\0"}).items():
        challenged = made.create(options(browser, "/security/passkey", name="key"))
        bad = {"name": "key", **challenged, "attestation": text(attestation)}
        page = browser.post("/security/passkey", bad)
        assert page.status == 400, what
        assert page.alert.startswith("The passkey was not accepted."), (what, page.alert)
    bad_client = (
        b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 900, b'{"type":"webauthn.create"}',
        b"x" * 1_025,
    )  # fmt: skip
    for client in bad_client:
        challenged = made.create(options(browser, "/security/passkey", name="key"))
        page = browser.post(
            "/security/passkey", {"name": "key", **challenged, "client": text(client)}
        )
        assert page.alert.startswith("The passkey was not accepted."), client
    for letters in ("a b", "=", "\n", "ä", "+/", "x" * 4_096):
        challenged = made.create(options(browser, "/security/passkey", name="key"))
        bad = {"name": "key", **challenged, "attestation": letters}
        assert browser.post("/security/passkey", bad).status == 400, letters
    page = browser.post("/security/passkey", {"name": "key", **honest, "client": "x" * 5_000})
    assert page.status == 400
    assert browser.is_signed_in
    assert serial_numbers(pages, "bytes") == []
    assert register(browser, made).title == "Sign in again"


SITE = webauthn.Site("http://localhost:8421", "localhost")


def mutated(given: str, chance: random.Random) -> str:
    """Bytes with something in them changed, gone, or more."""
    some = bytearray(raw(given))
    for _ in range(chance.choice((1, 1, 2, 5))):
        place = chance.randrange(len(some))
        some[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
    return text(bytes(some))


def test_whatever_comes_is_judged() -> None:
    """Two thousand changed answers: each is a passkey or a refusal, and no other exception."""
    chance, challenge = random.Random(7), b"c" * 32
    asked = {"challenge": text(challenge)}
    every = [Authenticator(algorithm=each) for each in (ES256, EDDSA, RS256)]
    seen = set()
    for number in range(2_000):
        made = every[number % 3]
        if number < 1_000:
            attested = made.create(asked)
            part = ("client", "attestation")[number % 2]
            attested[part] = mutated(attested[part], chance)
            given = webauthn.Attested(
                client_data=attested["client"], attestation=attested["attestation"]
            )
            seen.add(type(webauthn.registered(SITE, challenge, given)))
        else:
            fields = made.get(asked)
            part = ("client", "data", "signature")[number // 3 % 3]
            honest = raw(fields[part])
            fields[part] = mutated(fields[part], chance)
            used = webauthn.Asserted(
                credential_id=fields["id"], client_data=fields["client"],
                authenticator_data=fields["data"], signature=fields["signature"],
            )  # fmt: skip
            known = ((made.credential_id, cbor(made.public())),)
            judged = webauthn.asserted(SITE, challenge, known, used)
            assert raw(fields[part]) == honest or isinstance(judged, webauthn.Refused)
    assert seen == {webauthn.NewCredential, webauthn.Refused}


def wrong_key(made: Authenticator) -> None:
    made.cose = {-2: bytes(32), -3: bytes(32)}


def huge_exponent(made: Authenticator) -> None:
    made.algorithm, made.cose = RS256, {1: 3, -1: b"\xff" * 256, -2: b"\xff" * 256}


MADE_WRONG: dict[str, Callable[[Authenticator], object]] = {
    "origin of another site": lambda made: setattr(made, "origin", "http://evil.example"),
    "origin of a subdomain": lambda made: setattr(made, "origin", "http://a.localhost:8421"),
    "origin with another port": lambda made: setattr(made, "origin", "http://localhost:8422"),
    "origin with a path": lambda made: setattr(made, "origin", "http://localhost:8421/"),
    "RP id of another site": lambda made: setattr(made, "rp_id", "evil.example"),
    "nobody present": lambda made: setattr(made, "flags", UV),
    "a copy of what has none": lambda made: setattr(made, "flags", UP | UV | BS),
    "the type of a use": lambda made: setattr(made, "client", {"type": "webauthn.get"}),
    "a frame of another site": lambda made: setattr(made, "client", {"crossOrigin": True}),
    "a challenge of ours, no text": lambda made: setattr(made, "client", {"challenge": 7}),
    "no algorithm": lambda made: setattr(made, "cose", {3: 0}),
    "an algorithm of text": lambda made: setattr(made, "cose", {3: "none"}),
    "an algorithm that nobody offered": lambda made: setattr(made, "cose", {3: -65535}),
    "ES256 of another curve": lambda made: setattr(made, "cose", {-1: 2}),
    "a point that is on no curve": wrong_key,
    "a cheap algorithm with a dear key": huge_exponent,
    "a short id": lambda made: setattr(made, "credential_id", b"x" * 15),
    "a long id": lambda made: setattr(made, "credential_id", b"x" * 1_024),
}


@pytest.fixture(scope="module")
def registers(pages: Site) -> Browser:
    return somebody(pages, "registers")


@pytest.mark.parametrize("what", MADE_WRONG)
def test_what_registers_nothing(pages: Site, registers: Browser, what: str) -> None:
    """Each way in which it is not for us; the twin of all is `test_a_passkey_follows_…`."""
    made = Authenticator()
    MADE_WRONG[what](made)
    page = register(registers, made)
    assert page.alert.startswith("The passkey was not accepted."), page.text
    assert pages.named("EnableMFADevice")[-1].error_code == "PasskeyNotAccepted"
    assert registers.is_signed_in


def test_statements_of_authenticators_are_not_believed(pages: Site) -> None:
    """Some browsers leave one in, though none is asked for: it changes nothing."""
    user(pages, "states")
    statement = {"alg": -7, "sig": b"x" * 70, "x5c": [b"y" * 300]}
    made = with_passkey(pages, "stated", Authenticator(format="packed", statement=statement))
    assert use(at_the_code(pages, "stated"), made).title == "Your session"


def test_a_challenge_is_for_one_registration(pages: Site) -> None:
    """Once, for five minutes, of the last that was asked for, in the session that asked."""
    browser, made = somebody(pages, "once"), Authenticator()
    asked = options(browser, "/security/passkey", name="key")
    minutes(pages, 5)
    page = browser.post("/security/passkey", {"name": "key", **made.create(asked)})
    assert "took too long" in page.alert
    first = options(browser, "/security/passkey", name="key")
    options(browser, "/security/passkey", name="key")
    page = browser.post("/security/passkey", {"name": "key", **made.create(first)})
    assert "Wrong challenge" in page.alert
    page = browser.post("/security/passkey", {"name": "key", **made.create(first)})
    assert "used up" in page.alert
    other = signed_in(pages, "once")
    asked = options(other, "/security/passkey", name="key")
    page = browser.post("/security/passkey", {"name": "key", **made.create(asked)})
    assert "used up" in page.alert
    page = other.post("/security/passkey", {"name": "key", **made.create(asked)})
    assert page.title == "Sign in again"


def test_devices_of_several_kinds(pages: Site, quick: None) -> None:
    """The one used last comes first, the others are links, and one that is closed says so."""
    made = with_passkey(pages, "several")
    device = Device(pages, "several")
    browser = at_the_code(pages, "several")
    assert pages.named("CheckMfa")[-1].additional == {"MfaType": "Multiple MFA Devices"}
    assert browser.post("/signin/mfa", code=code_of(device), device=device.serial).title
    minutes(pages, 1)
    browser = at_the_code(pages, "several")
    page = browser.get("/signin/step")
    assert "Use another device" in page.text
    assert "Code of your authenticator app" in page.text
    [serial] = [each for each in serial_numbers(pages, "several") if ":u2f/" in each]
    page = browser.get(f"/signin/step?{urlencode({'device': serial})}")
    assert "Use this passkey" in page.text
    assert "Use another device" in page.text
    for _ in range(5):
        page = browser.post("/signin/mfa", code=device.wrong_code(), device=device.serial)
    assert "It takes none for 5 minutes." in page.text
    assert "Use this passkey" in browser.get("/signin/step").text
    assert use(browser, made).title == "Your session"
    page = at_the_code(pages, "several").get("/signin/step")
    assert "Use this passkey" in page.text


def test_an_id_of_a_passkey_is_nobody_elses(pages: Site, quick: None) -> None:
    """The same credential is registered once, whoever offers it."""
    made = with_passkey(pages, "mine")
    thief = somebody(pages, "thief")
    asked = options(thief, "/security/passkey", name="key")
    page = thief.post("/security/passkey", {"name": "key", **made.create(asked)})
    assert page.alert == "MFA Device is already in use."
    assert register(thief, Authenticator()).title == "Sign in again"


def test_eight_devices_of_all_kinds(pages: Site, quick: None) -> None:
    """As at AWS; and each name is a device's own."""
    made = with_passkey(pages, "eight")
    for number in range(6):
        browser = at_the_code(pages, "eight")
        use(browser, made)
        assert register(browser, Authenticator(), f"k{number}").title == "Sign in again"
    browser = at_the_code(pages, "eight")
    use(browser, made)
    page = browser.post("/security/passkey/options", name="k1")
    assert "already exists" in json.loads(page.body)["error"]
    for name in ("", "a b", "a/b", "ü", "x" * 65, "<b>"):
        page = browser.post("/security/passkey/options", name=name)
        assert page.status == 400, name
    Device(pages, "eight")
    browser = at_the_code(pages, "eight")
    use(browser, made)
    page = browser.post("/security/passkey/options", name="ninth")
    assert "quota for MFADevicesPerUser: 8" in json.loads(page.body)["error"]


DENIED = """{"Version":"2012-10-17","Statement":[
 {"Effect":"Allow","Action":"iam:EnableMFADevice","Resource":"*",
  "Condition":{"StringEquals":{"iam:RegisterSecurityKey":"Create"}}}]}"""


def test_policies_decide_about_a_registration(pages: Site) -> None:
    """The action is iam:EnableMFADevice on oneself: to begin it, and to end it."""
    user(pages, "asks")
    browser = signed_in(pages, "asks")
    page = browser.post("/security/passkey/options", name="key")
    assert "not authorized to perform: iam:EnableMFADevice" in json.loads(page.body)["error"]
    local = pages.local
    local.iam("PutUserPolicy", UserName="asks", PolicyName="p", PolicyDocument=DENIED)
    page = register(browser, Authenticator())
    assert "not authorized to perform: iam:EnableMFADevice" in page.text
    allowed = DENIED.replace('"Create"', '["Create","Activate"]')
    local.iam("PutUserPolicy", UserName="asks", PolicyName="p", PolicyDocument=allowed)
    assert register(browser, Authenticator()).title == "Sign in again"


def test_a_registration_needs_a_fresh_sign_in(pages: Site) -> None:
    """Like every change of one's own credentials (7.4)."""
    browser = somebody(pages, "stale-key")
    assert "Add it" in browser.get("/security/passkey").text
    minutes(pages, 16)
    assert browser.get("/security/passkey").title == "Sign in again"
    assert browser.post("/security/passkey/options", name="k").status == 403
    assert browser.post("/security/passkey", name="k").title == "Sign in again"
    nobody = pages.browser()
    assert nobody.post("/security/passkey/options", name="k").status == 403
