"""A way to sign in from outside, for tests: whoever says so is a person of a SAML provider.

What a real way proves, this one believes. What follows the proof is the same.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import msgspec

from keystead.audit.records.event import CONSOLE
from keystead.identity.call import SigninCall
from keystead.identity.federation import Vouched
from keystead.identity.federation.vouched import FromProof
from keystead.identity.sessions import RowKind, Session, SessionRow
from keystead.identity.signin import (
    IMPLEMENTATIONS,
    SIGNIN,
    WAYS,
    Choice,
    Outsider,
    Way,
    outsider_signed_in,
)
from keystead.identity.signin.asked import shapes
from keystead.identity.signin.rules import ASSUMING
from keystead.identity.sts import vouched
from keystead.policy.evaluation import ContextValue, Principal, PrincipalType
from keystead.registry import Implementation
from keystead.rules import CredentialKind, Rules
from keystead.server.pipeline.open_operations import OPEN, Bounds
from keystead.wire.http import Endpoint, HttpRequest
from keystead.wire.operation import Operation
from tests.console.browser import SESSION, STEP, Browser, Site
from tests.federation.saml_issuer import described
from tests.server.installations import Answered

SAML = "sts:AssumeRoleWithSAML"
HOUR = 3_600
GIVES_NOTHING = FromProof()


class Evidence(msgspec.Struct, frozen=True):
    """What the provider said."""

    revision: str
    seconds: int = 12 * HOUR


class Came(msgspec.Struct, frozen=True):
    """Somebody says that a provider knows him."""

    outsider: Outsider
    confirm: bool = False


CAME: Operation[Came, shapes.StepAnswer] = Operation(
    shapes.SERVICE, "CameFromOutside", Came, shapes.StepAnswer, signed=False
)


@dataclass(frozen=True)
class Person:
    """Somebody for whom the provider vouches. A `Vouched`."""

    outsider: Outsider
    provider: str
    given: FromProof = GIVES_NOTHING
    later: tuple[tuple[str, ContextValue], ...] = ()

    @property
    def keys(self) -> Mapping[str, ContextValue]:
        return {"saml:sub": self.outsider.subject, "saml:aud": "https://signin.aws.amazon.com/saml"}

    @property
    def principal(self) -> Principal:
        return Principal(
            PrincipalType.FEDERATED, self.provider, "", f"q:{self.outsider.subject}",
            name=self.outsider.subject, issuer_arn=self.provider,
        )  # fmt: skip


def decide(call: SigninCall, outsider: Outsider, choice: Choice) -> Session:
    """The decision of AssumeRoleWithSAML."""
    evidence = msgspec.msgpack.decode(outsider.evidence, type=Evidence)
    person: Vouched = Person(outsider, choice.provider)
    call.bears(person.principal)
    row = SessionRow(RowKind.SAML_PROVIDER, outsider.account, evidence.revision)
    bearer = vouched.Bearer(person, outsider.name, (), row)
    return vouched.signed_in(call, SAML, choice.role, bearer, evidence.seconds)


def _came(call: SigninCall, request: Came) -> shapes.StepAnswer:
    return outsider_signed_in(
        call, request.outsider, "http://localhost:8421/", confirm=request.confirm
    )


@contextmanager
def open_to_outsiders() -> Iterator[None]:
    """The way is there."""
    rules = Rules(
        CAME, asks=ASSUMING, answer_recorded=False, credentials=frozenset({CredentialKind.PROOF})
    )
    with (
        patch.dict(WAYS, test=Way("AssumeRoleWithSAML", decide)),
        patch.dict(IMPLEMENTATIONS, {CAME.name: Implementation(CAME, _came)}),
        patch.dict(OPEN, {("signin", CAME.name): Bounds(0, 100)}),
        patch.dict(SIGNIN, {CAME.name: rules}),
    ):
        yield


@dataclass
class Outside:
    """A SAML provider, roles for its people, and people who come."""

    site: Site
    name: str = "idp"

    def __post_init__(self) -> None:
        self.iam("CreateSAMLProvider", Name=self.name, SAMLMetadataDocument=described("idp"))

    @property
    def account(self) -> str:
        return self.site.local.founded.account_id

    @property
    def provider(self) -> str:
        return f"arn:aws:iam::{self.account}:saml-provider/{self.name}"

    @property
    def revision(self) -> str:
        installation = self.site.local.installation
        providers, reader = installation.identities.saml_providers, installation.store.read()
        stored = providers.named(reader, self.account, self.name)
        assert stored is not None
        return providers.revision(reader, stored)

    def iam(self, action: str, **members: str) -> Answered:
        answer = self.site.local.iam(action, **members)
        assert answer.status == 200, answer.body
        return answer

    def role(self, name: str, path: str = "/", *, trusts: bool = True, **members: str) -> str:
        """A role for people of the provider, who may do everything; its ARN."""
        statement = {
            "Effect": "Allow" if trusts else "Deny",
            "Principal": {"Federated": self.provider},
            "Action": SAML,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.iam("CreateRole", RoleName=name, Path=path, AssumeRolePolicyDocument=policy, **members)
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
        self.iam("PutRolePolicy", RoleName=name, PolicyName="all", PolicyDocument=document)
        return f"arn:aws:iam::{self.account}:role{path}{name}"

    def person(self, name: str, roles: Sequence[str], seconds: int = 12 * HOUR) -> Outsider:
        """Somebody whom the provider knows."""
        evidence = msgspec.msgpack.encode(Evidence(self.revision, seconds))
        choices = tuple(Choice(role, self.provider) for role in roles)
        return Outsider("test", name, name, self.provider, self.account, evidence, choices)

    def came(self, browser: Browser, outsider: Outsider, *, confirm: bool = False) -> str:
        """Somebody has proved to be this person, in this browser; what follows."""
        headers = {"host": "localhost:8421", "user-agent": "test"}
        visit = HttpRequest("POST", "/", "", headers, b"", browser.ip, False, Endpoint(CONSOLE))
        call = browser.site.calls.call(visit, CAME, Came(outsider, confirm))
        answer = browser.site.loop.run_until_complete(call)
        if answer.cookie:
            browser.cookies[SESSION if answer.next == "session" else STEP] = answer.cookie
        return str(answer.next)

    def signed_in(self, role: str, name: str = "jo", seconds: int = 12 * HOUR) -> Browser:
        """A browser in which somebody from outside has a session of this role."""
        browser = self.site.browser()
        assert self.came(browser, self.person(name, [role], seconds)) == "session"
        return browser
