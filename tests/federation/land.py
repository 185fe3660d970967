"""An installation with a provider and a role for its people, and the call that assumes it."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from botocore.credentials import Credentials

from keystead.identity.federation.oidc import codes, discovery
from keystead.wire.http import Endpoint, HttpRequest
from tests.federation.issuer import CLIENT, HOST, URL, Issuer, Names, rsa_key, signed
from tests.patience import PATIENCE
from tests.server.installations import Answered, Local, open_local

# The provider is in this process, too: it answers when the machine lets it.
for _asking in (codes, discovery):
    vars(_asking)["SECONDS"] = PATIENCE

FORM = {"content-type": "application/x-www-form-urlencoded", "host": "x", "user-agent": "test"}
INVALID = (
    "The web identity token that was passed could not be validated. Get a new identity token from"
    " the identity provider and then retry the request."
)
DENIED = "Not authorized to perform sts:AssumeRoleWithWebIdentity"


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


_NUMBERS = count()


def new_name(word: str) -> str:
    """A name that nothing else has."""
    return f"{word}-{next(_NUMBERS)}"


@dataclass
class Vouched:
    """An installation, and the roles of people for whom somebody else vouches."""

    action: ClassVar[str]  # the call that assumes a role
    local: Local
    roles: dict[str, str] = field(default_factory=dict, kw_only=True)
    addresses: Iterator[int] = field(
        default_factory=lambda: cycle(range(1, 255)), kw_only=True
    )  # of one address few refusals have a record

    @property
    def account(self) -> str:
        return self.local.founded.account_id

    @property
    def provider(self) -> str:
        """The ARN of the provider that vouches."""
        raise NotImplementedError

    def iam(self, action: str, **members: str) -> Answered:
        answer = self.local.iam(action, **members)
        assert answer.status == 200, answer.body
        return answer

    def trusting(self, *actions: str, principal: Any = None, **condition: Any) -> dict[str, Any]:
        """A statement that lets in people of the provider."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": self.provider} if principal is None else principal,
            "Action": [f"sts:{self.action}", *actions],
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

    def form(self, role: str, **members: str) -> HttpRequest:
        """The call, unsigned, each time from another address."""
        form = {"Action": self.action, "Version": "2011-06-15", "RoleArn": role, **members}
        address, body = f"192.0.2.{next(self.addresses)}", urlencode(form).encode()
        return HttpRequest("POST", "/", "", FORM, body, address, False, Endpoint())

    def who(self, credentials: Credentials) -> Answered:
        return self.local.sts("GetCallerIdentity", credentials)

    @property
    def why(self) -> str:
        """The step that failed, as the last record has it."""
        return self.local.events[-1].error_message


@dataclass
class Land(Vouched):
    """The installation, and an OpenID Connect provider that vouches for people in it."""

    action = "AssumeRoleWithWebIdentity"
    issuer: Issuer
    names: Names

    @property
    def provider(self) -> str:
        return f"arn:aws:iam::{self.account}:oidc-provider/{HOST}"

    def create_provider(self, url: str = URL, *clients: str, **members: str) -> Answered:
        listed = {f"ClientIDList.member.{n}": c for n, c in enumerate(clients or (CLIENT,), 1)}
        prints = {"ThumbprintList.member.1": self.issuer.thumbprint}
        return self.iam("CreateOpenIDConnectProvider", Url=url, **{**prints, **listed, **members})

    @property
    def now(self) -> int:
        return int(self.local.time.wall().timestamp())

    def claims(self, **more: Any) -> dict[str, Any]:
        """Claims that are right, but for `more`; without those that are None."""
        claims = {
            "iss": URL, "aud": CLIENT, "sub": "system:serviceaccount:shop:web",
            "iat": self.now - 5, "exp": self.now + 600, **more,
        }  # fmt: skip
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, **more: Any) -> str:
        return signed(self.claims(**more), rsa_key("one"))

    def request(self, role: str, token: str, **members: str) -> HttpRequest:
        return self.form(role, **{"RoleSessionName": "web", "WebIdentityToken": token, **members})

    def assume(self, role: str, token: str | None = None, **members: str) -> Answered:
        self.local.events.clear()
        return self.local.send(self.request(role, token or self.token(), **members))

    def session(self, role: str, token: str | None = None, **members: str) -> Credentials:
        """The credentials of a session."""
        answer = self.assume(role, token, **members)
        assert answer.status == 200, answer.body
        return credentials(answer)


def text(answer: Answered, member: str) -> str:
    """The text of a member of an answer; "" without it."""
    found = re.search(rf"<{member}>([^<]*)</{member}>", answer.body.decode())
    return found[1] if found else ""


def credentials(answer: Answered) -> Credentials:
    """The credentials of an answer."""
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    return Credentials(*(text(answer, name) for name in names))


def told(answer: Answered) -> tuple[str, str]:
    """The code and the sentence of a refusal."""
    return text(answer, "Code"), text(answer, "Message").replace("&#x27;", "'").replace(
        "&apos;", "'"
    )


@contextmanager
def land_with(folder: Path, issuer: Issuer, names: Names, **settings: Any) -> Iterator[Land]:
    """A land of its own, with other settings."""
    local = open_local(folder / "own", names, **settings)
    land = Land(local, issuer, names)
    land.create_provider()
    land.roles["web"] = land.role("web")
    yield land
    local.installation.close()
