"""Where programs and browsers knock: the API's listeners, and an installation for development."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Server, free_port
from tests.console.browser import Site, site
from tests.console.logging_in import with_code
from tests.console.people import user
from tests.console.programs import CONFIRMATION, CROSS, Program, may_log_in
from tests.console.test_ending import Device

QUERY = "client_id=a&redirect_uri=b%0d%0aX:1"


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """Those of the API and of the pages of an installation for development."""
    server, pages = Server(tmp_path_factory.mktemp("doors") / "data", free_port()), free_port()
    server.start("--dev", "--console", f"localhost:{pages}")
    yield server.port, pages
    server.stop()


def asked(
    port: int, method: str, path: str, body: bytes = b"", host: str = "", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["Host"] = host or f"127.0.0.1:{port}"
    connection.request(method, path, body, named)
    response = connection.getresponse()
    given = response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    connection.close()
    return given


def test_the_api_sends_a_browser_to_the_pages(ports: tuple[int, int]) -> None:
    """With its query as it is, whatever the browser says of itself; nothing else is there."""
    api, pages = ports
    status, headers, _ = asked(
        api,
        "GET",
        f"/v1/authorize?{QUERY}",
        Origin="https://evil.example",
        Sec_Fetch_Mode="navigate",
    )
    assert (status, headers["location"]) == (302, f"http://localhost:{pages}/v1/authorize?{QUERY}")
    assert headers["cache-control"] == "no-store"
    for method, path in (("POST", "/v1/authorize"), ("GET", "/v1/token"), ("PUT", "/v1/token")):
        assert asked(api, method, path)[0] >= 400
    for path in ("/v1/tokens", "/signin", "/security", "/v1/sessions/confirmation"):
        assert asked(api, "GET", path)[0] >= 400


@pytest.mark.parametrize("path", ["/v1/token", "/v1/revoke"])
def test_programs_are_answered_at_both(ports: tuple[int, int], path: str) -> None:
    """In AWS's form; a page of a browser is refused where the API is for programs alone."""
    api, pages = ports
    body = json.dumps({"clientId": "x", "grantType": "refresh_token", "token": "x"}).encode()
    for port, host in ((api, ""), (pages, f"localhost:{pages}")):
        status, headers, text = asked(
            port, "POST", path, body, host, Content_Type="application/json"
        )
        assert status == 400
        assert headers["x-amzn-errortype"] == "ValidationException"
        assert json.loads(text)["message"] == "The DPoP proof is not right."
        assert "access-control-allow-origin" not in headers
    rebound = asked(api, "POST", path, body, "evil.example", Content_Type="application/json")
    assert rebound[0] == 403
    assert asked(pages, "POST", path, body, Content_Type="application/json")[0] == 421
    long = asked(api, "POST", path, b" " * 9000, Content_Type="application/json")
    assert long[0] == 413


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("closed") / "data", cross_device_login=False) as opened:
        yield opened


def test_another_device_can_be_switched_off(closed: Site, quick: None) -> None:
    """Whatever factor somebody showed; the same device stays."""
    user(closed, "far")
    may_log_in(closed, "far")
    browser = with_code(closed, Device(closed, "far"))
    page = Program(closed, client=CROSS, redirect=CONFIRMATION).asks(browser)
    assert page.status == 403
    assert "switched off here" in page.text
    assert Program(closed).logged_in(browser)


def test_without_a_console_there_are_no_tokens(tmp_path: Path) -> None:
    """Nothing of it is served, and nothing of it is loaded."""
    server = Server(tmp_path / "data", free_port())
    server.start()
    try:
        assert asked(server.port, "GET", f"/v1/authorize?{QUERY}")[0] >= 400
        status, _, text = asked(server.port, "POST", "/v1/token", b"{}")
        assert status >= 400
        assert b"DPoP" not in text
    finally:
        server.stop()
