"""People of a provider of SAML, and what the provider lets their browsers post."""

import base64
import re
import zlib
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from keystead.identity.access_keys import IssuedKey
from keystead.server.installation import perform
from keystead.server.installation.founding import Founded
from tests.console.browser import URL, Browser, Page, Site
from tests.federation import saml_issuer as issuer
from tests.federation.saml_issuer import AWS, HONEST, Saying, Signing
from tests.federation.saml_land import SamlLand
from tests.identity.saml_documents import key_descriptor, metadata

ACS = f"{URL}/saml"
REFUSED = "Your organization's sign-in was not accepted here."
AGAIN = "The sign-in took too long, or was continued elsewhere. Start again."


def described(*keys: str, binding: str = "Redirect") -> str:
    """The metadata of a provider with these keys, which takes requests by this binding."""
    place = (
        f'<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-{binding}"'
        ' Location="https://idp.example/sso?tenant=1"/>'
    )
    text = metadata(*(key_descriptor(issuer.certified(key)) for key in keys))
    return re.sub(r"<SingleSignOnService[^>]*/>", place, text)


@dataclass
class Company:
    """A provider of SAML of the founded account, and a role for its people."""

    site: Site
    land: SamlLand

    @property
    def start(self) -> str:
        """The path at which its people begin."""
        return f"/saml/start/{self.id()}"

    def id(self, name: str = "idp") -> str:
        arn = f"arn:aws:iam::{self.land.account}:saml-provider/{name}"
        answer = self.land.iam("GetSAMLProvider", SAMLProviderArn=arn)
        [found] = re.findall(r"<SAMLProviderUUID>(.*)</SAMLProviderUUID>", answer.body.decode())
        return str(found)

    def says(self, role: str = "", **changes: Any) -> Saying:
        """What is right to say at the console, but for `changes`."""
        return self.land.saying(role, **{"recipient": ACS, "destination": ACS, **changes})

    def response(self, how: Signing = HONEST, role: str = "", **changes: Any) -> str:
        said = self.says(role, **changes)
        return issuer.response(said, issuer.signed(issuer.assertion(said), how))

    def post(
        self, browser: Browser, document: str, state: str = "", path: str = "/saml", **more: Any
    ) -> Page:
        """A provider's page lets the browser post this, without cookies, and it goes on."""
        taken = self.take(browser, document, state, path)
        return self.follow(browser, taken, **more)

    def take(self, browser: Browser, document: str, state: str = "", path: str = "/saml") -> Page:
        """The answer to what a provider's page lets the browser post."""
        kept, browser.cookies = browser.cookies, {}
        page = browser.post(
            path,
            {"SAMLResponse": issuer.packed(document), **({"RelayState": state} if state else {})},
            follow=False,
            headers={"origin": "https://idp.example", "sec-fetch-site": "cross-site"},
        )
        browser.cookies = {**kept, **browser.cookies}
        return page

    def follow(self, browser: Browser, page: Page) -> Page:
        return browser.get(page.header("location")) if page.status == 303 else page

    def begin(self, browser: Browser, start: str = "") -> tuple[str, str]:
        """Somebody begins here: the ID of the request, and its RelayState."""
        browser.get(start or self.start)
        page = browser.post(start or self.start)
        assert page.status == 200, page.text
        query = parse_qs(urlsplit(page.header("refresh").partition("url=")[2]).query)
        document = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15).decode()
        [request_id] = re.findall(r' ID="([^"]*)"', document)
        return request_id, query["RelayState"][0]


def company(site: Site) -> Company:
    """The provider and the role, made once for a site."""
    return _company(site, SamlLand(site.local))


def company_elsewhere(site: Site) -> Company:
    """The same in an account of its own."""
    told = perform(site.local.installation, "account create", {})
    key = IssuedKey(told["AccessKeyId"], told["SecretAccessKey"])
    founded = Founded(told["AccountId"], told["Email"], key)
    return _company(site, SamlLand(replace(site.local, founded=founded)))


def _company(site: Site, land: SamlLand) -> Company:
    land.create_provider(SAMLMetadataDocument=described("idp"))
    land.roles["web"] = land.role("web")
    return Company(site, land)


def session_name(page: Page) -> str:
    [name] = re.findall(r":assumed-role/[\w+=,.@-]+/([\w+=,.@-]+)", page.text)[:1]
    return str(name)


__all__ = (
    "ACS",
    "AGAIN",
    "AWS",
    "REFUSED",
    "Company",
    "company",
    "company_elsewhere",
    "described",
    "session_name",
)
