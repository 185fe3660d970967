"""A person of SimpleSAMLphp signs in on the pages: with a plain assertion, and an encrypted one."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from tests.clients.simplesamlphp import NEEDS_PHP, knows, simplesamlphp
from tests.console.browser import Site, site
from tests.console.saml_people import ACS, Company, session_name
from tests.federation.saml_issuer import certified, key
from tests.federation.saml_land import SamlLand
from tests.identity.saml_documents import private_pem

pytestmark = NEEDS_PHP


@dataclass
class Corp:
    """The provider, its folder, and what is known here."""

    url: str
    folder: Path
    company: Company

    @property
    def site(self) -> Site:
        return self.company.site

    def response(self, url: str) -> tuple[str, str]:
        """A person signs in there: what its page lets the browser post, and RelayState."""
        opener = build_opener(HTTPCookieProcessor(CookieJar()))
        page = _read(opener, url)
        [state] = re.findall(r'name="AuthState" value="([^"]*)"', page)
        fields = {"username": "jo", "password": "secret", "AuthState": unescape(state)}
        page = _read(opener, f"{self.url}/module.php/core/loginuserpass.php?", fields)
        found = dict(re.findall(r'name="(SAMLResponse|RelayState)" value="([^"]*)"', page))
        packed = base64.b64decode(unescape(found["SAMLResponse"])).decode()
        return packed, unescape(found.get("RelayState", ""))


def _read(opener: Any, url: str, fields: dict[str, str] | None = None) -> str:
    body = None if fields is None else urlencode(fields).encode()
    with opener.open(url, body, timeout=30) as answer:
        return str(answer.read().decode())


@pytest.fixture(scope="module")
def corp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corp]:
    folder = tmp_path_factory.mktemp("simplesamlphp")
    with simplesamlphp(folder) as url, site(tmp_path_factory.mktemp("data") / "data") as opened:
        land = SamlLand(opened.local)
        described = _read(build_opener(), f"{url}/saml2/idp/metadata.php")
        land.create_provider(SAMLMetadataDocument=described, AddPrivateKey=private_pem(key("sp")))
        land.roles["web"] = land.role("web")
        yield Corp(url, folder, Company(opened, land))


@pytest.mark.parametrize("encryption", ["", certified("sp")], ids=["plain", "encrypted"])
def test_a_person_signs_in(corp: Corp, encryption: str) -> None:
    """Its answer to our request is taken, and so is one that nobody asked for."""
    company = corp.company
    pair = f"{company.land.roles['web']},{company.land.provider}"
    knows(corp.folder, ACS, pair, encryption)
    browser = corp.site.browser()
    page = browser.post(company.start)

    document, state = corp.response(page.header("refresh").partition("url=")[2])

    assert ("EncryptedAssertion" in document) is bool(encryption)
    assert session_name(company.post(browser, document, state)) == "jo"
    other = f"{corp.url}/saml2/idp/SSOService.php?{urlencode({'spentityid': ACS})}"
    document, _ = corp.response(other)
    path = f"/saml/acs/{company.id()}" if encryption else "/saml"
    assert session_name(company.post(corp.site.browser(), document, path=path)) == "jo"
