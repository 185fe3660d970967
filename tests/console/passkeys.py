"""Passkeys of people, as a browser and an authenticator make and use them."""

import json
from collections.abc import Callable
from typing import Any

from tests.console.authenticator import (
    Authenticator,
    raw,
    text,
)
from tests.console.browser import Browser, Page, Site
from tests.console.test_credentials import somebody


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


def cut(name: str) -> Callable[[Authenticator, dict[str, Any]], dict[str, str]]:
    def get(made: Authenticator, asked: dict[str, Any]) -> dict[str, str]:
        fields = made.get(asked)
        return {**fields, name: text(raw(fields[name])[:-1])}

    return get
