"""Passkeys as second factors: registered, used once, and every way in which one is not right."""

import asyncio
import base64
import csv
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from botocore.credentials import Credentials

from keystead.audit.records import jsontext
from keystead.identity.signin import webauthn
from keystead.server.lane import STRANGERS, Lane
from keystead.wire.models import iam as api
from keystead.work import Work
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
from tests.console.browser import STEP, Browser, Page, Site, site
from tests.console.calls import as_person
from tests.console.people import (
    NEXT,
    PASSWORD,
    account_of,
    given_password,
    minutes,
    signed_in,
    user,
)
from tests.console.programs import CONFIRMATION, CROSS, Program
from tests.console.test_credentials import somebody
from tests.console.test_ending import Device
from tests.console.test_mfa import at_the_code, code_of
from tests.console.test_records import written
from tests.server.second_factors import element

AGAIN = "Nothing happened? Try again, or use another device."


def options(browser: Browser, path: str, **fields: str) -> dict[str, Any]:
    page = browser.post(f"{path}/options", fields)
    assert page.status == 200, page.text
    read: dict[str, Any] = json.loads(page.body)
    return read


def register(browser: Browser, made: Authenticator, name: str = "key") -> Page:
    asked = options(browser, "/security/passkey", name=name)
    return browser.post("/security/passkey", {"name": name, **made.create(asked)})


def use(browser: Browser, made: Authenticator) -> Page:
    return browser.post("/signin/passkey", made.get(options(browser, "/signin/passkey")))


def with_passkey(site: Site, name: str, made: Authenticator | None = None) -> Authenticator:
    """A user who may do everything and has a passkey."""
    made, browser = made or Authenticator(), somebody(site, name)
    page = register(browser, made)
    assert page.title == "Sign in again", page.text
    assert not browser.is_signed_in
    return made


def serial_numbers(site: Site, name: str) -> list[str]:
    answer = site.local.iam("ListMFADevices", UserName=name)
    assert answer.status == 200
    return [part.split(b"<")[0].decode() for part in answer.body.split(b"<SerialNumber>")[1:]]


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


@pytest.fixture(scope="module")
def users_key(pages: Site) -> Authenticator:
    with_passkey(pages, "eve", eves := Authenticator(counter=50))
    made = with_passkey(pages, "uses", Authenticator(counter=100))
    made.eves = eves  # type: ignore[attr-defined]  # beside it
    return made


def of_another(made: Authenticator, asked: dict[str, Any]) -> dict[str, str]:
    eves: Authenticator = made.eves  # type: ignore[attr-defined]  # set above
    return eves.get(asked)


def with_the_id_of_another(made: Authenticator, asked: dict[str, Any]) -> dict[str, str]:
    return {**made.get(asked), "id": of_another(made, asked)["id"]}


def signed_by_another(made: Authenticator, asked: dict[str, Any]) -> dict[str, str]:
    return {**made.get(asked), "signature": of_another(made, asked)["signature"]}


def changed(**attributes: object) -> Callable[[Authenticator, dict[str, Any]], dict[str, str]]:
    """An honest use but for these attributes of the authenticator."""

    def get(made: Authenticator, asked: dict[str, Any]) -> dict[str, str]:
        before = {name: getattr(made, name) for name in attributes}
        try:
            for name, value in attributes.items():
                setattr(made, name, value)
            return made.get(asked)
        finally:
            for name, value in before.items():
                setattr(made, name, value)

    return get


def with_field(name: str, value: str) -> Callable[[Authenticator, dict[str, Any]], dict[str, str]]:
    return lambda made, asked: {**made.get(asked), name: value}


def cut(name: str) -> Callable[[Authenticator, dict[str, Any]], dict[str, str]]:
    def get(made: Authenticator, asked: dict[str, Any]) -> dict[str, str]:
        fields = made.get(asked)
        return {**fields, name: text(raw(fields[name])[:-1])}

    return get


USED_WRONG: dict[str, Callable[[Authenticator, dict[str, Any]], dict[str, str]]] = {
    "origin of another site": changed(origin="http://evil.example"),
    "origin of a subdomain": changed(origin="http://a.localhost:8421"),
    "RP id of another site": changed(rp_id="evil.example"),
    "nobody present": changed(flags=UV),
    "a copy of what has none": changed(flags=UP | UV | BS),
    "the type of a registration": changed(client={"type": "webauthn.create"}),
    "a frame of another site": changed(client={"crossOrigin": True}),
    "a challenge of its own": changed(client={"challenge": text(b"c" * 32)}),
    "no challenge": changed(client={"challenge": ""}),
    "a counter that stands": changed(counter=99),
    "a counter that went back": changed(counter=7),
    "no counter any more": changed(counter=0),
    "another person's passkey": of_another,
    "the id of another person's passkey": with_the_id_of_another,
    "the signature of another passkey": signed_by_another,
    "no signature": with_field("signature", ""),
    "a long signature": with_field("signature", text(b"0" * 513)),
    "a short signature": cut("signature"),
    "short data": cut("data"),
    "long data": with_field("data", text(bytes(2_049))),
    "deep CBOR": with_field("data", text(bytes(32) + b"\x85\0\0\0\1" + b"\x81" * 1_900)),
    "no data": with_field("data", ""),
    "short client data": cut("client"),
    "an unknown passkey": with_field("id", text(b"u" * 32)),
    "no id": with_field("id", ""),
}


@pytest.mark.parametrize("what", USED_WRONG)
def test_what_signs_nobody_in(
    pages: Site, users_key: Authenticator, quick: None, what: str
) -> None:
    """Each way in which a use is not the person's own, just now; its twin signs in."""
    browser = at_the_code(pages, "uses")
    fields = USED_WRONG[what](users_key, options(browser, "/signin/passkey"))
    page = browser.post("/signin/passkey", fields)
    assert page.status == 403
    assert page.alert == AGAIN
    assert not browser.is_signed_in
    event = pages.named("ConsoleLogin")[-1]
    assert event.response_elements == {"ConsoleLogin": "Failure"}
    if "counter" in what:
        assert "went back" in event.error_message
        assert event.severity == "high"
    assert browser.post("/signin/passkey", fields).alert == AGAIN
    assert use(browser, users_key).title == "Your session"


def test_strangers_keep_out_nobody_who_showed_the_password(pages: Site, quick: None) -> None:
    """Where the work of strangers has no room, a new browser has none; the step after it has."""
    user(pages, "in-a-flood")
    device, made = Device(pages, "in-a-flood"), with_passkey(pages, "with-a-key")
    shown, touched = at_the_code(pages, "in-a-flood"), at_the_code(pages, "with-a-key")
    has_room = Lane.has_room

    def full(lane: Lane, work: Work[Any], owner: str, size: int) -> bool:
        return not owner.startswith(STRANGERS) and has_room(lane, work, owner, size)

    with patch.object(Lane, "has_room", full):
        new = pages.browser().sign_in(account_of(pages), "in-a-flood", PASSWORD)
        assert new.status == 429
        assert shown.post("/signin/mfa", code=code_of(device)).title == "Your session"
        assert use(touched, made).title == "Your session"


def test_an_authenticator_without_a_counter(pages: Site, quick: None) -> None:
    """Many count nothing: they say 0 each time."""
    made = with_passkey(pages, "zero", Authenticator(counter=0))
    for _ in range(2):
        assert use(at_the_code(pages, "zero"), made).title == "Your session"


def test_a_use_counts_once_at_fifty_places(pages: Site, quick: None) -> None:
    """Of fifty tabs that send one use at the same moment, one is signed in."""
    made = with_passkey(pages, "fifty-keys", Authenticator(counter=0))
    browser = at_the_code(pages, "fifty-keys")
    fields = made.get(options(browser, "/signin/passkey"))

    async def one() -> int:
        tab = pages.browser()
        tab.cookies = {STEP: browser.cookies[STEP]}
        return (await tab.send("POST", "/signin/passkey", urlencode(fields).encode())).status

    async def every() -> list[int]:
        return await asyncio.gather(*(one() for _ in range(50)))

    assert sorted(pages.loop.run_until_complete(every())) == [303] + [403] * 49
    pages.reopen()
    again = at_the_code(pages, "fifty-keys")
    assert again.post("/signin/passkey", fields).alert == AGAIN


def test_a_challenge_is_for_one_step(pages: Site, users_key: Authenticator, quick: None) -> None:
    """Of this browser, of this stage, for five minutes, and for none after the step is over."""
    browser, other = at_the_code(pages, "uses"), at_the_code(pages, "uses")
    asked = options(browser, "/signin/passkey")
    options(other, "/signin/passkey")
    assert other.post("/signin/passkey", users_key.get(asked)).alert == AGAIN
    minutes(pages, 5)
    assert browser.post("/signin/passkey", users_key.get(asked)).alert == AGAIN
    fields = users_key.get(options(browser, "/signin/passkey"))
    assert browser.post("/signin/passkey", fields).title == "Your session"
    assert "Start again" in browser.post("/signin/passkey", fields).alert
    refused = browser.post("/signin/passkey/options")
    assert refused.status == 401
    assert json.loads(refused.body) == {"error": "The session has ended."}


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


def test_two_codes_find_a_clock_again(pages: Site, quick: None) -> None:
    """An app whose clock is minutes wrong signs in with two codes, and then with one."""
    user(pages, "drifts")
    device = Device(pages, "drifts")
    browser = at_the_code(pages, "drifts")
    minutes(pages, 2)
    ahead = {"code": device.code(9), "second": device.code(10), "device": device.serial}
    page = browser.post("/signin/mfa", code=ahead["code"], device=device.serial)
    assert page.alert == "That code was not accepted. Wait for the next one."
    assert "Are the codes of your app never accepted?" in page.text
    page = browser.post("/signin/mfa", {**ahead, "second": device.code(12)})
    assert page.alert == "That code was not accepted. Wait for the next one."
    assert browser.post("/signin/mfa", ahead).title == "Your session"
    browser = at_the_code(pages, "drifts")
    assert browser.post("/signin/mfa", ahead).alert
    assert browser.post("/signin/mfa", code=device.code(11)).title == "Your session"


def test_a_passkey_ends_what_stands_on_other_factors(pages: Site, quick: None) -> None:
    """Sessions end when one is added or removed, and a step that waited for it is over."""
    made = with_passkey(pages, "ends")
    other = at_the_code(pages, "ends")
    use(other, made)
    waiting = at_the_code(pages, "ends")
    fields = made.get(options(waiting, "/signin/passkey"))
    assert other.is_signed_in
    [serial] = serial_numbers(pages, "ends")
    assert (
        pages.local.iam("DeactivateMFADevice", UserName="ends", SerialNumber=serial).status == 200
    )
    assert not other.is_signed_in
    assert "Start again" in waiting.post("/signin/passkey", fields).alert
    assert serial_numbers(pages, "ends") == []
    signed_in(pages, "ends")


def test_the_own_passkey_goes_with_a_factor(pages: Site, quick: None) -> None:
    """On the page, in a session that began with a device; and the same one can come back."""
    made = with_passkey(pages, "removes")
    browser = at_the_code(pages, "removes")
    use(browser, made)
    [serial] = serial_numbers(pages, "removes")
    assert serial in browser.get("/security").text
    assert browser.post("/security/device/remove", serial=serial).title == "Sign in again"
    browser = signed_in(pages, "removes")
    assert register(browser, made).title == "Sign in again"
    assert serial_numbers(pages, "removes") != [serial]


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


def test_a_touch_makes_a_session_fresh(pages: Site, quick: None) -> None:
    """Like a new sign-in: for 15 minutes, with one's own passkey, and not with an old answer."""
    made = with_passkey(pages, "fresh")
    browser = at_the_code(pages, "fresh")
    use(browser, made)
    minutes(pages, 16)
    page = browser.post("/security/key")
    assert "Use your passkey" in page.text
    assert "script-src 'self'" in page.header("content-security-policy")
    other = Authenticator(credential_id=made.credential_id)
    wrong = other.get(options(browser, "/security/again"))
    assert "Invalid signature" in browser.post("/security/again", wrong).alert
    assert pages.named("CheckMfa")[-1].error_code == "PasskeyNotAccepted"
    copied = Authenticator(credential_id=made.credential_id, key=made.key, counter=0)
    page = browser.post("/security/again", copied.get(options(browser, "/security/again")))
    assert "went back" in page.alert
    assert pages.named("CheckMfa")[-1].severity == "high"
    fields = made.get(options(browser, "/security/again"))
    assert browser.post("/security/again", fields).title == "Security credentials"
    assert pages.named("CheckMfa")[-1].response_elements == {"CheckMfa": "Success"}
    assert browser.post("/security/key").status == 200
    assert "used up" in browser.post("/security/again", fields).alert
    minutes(pages, 16)
    assert "Use your passkey" in browser.post("/security/key").text
    user(pages, "codes-only")
    device = Device(pages, "codes-only")
    browser = at_the_code(pages, "codes-only")
    browser.post("/signin/mfa", code=code_of(device))
    minutes(pages, 16)
    page = browser.post("/security/key")
    assert page.title == "Sign in again"
    assert "Use your passkey" not in page.text
    refused = browser.post("/security/again/options")
    assert "not accepted" in json.loads(refused.body)["error"]


def test_a_touch_goes_on_to_the_program(pages: Site, quick: None) -> None:
    """A program of another device needs a second factor of now: a touch is one (4.12)."""
    made = with_passkey(pages, "programs")
    browser = at_the_code(pages, "programs")
    use(browser, made)
    minutes(pages, 16)
    program = Program(pages, client=CROSS, redirect=CONFIRMATION)
    assert "Use your passkey" in program.asks(browser).text
    page = browser.post(
        "/security/again", made.get(options(browser, "/security/again")), follow=False
    )
    assert page.header("location").startswith("/v1/authorize?")
    assert "Use your passkey" not in program.asks(browser).text


def test_what_the_api_says_of_a_passkey(pages: Site) -> None:
    """It is listed, told, counted and taken away; nothing that is for virtual devices takes it."""
    local = pages.local
    before = int(value_of(local.iam("GetAccountSummary").body, b"MFADevicesInUse"))
    with_passkey(pages, "told")
    [serial] = serial_numbers(pages, "told")
    named = {"UserName": "told", "SerialNumber": serial}
    assert element(local.iam("GetMFADevice", **named), "SerialNumber") == serial
    assert int(value_of(local.iam("GetAccountSummary").body, b"MFADevicesInUse")) == before + 1
    assert serial.encode() not in local.iam("ListVirtualMFADevices").body
    user(pages, "has-none")
    told = has_factor(pages)
    assert (told["told"], told["has-none"]) == ("true", "false")
    tag = {"Tags.member.1.Key": "a", "Tags.member.1.Value": "b"}
    codes = {"AuthenticationCode1": "000000", "AuthenticationCode2": "111111"}
    for operation, members in (
        ("DeleteVirtualMFADevice", {"SerialNumber": serial}),
        ("TagMFADevice", {"SerialNumber": serial, **tag}),
        ("EnableMFADevice", {**named, **codes}),
        ("ResyncMFADevice", {**named, **codes}),
        (
            "GetMFADevice",
            {"UserName": "told", "SerialNumber": serial[:-1] + ("B" if serial[-1] == "A" else "A")},
        ),
        ("DeactivateMFADevice", {"UserName": user(pages, "other-told"), "SerialNumber": serial}),
    ):
        answer = local.iam(operation, **members)
        assert b"<Code>NoSuchEntity</Code>" in answer.body, operation
    local.iam("DeleteLoginProfile", UserName="told")
    local.iam("DeleteUserPolicy", UserName="told", PolicyName="p")
    assert b"must delete MFA device first." in local.iam("DeleteUser", UserName="told").body
    local.iam("UpdateUser", UserName="told", NewUserName="renamed", NewPath="/far/")
    [moved] = serial_numbers(pages, "renamed")
    assert moved == serial.replace("/told/", "/renamed/")
    named = {"UserName": "renamed", "SerialNumber": serial}
    assert b"NoSuchEntity" in local.iam("DeactivateMFADevice", **named).body
    assert local.iam("DeactivateMFADevice", **{**named, "SerialNumber": moved}).status == 200
    assert local.iam("DeleteUser", UserName="renamed").status == 200


def has_factor(site: Site) -> dict[str, str]:
    """What a new credential report says of everybody's second factor."""
    minutes(site, 241)
    site.local.iam("GenerateCredentialReport")
    while (report := site.local.iam("GetCredentialReport")).status != 200:
        site.local.installation.upkeep.continue_report()
    content = base64.b64decode(element(report, "Content")).decode()
    return {row["user"]: row["mfa_active"] for row in csv.DictReader(io.StringIO(content))}


def value_of(body: bytes, key: bytes) -> bytes:
    return body.split(b"<key>" + key + b"</key><value>")[1].split(b"<")[0]


def test_a_passkey_is_no_code_for_sts(pages: Site) -> None:
    """GetSessionToken takes codes, and a passkey has none."""
    with_passkey(pages, "sts")
    [serial] = serial_numbers(pages, "sts")
    made = pages.local.iam("CreateAccessKey", UserName="sts")
    who = Credentials(element(made, "AccessKeyId"), element(made, "SecretAccessKey"))
    answer = pages.local.sts("GetSessionToken", who, SerialNumber=serial, TokenCode="000000")
    assert answer.status == 403
    assert b"unable to validate MFA code" in answer.body


def test_root_with_a_passkey_signs_in_from_anywhere(pages: Site) -> None:
    """A passkey counts as root's second factor (CO-9); the operator's reset takes it away."""
    email, made = pages.local.founded.email, Authenticator()
    browser, first = pages.browser("127.0.0.1"), given_password(pages)
    browser.sign_in_as_root(email, first)
    browser.change(first, NEXT)
    far = pages.browser("192.0.2.10")
    assert "Sign in there" in far.sign_in_as_root(email, NEXT).text
    assert register(browser, made).title == "Sign in again"
    far = pages.browser("192.0.2.11")
    assert "keystead account reset-root" in far.sign_in_as_root(email, NEXT).text
    page = use(far, made)
    assert page.title == "Your session"
    own = as_person(far, api.ListMFADevices, api.ListMFADevicesRequest()).mfa_devices
    assert f"arn:aws:iam::{account_of(pages)}:u2f/root/key-" in own[0].serial_number
    second = given_password(pages)
    assert not far.is_signed_in
    near = pages.browser("127.0.0.1")
    assert near.sign_in_as_root(email, second).title == "Choose a new password"


def test_policies_see_the_second_factor(pages: Site, quick: None) -> None:
    """aws:MultiFactorAuthPresent is true in the session that a passkey began."""
    made = with_passkey(pages, "strong")
    document = """{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"iam:ListUsers",
      "Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}}"""
    pages.local.iam("PutUserPolicy", UserName="strong", PolicyName="q", PolicyDocument=document)
    browser = at_the_code(pages, "strong")
    use(browser, made)
    assert as_person(browser, api.ListUsers, api.ListUsersRequest()).users
    user(pages, "weak")
    pages.local.iam("PutUserPolicy", UserName="weak", PolicyName="q", PolicyDocument=document)
    with pytest.raises(Exception, match="not authorized"):
        as_person(signed_in(pages, "weak"), api.ListUsers, api.ListUsersRequest())


def test_pages_at_an_address_say_that_there_are_none(tmp_path: Path) -> None:
    """Browsers refuse passkeys there, so the page says what to do; codes work."""
    with site(tmp_path / "data", "https://192.0.2.7") as pages:
        browser = somebody(pages, "address")
        page = browser.get("/security/passkey")
        assert "no passkeys for pages at an IP address" in page.text
        assert "console_url" in page.text
        assert "<script" not in page.text
        page = browser.post("/security/passkey/options", name="key")
        assert "Passkeys need a host name" in json.loads(page.body)["error"]


def test_a_passkey_of_another_host(pages: Site, quick: None) -> None:
    """After a change of the public URL the page says where a passkey is good, and a code does."""
    with_passkey(pages, "moved")
    device = Device(pages, "moved")
    moved = Site.__new__(Site)
    moved.__dict__.update(pages.__dict__, url="https://console.example.com")
    moved._open()
    browser = moved.browser()
    browser.sign_in(account_of(pages), "moved", PASSWORD)
    page = browser.get("/signin/step")
    assert "Code of your authenticator app" in page.text
    [serial] = [each for each in serial_numbers(pages, "moved") if ":u2f/" in each]
    page = browser.get(f"/signin/step?{urlencode({'device': serial})}")
    assert "works only there" in page.text
    refused = browser.post("/signin/passkey/options", device=serial)
    assert "not accepted" in json.loads(refused.body)["error"]
    assert browser.post("/signin/mfa", code=code_of(device)).title == "Your session"
