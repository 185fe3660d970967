"""People who sign in by every way, so that each table of sign-in has rows."""

import json
from typing import Any

from keystead.server.installation import perform
from tests.console.authenticator import Authenticator
from tests.console.browser import Browser, Site
from tests.console.people import account_of, user
from tests.console.programs import Program
from tests.directories.stored import stored_directory
from tests.server.installations import REGION, Local

NAME, PASSWORD = "dora", "canary-Start-1"


def everybody(local: Local) -> None:
    """They leave rows behind; what can be replaced is replaced."""
    site, account = Site(local), local.founded.account_id
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    local.iam("CreateRole", RoleName="pages", AssumeRolePolicyDocument=_document(
        {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    ))  # fmt: skip
    user(site, NAME)
    local.iam("PutUserPolicy", UserName=NAME, PolicyName="p", PolicyDocument=_document(everything))
    made = Authenticator()
    browser = _arrived(site)
    asked = _options(browser, "/security/passkey", name="key")
    assert browser.post("/security/passkey", {"name": "key", **made.create(asked)}).status == 200
    browser = _arrived(site)
    asked = _options(browser, "/signin/passkey")
    browser.post("/signin/passkey", made.get(asked))
    assert browser.is_signed_in
    switch = {"account": account, "roleName": "pages"}
    assert browser.post("/switchrole", switch, follow=False).status == 303
    Program(site).logged_in(browser)
    Program(site).code(browser)
    _options(_arrived(site), "/signin/passkey")  # a challenge that nobody meets
    _outsiders(local, site)
    site.loop.close()


def _outsiders(local: Local, site: Site) -> None:
    """Somebody begins at a provider, and one is known of a directory."""
    account = account_of(site)
    for switch in (False, True):
        arn = f"arn:aws:iam::{account}:saml-provider/idp"
        perform(
            local.installation, "federation saml", {"provider": arn, "provider_initiated": switch}
        )
    answer = local.iam("GetSAMLProvider", SAMLProviderArn=arn).body.decode()
    provider = answer.partition("<SAMLProviderUUID>")[2].partition("<")[0]
    browser = site.browser()
    browser.get(f"/saml/start/{provider}")
    assert browser.post(f"/saml/start/{provider}").status == 200
    role = local.installation.identities.roles.named(
        local.installation.store.read(), account, "pages"
    )
    assert role is not None
    stored_directory(local.installation, account, REGION, role)


def _arrived(site: Site) -> Browser:
    """A browser in which the user gave its password."""
    browser = site.browser()
    assert browser.sign_in(account_of(site), NAME, PASSWORD).status == 200
    return browser


def _options(browser: Browser, path: str, **fields: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(browser.post(f"{path}/options", fields).body)
    return read


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statement})
