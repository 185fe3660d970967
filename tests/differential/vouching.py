"""Sessions of people for whom a provider of identities vouches, and what is known of them.

The trust policy of their role is not drawn: it lets in the people of both providers. What is
compared is what such a session may do, and what it begins.
"""

import json
from dataclasses import dataclass
from urllib.parse import urlencode

from keystead.identity.federation.oidc.discovery import Answer, Provider
from keystead.identity.federation.oidc.keys import read_keys
from keystead.wire.http import Endpoint, HttpRequest
from tests.differential.drawing import IDENTITIES, SESSIONS
from tests.differential.facts import Account, Asker, Json, Keys
from tests.differential.land import Land, text
from tests.federation import saml_issuer
from tests.federation.issuer import CLIENT, HOST, URL, jwk, rsa_key, signed
from tests.federation.land import FORM, credentials
from tests.federation.saml_issuer import AWS, SUBJECT, Saying
from tests.server.installations import Answered

KINDS = ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")
_TAGS = "https://aws.amazon.com/tags"


@dataclass
class Vouching:
    """The providers of one account."""

    land: Land
    account: Account

    @property
    def saml(self) -> str:
        return self.account.arn("saml-provider/idp")

    @property
    def oidc(self) -> str:
        return self.account.arn(f"oidc-provider/{HOST}")

    def make(self) -> None:
        """Create the providers, and the role for their people."""
        keeper, role = self.account.keeper, self.account.vouched
        self.land.call("iam", "CreateSAMLProvider", keeper, Name="idp",
                       SAMLMetadataDocument=saml_issuer.described("idp"))  # fmt: skip
        self.land.call("iam", "CreateOpenIDConnectProvider", keeper, Url=URL,
                       ClientIDList=[CLIENT])  # fmt: skip
        role.trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Federated": [self.saml, self.oidc]},
                           "Action": ["sts:AssumeRoleWith*", "sts:TagSession",
                                      "sts:SetSourceIdentity"]}],
        }  # fmt: skip
        made = self.land.call("iam", "CreateRole", keeper, RoleName=role.name,
                              AssumeRolePolicyDocument=text(role.trust))  # fmt: skip
        role.unique_id = made["Role"]["RoleId"]
        self._know_keys()

    def _know_keys(self) -> None:
        here = self.land.local.installation
        reader, providers = here.store.read(), here.identities.oidc_providers
        stored = providers.named(reader, self.account.number, HOST)
        assert stored is not None
        provider = Provider(self.account.number, self.oidc, providers.revision(reader, stored),
                            HOST, frozenset({CLIENT}), ())  # fmt: skip
        keys = read_keys(json.dumps({"keys": [jwk(rsa_key("one"), "one")]}).encode())
        assert here.provider_keys.begin(provider)
        here.provider_keys.end(provider, Answer(keys))

    def begin(self, kind: str) -> Asker | None:
        """A session of this kind; None if a policy above the account refuses it."""
        draw, role = self.land.draw, self.account.vouched
        name, tags = draw.one(SESSIONS), draw.tags() if draw.chance(0.5) else {}
        going_on = {key: value for key, value in tags.items() if draw.chance(0.5)}
        identity = draw.one(IDENTITIES) if draw.chance(0.4) else ""
        passed = (draw.identity(0.6),) if draw.chance(0.3) else None
        by_saml = kind == "AssumeRoleWithSAML"
        make = self._assertion if by_saml else self._token
        form = {**make(name, tags, going_on, identity), "RoleArn": role.arn, "Action": kind}
        if passed:
            form["Policy"] = text(passed[0])
        answer = self._sent({**form, "Version": "2011-06-15"})
        if answer.status != 200:
            assert b"AccessDenied" in answer.body, answer.body
            return None
        keys: Keys = self._saml_keys() if by_saml else {
            "aws:FederatedProvider": self.oidc, f"{HOST}:sub": SUBJECT, f"{HOST}:aud": CLIENT,
        }  # fmt: skip
        arn = f"arn:aws:sts::{self.account.number}:assumed-role/{role.name}/{name}"
        return Asker(
            f"vouched by {kind}", arn, self.account, credentials(answer), role, "AssumedRole",
            f"{role.unique_id}:{name}", passed, session_tags=tags, transitive=going_on,
            source_identity=identity, temporary=True, vouched=keys,
        )  # fmt: skip

    def _saml_keys(self) -> Keys:
        return {"aws:FederatedProvider": self.saml, "saml:sub": SUBJECT,
                "saml:sub_type": "persistent"}  # fmt: skip

    def _assertion(
        self, name: str, tags: dict[str, str], going_on: dict[str, str], identity: str
    ) -> dict[str, str]:
        attributes: Json = {
            f"{AWS}Role": f"{self.account.vouched.arn},{self.saml}",
            f"{AWS}RoleSessionName": name,
            **{f"{AWS}PrincipalTag:{key}": value for key, value in tags.items()},
        }
        if going_on:
            attributes[f"{AWS}TransitiveTagKeys"] = [*going_on]
        if identity:
            attributes[f"{AWS}SourceIdentity"] = identity
        said = Saying(self.land.local.time.wall(), attributes)
        inner = saml_issuer.signed(saml_issuer.assertion(said))
        return {"PrincipalArn": self.saml,
                "SAMLAssertion": saml_issuer.packed(saml_issuer.response(said, inner))}  # fmt: skip

    def _token(
        self, name: str, tags: dict[str, str], going_on: dict[str, str], identity: str
    ) -> dict[str, str]:
        now = int(self.land.local.time.wall().timestamp())
        claims: Json = {"iss": URL, "aud": CLIENT, "sub": SUBJECT, "iat": now, "exp": now + 600}
        if tags:
            claims[_TAGS] = {
                "principal_tags": {key: [value] for key, value in tags.items()},
                "transitive_tag_keys": [*going_on],
            }
        if identity:
            claims["https://aws.amazon.com/source_identity"] = identity
        return {"RoleSessionName": name, "WebIdentityToken": signed(claims, rsa_key("one"))}

    def _sent(self, form: dict[str, str]) -> Answered:
        body = urlencode(form).encode()
        request = HttpRequest("POST", "/", "", FORM, body, "127.0.0.1", False, Endpoint())
        return self.land.local.send(request)
