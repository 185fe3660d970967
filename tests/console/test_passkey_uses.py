"""Passkeys sign in: what counts as a use, and what does not?"""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import pytest

from keystead.server.lane import STRANGERS, Lane
from keystead.work import Work
from tests.console.authenticator import (
    BS,
    UP,
    UV,
    Authenticator,
    text,
)
from tests.console.browser import STEP, Site
from tests.console.passkeys import (
    changed,
    cut,
    options,
    register,
    serial_numbers,
    use,
    with_passkey,
)
from tests.console.people import (
    PASSWORD,
    account_of,
    minutes,
    signed_in,
    user,
)
from tests.console.test_ending import Device
from tests.console.test_mfa import at_the_code, code_of

AGAIN = "Nothing happened? Try again, or use another device."


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


def with_field(name: str, value: str) -> Callable[[Authenticator, dict[str, Any]], dict[str, str]]:
    return lambda made, asked: {**made.get(asked), name: value}


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
