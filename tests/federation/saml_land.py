"""An installation with a SAML provider and a role for its people, and the call that assumes it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from botocore.credentials import Credentials

from keystead.wire.http import HttpRequest
from tests.federation import saml_issuer as issuer
from tests.federation.land import Vouched, credentials
from tests.federation.saml_issuer import AWS, HONEST, Saying, Signing
from tests.server.installations import Answered

INVALID = (
    "The SAML assertion that was passed could not be validated. Get a new identity token from the"
    " identity provider and then retry the request."
)
REJECTED = "The claims of the SAML assertion cannot be used for a session."
LATE = "Token must be redeemed within 5 minutes of issuance"
DENIED = "Not authorized to perform sts:AssumeRoleWithSAML"
SECOND = timedelta(seconds=1)


@dataclass
class SamlLand(Vouched):
    """The installation, and a SAML provider that vouches for people in it."""

    action = "AssumeRoleWithSAML"

    @property
    def provider(self) -> str:
        return f"arn:aws:iam::{self.account}:saml-provider/idp"

    def create_provider(self, name: str = "idp", *keys: str, **members: str) -> str:
        given = {"SAMLMetadataDocument": issuer.described(*(keys or ("idp",))), **members}
        self.iam("CreateSAMLProvider", Name=name, **given)
        return f"arn:aws:iam::{self.account}:saml-provider/{name}"

    def saying(self, role: str = "", provider: str = "", **changes: Any) -> Saying:
        """What is right to say, but for `changes`; attributes are added, and None removes one."""
        pair = f"{role or self.roles['web']},{provider or self.provider}"
        attributes = {
            f"{AWS}Role": pair, f"{AWS}RoleSessionName": "jo", **changes.pop("attributes", {}),
        }  # fmt: skip
        kept = {name: value for name, value in attributes.items() if value is not None}
        return Saying(self.local.time.wall(), kept, **changes)

    def response(
        self, said: Saying | None = None, how: Signing = HONEST, *, path: str = "."
    ) -> str:
        """A response whose assertion is signed."""
        said = said or self.saying()
        return issuer.response(said, issuer.signed(issuer.assertion(said), how, path))

    def request(self, document: str, role: str = "", **members: str) -> HttpRequest:
        said = {"PrincipalArn": self.provider, "SAMLAssertion": issuer.packed(document)}
        return self.form(role or self.roles["web"], **{**said, **members})

    def assume(self, document: str = "", role: str = "", **members: str) -> Answered:
        self.local.events.clear()
        return self.local.send(self.request(document or self.response(), role, **members))

    def said(self, role: str = "", **changes: Any) -> Answered:
        """The answer to an honest response with these changes in what it says."""
        role = role or self.roles["web"]
        return self.assume(self.response(self.saying(role, **changes)), role)

    def session(self, document: str = "", role: str = "", **members: str) -> Credentials:
        """The credentials of a session."""
        answer = self.assume(document, role, **members)
        assert answer.status == 200, (answer.body, self.why)
        return credentials(answer)
