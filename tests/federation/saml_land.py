"""An installation with a SAML provider and a role for its people, and the call that assumes it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from urllib.parse import urlencode

from botocore.credentials import Credentials

from keystead.wire.http import Endpoint, HttpRequest
from tests.federation import saml_issuer as issuer
from tests.federation.land import FORM, credentials, document
from tests.federation.saml_issuer import AWS, HONEST, Saying, Signing
from tests.server.installations import Answered, Local

INVALID = (
    "The SAML assertion that was passed could not be validated. Get a new identity token from the"
    " identity provider and then retry the request."
)
REJECTED = "The claims of the SAML assertion cannot be used for a session."
LATE = "Token must be redeemed within 5 minutes of issuance"
DENIED = "Not authorized to perform sts:AssumeRoleWithSAML"


@dataclass
class SamlLand:
    """The installation, and who vouches for whom in it."""

    local: Local
    roles: dict[str, str] = field(default_factory=dict)
    addresses: Iterator[int] = field(default_factory=lambda: cycle(range(1, 255)))

    @property
    def account(self) -> str:
        return self.local.founded.account_id

    @property
    def provider(self) -> str:
        return f"arn:aws:iam::{self.account}:saml-provider/idp"

    def iam(self, action: str, **members: str) -> Answered:
        answer = self.local.iam(action, **members)
        assert answer.status == 200, answer.body
        return answer

    def create_provider(self, name: str = "idp", *keys: str, **members: str) -> str:
        given = {"SAMLMetadataDocument": issuer.described(*(keys or ("idp",))), **members}
        self.iam("CreateSAMLProvider", Name=name, **given)
        return f"arn:aws:iam::{self.account}:saml-provider/{name}"

    def trusting(self, *actions: str, principal: Any = None, **condition: Any) -> dict[str, Any]:
        """A statement that lets in people of the provider."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": self.provider} if principal is None else principal,
            "Action": ["sts:AssumeRoleWithSAML", *actions],
        }
        return {**statement, **({"Condition": condition} if condition else {})}

    def role(self, name: str, *statements: Mapping[str, Any], **members: str) -> str:
        """A role with this trust policy, which may do anything; its ARN."""
        self.iam("CreateRole", RoleName=name,
                 AssumeRolePolicyDocument=document(*statements or (self.trusting(),)),
                 **members)  # fmt: skip
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        self.iam("PutRolePolicy", RoleName=name, PolicyName="all",
                 PolicyDocument=document(everything))  # fmt: skip
        return f"arn:aws:iam::{self.account}:role/{name}"

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
        form = {
            "Action": "AssumeRoleWithSAML", "Version": "2011-06-15",
            "RoleArn": role or self.roles["web"], "PrincipalArn": self.provider,
            "SAMLAssertion": issuer.packed(document), **members,
        }  # fmt: skip
        address = f"192.0.2.{next(self.addresses)}"  # of one address few refusals have a record
        body = urlencode(form).encode()
        return HttpRequest("POST", "/", "", FORM, body, address, False, Endpoint())

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

    def who(self, credentials: Credentials) -> Answered:
        return self.local.sts("GetCallerIdentity", credentials)

    @property
    def why(self) -> str:
        """The step that failed, as the last record has it."""
        return self.local.events[-1].error_message
