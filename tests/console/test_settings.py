"""Where the pages listen, and at which URL: what is not clearly safe is refused."""

from pathlib import Path
from typing import Any

import pytest

from keystead.console import Public, application
from keystead.failures import Failure
from keystead.server.console.visiting import visits
from keystead.server.installation import development
from keystead.server.installation.config import load
from tests.console.browser import URL, site

TLS = {"tls_certificate": "chain.pem", "tls_key": "key.pem"}
PUBLIC = "https://console.example.com"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"console": "0.0.0.0:8421"}, "need TLS"),
        ({"console": "0.0.0.0:8421", **TLS}, "need TLS"),
        ({"console": "0.0.0.0:8421", "console_url": "http://localhost:8421"}, "need TLS"),
        ({"console": "0.0.0.0:8421", "console_url": PUBLIC}, "readable on the network"),
        ({"console": "localhost:8421", "console_url": "http://example.com"}, "not the URL"),
        ({"console": "localhost:8421", "console_url": f"{PUBLIC}/path"}, "not the URL"),
        ({"console": "localhost:8421", "console_url": "https://a@b.example"}, "not the URL"),
        ({"console": "localhost:8421", "console_url": f"{PUBLIC}:443"}, "not the URL"),
        ({"console": "localhost:8421", "console_url": "http://localhost:80"}, "not the URL"),
        ({"console": "localhost:8421", "console_url": f"{PUBLIC}:08421"}, "not the URL"),
        ({"console": "localhost:8421", "console_url": f"{PUBLIC}:0"}, "not the URL"),
        ({"console": "localhost:8421", "console_url": f"{PUBLIC}:65536"}, "not the URL"),
        ({"console": "8421"}, "not an address"),
    ],
    ids=str,
)
def test_what_is_not_safe_is_refused(settings: dict[str, Any], message: str) -> None:
    """With the reason, before anything is opened."""
    with pytest.raises(Failure, match=message):
        load(None, {}, settings)


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"console": "localhost:8421"}, "http://localhost:8421"),
        ({"console": "127.0.0.1:9000"}, "http://localhost:9000"),
        ({"console": "0.0.0.0:8421", "console_url": PUBLIC, **TLS}, PUBLIC),
        ({"console": "0.0.0.0:8421", "console_url": f"{PUBLIC}:8421/", **TLS}, f"{PUBLIC}:8421"),
        ({"console": "127.0.0.1:8421", "console_url": PUBLIC}, PUBLIC),
        ({"console": "10.0.0.1:8421", "console_url": PUBLIC, "allow_plain_http": True}, PUBLIC),
    ],
    ids=str,
)
def test_the_public_url_follows_from_the_settings(settings: dict[str, Any], url: str) -> None:
    """It is never taken from a request (CO-4)."""
    config = load(None, {}, settings)
    assert config.console_address is not None
    assert config.console_at(config.console_address.port) == url


def test_providers_of_everybody_are_on_the_page(tmp_path: Path) -> None:
    """Each has a label and leads to its start; no other place can be written."""
    texts = ["Example <Corp>=/saml/start/SAMLSP1", "Other=/oidc/start/X2"]
    config = load(None, {}, {"sign_in_providers": texts})
    assert config.ways == [("Example <Corp>", "/saml/start/SAMLSP1"), ("Other", "/oidc/start/X2")]
    for wrong in (
        "Corp=https://evil.example",
        "/saml/start/X",
        "A=/saml/start/../x",
        "=/saml/start/X",
    ):
        with pytest.raises(Failure, match="no label and path"):
            load(None, {}, {"sign_in_providers": [wrong]})
    with site(tmp_path / "data") as opened:
        public = Public(URL, ways=tuple(config.ways))
        opened.app = application(opened.calls, public, visits(lambda: opened.trusted))
        page = opened.browser().get("/signin")
        wrong_password = opened.browser().sign_in("1", "nobody", "wrong")
    for shown in (page, wrong_password):
        assert b'<a class="button" href="/saml/start/SAMLSP1">' in shown.body
        assert b"Example &lt;Corp&gt;" in shown.body


def test_pages_of_development_are_local() -> None:
    """No other machine reaches an installation for tests (0043)."""
    settings = {"console": "0.0.0.0:8421", "console_url": PUBLIC, "allow_plain_http": True}
    with pytest.raises(Failure, match="with --dev nobody listens"):
        development.require_local(load(None, {}, settings))
    development.require_local(load(None, {}, {"console": "localhost:8421"}))


def test_there_are_no_pages_without_the_setting() -> None:
    """The default."""
    assert load(None, {}, {}).console_address is None
