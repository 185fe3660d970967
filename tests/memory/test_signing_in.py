"""No ring is left of a sign-in, however it ends: of people, of programs, and of strangers.

A ring would keep the request until the collector looks, for up to a day, and in it what was typed.
"""

import gc
from collections.abc import Callable, Mapping
from pathlib import Path
from unittest.mock import patch

from keystead.server.door.turn import Turn
from tests.console.browser import STEP, Page, site
from tests.console.people import account_of, signed_in, user
from tests.console.programs import Program, may_log_in
from tests.console.saml_people import Company, company
from tests.memory.kept import set_aside

CALLS, WARM = 5, 2
NAME = "ann"

Act = Callable[[], Page]


def ways(corp: Company) -> Mapping[str, Act]:
    """Every way to sign in and to be refused: one call or a few."""
    site, browser = corp.site, corp.site.browser()
    account, program = account_of(site), Program(site)
    known = signed_in(site, NAME)
    forged = f"{account}.{'x' * 43}"
    response = corp.response()

    def typed(name: str, password: str) -> Page:
        stranger = site.browser()
        form = {"as": "user", "account": account, "user": name, "password": password}
        return stranger.post("/signin", form, follow=False)

    def inside() -> Page:
        return signed_in(site, NAME).post("/signout", follow=False)

    def logged_in() -> Page:
        program = Program(site)  # a key of its own: one has only so many proofs
        given = program.logged_in(known)
        program.renew(given["refreshToken"])
        return program.revoke(given["refreshToken"])

    def of_saml() -> Page:
        stranger = site.browser()
        request_id, state = corp.begin(stranger)
        return corp.take(
            stranger, corp.response(answers=request_id, response_answers=request_id), state
        )

    def with_step(path: str) -> Page:
        browser.cookies = {STEP: forged}
        return browser.post(path, {"code": "123456", "role": "0"}, follow=False)

    return {
        "the page": lambda: browser.get("/signin"),
        "a session, and its end": inside,
        "a wrong password": lambda: typed("nobody", "x"),
        "a form of another site": lambda: browser.post(
            "/signin", headers={"origin": "https://evil.example"}
        ),
        "a step of nobody": lambda: with_step("/signin/mfa"),
        "a role of nobody": lambda: with_step("/signin/role"),
        "a passkey of nobody": lambda: with_step("/signin/passkey"),
        "a person of SAML": of_saml,
        "a response that is none": lambda: corp.take(browser, "<x/>"),
        "a response that was changed": lambda: corp.take(browser, response.replace("jo", "al")),
        "an arrival of nobody": lambda: browser.get(f"/saml/continue?h={forged}"),
        "a state of nobody": lambda: browser.get(f"/oidc/callback/x?state={forged}&code=a"),
        "a program": logged_in,
        "a code of nobody": lambda: program.redeem(forged),
        "a refresh token of nobody": lambda: program.renew("x" * 40),
        "a request without a proof": lambda: program.redeem(forged, ""),
        "a request that is none": lambda: program.send([], "a"),
        "an authorization that is none": lambda: known.get("/v1/authorize?client_id=x"),
    }


def _in_rings(act: Act) -> int:
    """Objects that only the collector can free, after so many calls."""
    for _ in range(WARM):
        act()
    gc.collect()
    for _ in range(CALLS):
        assert act().status < 500
    return gc.collect()


def test_no_ring_of_a_sign_in_is_left(tmp_path: Path) -> None:
    """Each way to sign in, and to be refused, is let go of at once."""
    with site(tmp_path / "data") as opened:
        user(opened, NAME)
        may_log_in(opened, NAME)
        every = ways(company(opened))
        with set_aside():
            gc.disable()
            try:
                found = {name: _in_rings(act) for name, act in every.items()}
            finally:
                gc.enable()
    assert {name: rings for name, rings in found.items() if rings >= CALLS} == {}


def test_none_is_left_of_a_turn_that_failed(tmp_path: Path) -> None:
    """A page whose turn failed is let go of, too."""
    with site(tmp_path / "data") as opened, set_aside():
        browser = opened.browser()
        browser.get("/signin")

        def fails(*_: object, **__: object) -> None:
            raise RuntimeError("ours")

        form = {"as": "user", "account": "1", "user": "a", "password": "b"}
        with patch.object(Turn, "_answered", fails):
            assert browser.post("/signin", form).status == 503
            gc.collect()
            gc.disable()
            try:
                for _ in range(CALLS):
                    browser.post("/signin", form)
                assert gc.collect() < CALLS
            finally:
                gc.enable()
