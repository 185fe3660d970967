"""People sign in by real providers in Debian's Chromium: samlp and npm's oidc-provider."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright import sync_api as playwright

from tests import npm
from tests.clients.provider import NEEDS_NODE, real_provider, serving_for
from tests.components import CHROMIUM, needs_chromium
from tests.conftest import Server, free_port
from tests.federation import saml_issuer as saml
from tests.federation.issuer import Issuer
from tests.federation.saml_issuer import AUDIENCE, AWS, key
from tests.identity.saml_documents import ENTITY, SSO, private_pem
from tests.identity.world import document

pytestmark = [NEEDS_NODE, needs_chromium("sign-in by real providers was")]
HERE = Path(__file__).parents[1] / "federation" / "saml_provider"


@dataclass
class Pages:
    """A server with pages, both providers, and a browser."""

    server: Server
    url: str
    issuer: Issuer
    corp: str  # the URL of the SAML provider
    browser: Any
    account: str = ""

    @contextmanager
    def tab(self) -> Iterator[Any]:
        """A page in a profile of its own, where no script runs.

        The certificate of the provider is none that a browser knows.
        """
        context = self.browser.new_context(ignore_https_errors=True, java_script_enabled=False)
        context.set_default_timeout(60_000)
        try:
            yield context.new_page()
        finally:
            context.close()

    def start(self, arn: str) -> str:
        """Where people of this provider begin."""
        listed = json.loads(self.server.keystead("federation", "list", "--json").stdout)
        [start] = [each["Start"] for each in listed["Providers"] if each["Provider"] == arn]
        return f"{self.url}{start}"


@contextmanager
def corp(folder: Path, account: str, url: str) -> Iterator[str]:
    """samlp, which listens: its URL."""
    npm.fetch(HERE, folder, ["sso.mjs"])
    (folder / "idp.key").write_text(private_pem(key("idp")))
    (folder / "idp.crt").write_bytes(saml.public_pem("idp"))
    pair = f"arn:aws:iam::{account}:role/people,arn:aws:iam::{account}:saml-provider/corp"
    config = {
        "claims": {f"{AWS}Role": [pair], f"{AWS}RoleSessionName": "jo"},
        "subject": "jo@example.com", "issuer": ENTITY, "audience": AUDIENCE,
        "recipient": f"{url}/saml", "destination": f"{url}/saml", "lifetimeInSeconds": 300,
        "signatureAlgorithm": "rsa-sha256", "digestAlgorithm": "sha256",
        "nameIdentifierFormat": saml.PERSISTENT,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    node = subprocess.Popen(
        ["node", "sso.mjs", "config.json"], cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert node.stdout is not None
        yield node.stdout.readline().strip()
    finally:
        node.kill()
        node.wait()


def _found(server: Server, issuer: Issuer, corp_url: str) -> str:
    """A provider of each kind, and a role that trusts both; the path of the redirect URI."""
    iam = server.client("iam")
    described = saml.described("idp").replace(SSO, f"{corp_url}/sso")
    of_saml = iam.create_saml_provider(Name="corp", SAMLMetadataDocument=described)
    of_oidc = iam.create_open_id_connect_provider(
        Url=issuer.url, ClientIDList=["console"], ThumbprintList=[issuer.thumbprint]
    )["OpenIDConnectProviderArn"]
    statements = [
        {"Effect": "Allow", "Principal": {"Federated": arn}, "Action": f"sts:{action}"}
        for arn, action in (
            (of_saml["SAMLProviderArn"], "AssumeRoleWithSAML"),
            (of_oidc, "AssumeRoleWithWebIdentity"),
        )
    ]
    iam.create_role(RoleName="people", AssumeRolePolicyDocument=document(*statements))
    secret = issuer.folder / "secret"
    secret.write_text("a secret: of/this+test\n")
    secret.chmod(0o600)
    ran = server.keystead(
        "federation", "oidc", of_oidc, "--client-id", "console", "--client-secret-file",
        str(secret), "--role-claim", "aws_roles", "--name-claim", "email", "--scopes",
        "openid email aws", "--json",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return str(json.loads(ran.stdout)["Callback"])


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    folder, port = tmp_path_factory.mktemp("oidc"), free_port()
    url = f"http://localhost:{port}"
    with (
        serving_for(folder / "data", "--console", f"localhost:{port}") as server,
        playwright.sync_playwright() as driver,
    ):
        account = str(server.client("sts").get_caller_identity()["Account"])
        with (
            corp(tmp_path_factory.mktemp("samlp"), account, url) as corp_url,
            real_provider(
                folder,
                lambda made: f"{url}{_found(server, made, corp_url)}",
                f"arn:aws:iam::{account}:role/people",
            ) as issuer,
        ):
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            yield Pages(server, url, issuer, corp_url, browser, account)
            browser.close()


def test_saml_that_begins_here(pages: Pages) -> None:
    """The button, the provider, its form from elsewhere, and a session: no script of ours runs."""
    with pages.tab() as page:
        page.goto(pages.start(f"arn:aws:iam::{pages.account}:saml-provider/corp"))
        page.click("button")
        page.wait_for_url(f"{pages.corp}/**")
        page.click("button")
        page.wait_for_url(f"{pages.url}/")

        assert "assumed-role/people/jo" in page.inner_text("main")


def test_saml_that_begins_at_the_provider(pages: Pages) -> None:
    """The provider's page alone signs in; where a session is open, a page asks first."""
    with pages.tab() as page:
        page.goto(f"{pages.corp}/start")
        page.click("button")
        page.wait_for_url(f"{pages.url}/")
        assert "assumed-role/people/jo" in page.inner_text("main")

        page.goto(f"{pages.corp}/start")
        page.click("button")
        page.wait_for_url(f"{pages.url}/saml/continue?**")
        assert "Continue as jo@example.com?" in page.inner_text("main")
        page.click("main button")
        page.wait_for_url(f"{pages.url}/")


def test_openid_connect(pages: Pages) -> None:
    """The button, the provider's forms, its code by way of the browser, and a session.

    The role and the name come from claims (docs/federation-oidc-provider.md).
    """
    arn = f"arn:aws:iam::{pages.account}:oidc-provider/{pages.issuer.address}"
    with pages.tab() as page:
        page.goto(pages.start(arn))
        page.click("button")
        page.wait_for_url(f"{pages.issuer.url}/**")
        page.fill("input[name=login]", "alice")
        page.fill("input[name=password]", "x")
        page.click("button[type=submit]")
        page.wait_for_selector("input[name=login]", state="detached")
        page.click("button[type=submit]")  # consent
        page.wait_for_url(f"{pages.url}/")

        assert "assumed-role/people/alice@example.com" in page.inner_text("main")
