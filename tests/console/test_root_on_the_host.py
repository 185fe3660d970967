"""Root without a second factor signs in only on the host itself. (CO-9)"""

import ipaddress
from pathlib import Path
from typing import Any

import pytest

from tests.console.browser import Browser, Site, site
from tests.console.people import first_password


def _sign_in(browser: Browser) -> str:
    page = browser.sign_in_as_root(browser.site.local.founded.email, first_password(browser.site))
    return page.title


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"ip": "192.0.2.1"},
        {"listener": "192.0.2.2"},
        {"headers": {"x-forwarded-for": "127.0.0.1"}},
        {"headers": {"forwarded": "for=127.0.0.1"}},
        {"headers": {"via": "1.1 proxy"}},
        {"headers": {"x-forwarded-proto": "http"}},
        {"headers": {"x-real-ip": "127.0.0.1"}},
    ],
    ids=str,
)
def test_from_elsewhere_it_is_refused(pages: Site, elsewhere: dict[str, Any]) -> None:
    """The same password is taken when nothing stands between."""
    assert _sign_in(Browser(pages, **{"ip": "127.0.0.1", **elsewhere})) == "Not signed in"
    assert _sign_in(pages.browser("127.0.0.1")) == "Choose a new password"
    assert _sign_in(pages.browser("::1")) == "Choose a new password"
    [*_, failure] = [
        event for event in pages.named("ConsoleLogin") if event.response_elements
        and event.response_elements["ConsoleLogin"] == "Failure"
    ]  # fmt: skip
    assert "no MFA device" in failure.error_message


def test_behind_a_trusted_proxy_it_is_refused(pages: Site) -> None:
    """A proxy on the host itself hides where its clients are."""
    pages.trusted.append(ipaddress.ip_network("127.0.0.0/8"))
    try:
        assert _sign_in(pages.browser("127.0.0.1")) == "Not signed in"
    finally:
        pages.trusted.clear()
    assert _sign_in(pages.browser("127.0.0.1")) == "Choose a new password"


def test_the_host_may_have_no_port(tmp_path: Path) -> None:
    """At the port that browsers leave out the Host is `localhost` alone."""
    with site(tmp_path / "data", "http://localhost") as pages:
        assert _sign_in(pages.browser("127.0.0.1")) == "Choose a new password"
