"""What no page of ours sends is refused, and every answer has its headers. (CO-2 to CO-4)"""

import msgspec
import pytest

from tests.console.browser import Site
from tests.console.people import PASSWORD, account_of, signed_in, user

EVERY = {
    "content-security-policy": "default-src 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
POSTS = ("/signin", "/signin/mfa", "/signin/password", "/signout")
GETS = ("/", "/signin", "/signin?root", "/signin/corp", "/signin/step", "/signed-out", "/missing")


@pytest.mark.parametrize("path", GETS)
def test_every_page_has_its_headers(pages: Site, path: str) -> None:
    """Also those that only lead elsewhere, and those that do not exist."""
    page = pages.browser().get(path, follow=False)
    for name, value in EVERY.items():
        assert value in page.header(name)
    assert "access-control-allow-origin" not in dict(page.headers)


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": None},
        {"origin": "null"},
        {"origin": "null", "sec_fetch_site": "cross-site"},
        {"origin": "http://localhost:8422"},
        {"origin": "https://localhost:8421"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"content_type": "application/json"},
        {"content_type": "text/plain"},
    ],
    ids=str,
)
def test_a_form_of_another_site_is_refused(
    pages: Site, path: str, headers: dict[str, str | None]
) -> None:
    """Whatever it holds; the same form from a page of ours is taken."""
    browser = pages.browser()
    browser.get("/signin")
    assert browser.post(path, headers=headers).status in {403, 415}
    assert browser.post(path, headers={"sec_fetch_site": "same-origin"}).status not in {
        403,
        415,
    } or (path != "/signout")


def test_a_hidden_origin_counts_with_its_site(pages: Site) -> None:
    """A browser that hides the Origin says in another header that the form is ours."""
    user(pages, "hidden")
    browser = pages.browser()
    browser.get("/signin")
    fields = {"as": "user", "account": account_of(pages), "user": "hidden", "password": PASSWORD}
    headers = {"origin": "null", "sec_fetch_site": "same-origin"}
    assert browser.post("/signin", fields, headers=headers).title == "Your session"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8421", "localhost", "localhost:80", "evil.example", "localhost:8421.evil", ""],
)
def test_another_host_is_misdirected(pages: Site, host: str) -> None:
    """No page is shown under a name that is not the public one (rebinding, CO-4)."""
    page = pages.browser().get("/signin", host=host)
    assert page.status == 421
    assert b"http://localhost:8421/" in page.body
    assert "text/plain" in page.header("content-type")
    first = pages.browser().get("/", host=host)
    assert first.status == 421
    assert '<a href="http://localhost:8421/">' in first.text
    assert host not in {"evil.example", "localhost:8421.evil"} or host not in first.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_refused(pages: Site, method: str) -> None:
    """There is no preflight, and nothing else to call."""
    browser = pages.browser()
    page = browser.site.loop.run_until_complete(browser.send(method, "/signin"))
    assert page.status == 405


def test_a_long_form_is_not_read(pages: Site) -> None:
    """16 KiB are enough for every form."""
    browser = pages.browser()
    browser.get("/signin")
    assert browser.post("/signin", password="x" * 17_000).status == 413


def test_a_field_that_is_there_twice_is_refused(pages: Site) -> None:
    """Which of the two would count is no question of ours."""
    browser = pages.browser()
    browser.get("/signin")
    send = browser.send("POST", "/signin", b"user=a&user=b")
    assert browser.site.loop.run_until_complete(send).status == 400
    send = browser.send("POST", "/signin", b"user=%ff%fe")
    assert browser.site.loop.run_until_complete(send).status == 400


def test_a_cookie_that_is_there_twice_is_none(pages: Site) -> None:
    """Another host of the domain could have set the second."""
    user(pages, "cookies")
    browser = signed_in(pages, "cookies")
    cookie = browser.cookies["__Host-ks"]
    twice = pages.browser()
    assert twice.get("/", follow=False, cookie=f"__Host-ks={cookie}").status == 200
    twin = f"__Host-ks={cookie}; __Host-ks=x"
    assert twice.get("/", follow=False, cookie=twin).status == 303


def test_cookies_are_kept_from_scripts_and_other_hosts(pages: Site) -> None:
    """Secure, HttpOnly, for every path of this host, and not sent with forms from elsewhere."""
    user(pages, "flags")
    browser = pages.browser()
    browser.get("/signin")
    fields = {"as": "user", "account": account_of(pages), "user": "flags", "password": PASSWORD}
    page = browser.post("/signin", fields, follow=False)
    [given] = [value for name, value in page.headers if value.startswith("__Host-ks=")]
    for flag in ("Secure", "HttpOnly", "Path=/", "SameSite=lax"):
        assert flag in given
    assert "Domain" not in given


def test_the_headers_of_a_signature_are_not_read(pages: Site) -> None:
    """The listener of the pages knows one proof, and those of the API know no cookie (AU-1)."""
    request = pages.local.iam_request("ListUsers")
    page = pages.browser().get("/", follow=False, **{
        name.replace("-", "_"): value for name, value in request.headers.items() if name != "host"
    })  # fmt: skip
    assert page.status == 303
    user(pages, "api")
    browser = signed_in(pages, "api")
    headers = {"host": "127.0.0.1:8420", "cookie": f"__Host-ks={browser.cookies['__Host-ks']}",
               "content-type": "application/x-www-form-urlencoded"}  # fmt: skip
    body = b"Action=ListUsers&Version=2010-05-08"
    unsigned = msgspec.structs.replace(request, headers=headers, body=body)
    assert pages.local.send(unsigned).status == 403


@pytest.mark.parametrize("path", ["/switchrole", "/signin/role", "/federation"])
@pytest.mark.parametrize(
    "query",
    [
        "a=1&a=2", "q=%ff", "q=%ed%a0%80", "&".join(f"a{each}=" for each in range(40)),
        "q=" + "x" * 20_000,
    ],
)  # fmt: skip
def test_a_query_that_no_page_of_ours_makes(pages: Site, path: str, query: str) -> None:
    """Each parameter once, of a bounded length, in UTF-8."""
    assert pages.browser().get(f"{path}?{query}").status == 400


@pytest.mark.parametrize("text", ["%00", "%C2%A0%E2%80%AE", "'%22--", "%F0%9F%92%A9" * 60])
def test_a_query_of_any_text_is_a_text(pages: Site, text: str) -> None:
    """It finds nothing, and breaks nothing."""
    for path in ("/switchrole?account=", "/signin/role?q=", "/federation?Action="):
        assert pages.browser().get(f"{path}{text}").status in {200, 400, 403}
