"""An account with an authority, a role, and what Roles Anywhere knows of them."""

import json
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tests.anywhere import authorities
from tests.anywhere.authorities import Issued
from tests.anywhere.requests import Asking
from tests.conftest import REGION, Server, policy
from tests.raw import Answer

UNTRUSTED = "Untrusted certificate. Insufficient certificate"
ACTIONS = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
SERVICE = {"Service": "rolesanywhere.amazonaws.com"}


@dataclass(frozen=True, slots=True)
class Site:
    """One account."""

    server: Server
    anywhere: Any
    iam: Any
    root: Issued
    anchor: dict[str, Any]
    profile: dict[str, Any]
    role: str

    def asking(self, bearer: Issued | None = None, **given: Any) -> Asking:
        return Asking(
            self.server, self.anchor["trustAnchorArn"], self.profile["profileArn"], self.role,
            bearer or self.root.issue(), **given,
        )  # fmt: skip

    def new_role(self, name: str, **condition: Any) -> str:
        statement = {"Effect": "Allow", "Principal": SERVICE, "Action": ACTIONS}
        if condition:
            statement["Condition"] = condition["Condition"]
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(statement))
        everything = policy({"Effect": "Allow", "Action": "*", "Resource": "*"})
        self.iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=everything)
        return str(made["Role"]["Arn"])

    def new_profile(self, *roles: str, **given: Any) -> dict[str, Any]:
        made = self.anywhere.create_profile(name="p", roleArns=roles, enabled=True, **given)
        found: dict[str, Any] = made["profile"]
        return found

    def new_anchor(self, *certificates: Issued) -> dict[str, Any]:
        text = "".join(each.pem for each in certificates)
        source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": text}}
        made = self.anywhere.create_trust_anchor(name="a", source=source, enabled=True)
        found: dict[str, Any] = made["trustAnchor"]
        return found

    def records(self, name: str) -> list[dict[str, Any]]:
        shown = self.server.keystead("audit", "show", "--json", "--last", "50")
        every = [json.loads(line) for line in shown.stdout.splitlines()]
        return [each for each in every if each["eventName"] == name]

    def client(self, service: str, session: dict[str, Any]) -> Any:
        of = session["credentials"]
        return boto3.client(
            service, region_name=REGION, endpoint_url=self.server.endpoint,
            aws_access_key_id=of["accessKeyId"], aws_secret_access_key=of["secretAccessKey"],
            aws_session_token=of["sessionToken"],
        )  # fmt: skip

    def lives(self, session: dict[str, Any]) -> bool:
        try:
            self.client("sts", session).get_caller_identity()
        except ClientError as refused:
            if refused.response["Error"]["Code"] != "InvalidClientTokenId":
                raise
            return False
        return True


def new_site(server: Server) -> Site:
    """A trust anchor, a profile and the role `host`, of a new authority."""
    anywhere, iam, root = server.client("rolesanywhere"), server.client("iam"), authorities.root()
    empty: Any = {}
    bare = Site(server, anywhere, iam, root, empty, empty, "")
    role = bare.new_role("host")
    return Site(server, anywhere, iam, root, bare.new_anchor(root), bare.new_profile(role), role)


def assert_refused(answer: Answer, code: str, message: str) -> None:
    assert (answer.code, message in answer.message) == (code, True), (answer, answer.message)
