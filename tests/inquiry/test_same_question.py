"""An operator's question is the one that a request would ask: the same facts, the same policies."""

import json
import re
from pathlib import Path

import pytest
from botocore.credentials import Credentials

from keystead.policy.evaluation.asking import OverAccount
from keystead.policy.evaluation.question import PolicySource
from keystead.policy.language.document import DocumentKind
from keystead.server.installation.ceremonies.acts import perform
from tests.conftest import Server, create_user, refused
from tests.policy.support import allow, deny, policy
from tests.server.installations import Local, open_local


@pytest.fixture
def local(tmp_path: Path) -> Local:
    return open_local(tmp_path / "data")


CALLER_ACCOUNT = "kms:CallerAccount"


@pytest.mark.parametrize(("operation", "holds"), [("create_key", True), ("list_keys", False)])
def test_the_callers_account_is_known_as_in_a_request(
    server: Server, operation: str, holds: bool
) -> None:
    """Of a question about `*` too: a request to create a key has it, one to list keys has not."""
    name = f"asks-{operation.replace('_', '-')}"
    action = "kms:" + operation.title().replace("_", "")
    account = server.client("sts").get_caller_identity()["Account"]
    condition = {"StringEquals": {CALLER_ACCOUNT: account}}
    user = create_user(
        server, name, {"Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition}
    )
    call = getattr(server.client("kms", user), operation)
    if holds:
        call()
    else:
        with refused("AccessDeniedException"):
            call()
    who = server.client("iam").get_user(UserName=name)["User"]["Arn"]
    asked = ("explain", "--principal", who, "--action", action, "--resource", "*", "--json")
    ran = server.keystead(*asked)
    assert json.loads(ran.stdout)["decision"] == ("Allowed" if holds else "ImplicitlyDenied")


class Organization:
    """An RCP over every account, which denies one action to everybody."""

    def __init__(self, action: str) -> None:
        statement = deny(action, Principal="*")
        rcp = policy(statement, kind=DocumentKind.RCP)
        self._levels = ((PolicySource(rcp, "rcp"),),)

    def over(self, account: str) -> OverAccount:
        return OverAccount(self._levels if account else ())


@pytest.mark.parametrize(
    ("denied", "outcome"), [("kms:Encrypt", "ExplicitlyDenied"), ("kms:Decrypt", "Allowed")]
)
def test_rcps_are_those_of_the_installation(local: Local, denied: str, outcome: str) -> None:
    """explain, simulate and who-can ask under the policies that enforcement has."""
    key = local.kms("CreateKey").json["KeyMetadata"]["Arn"]
    local.installation.guardrails = Organization(denied)
    admin = f"arn:aws:iam::{key.split(':')[4]}:user/admin"
    question = {"principal": admin, "action": "kms:Encrypt", "resource": key}
    explained = perform(local.installation, "explain", question)
    assert explained["decision"] == outcome
    answered = perform(local.installation, "simulate", {"questions": [{**question, "context": {}}]})
    assert [one["decision"] for one in answered["answers"]] == [outcome]
    who = {"action": "kms:Encrypt", "resource": key}
    found = perform(local.installation, "who-can", who)["principals"]
    assert bool(found) is (outcome == "Allowed")
    local.installation.close()


def test_a_past_refusal_is_asked_again_under_the_rcps_of_today(local: Local) -> None:
    """Allowed today as soon as its user may, but not under an RCP that came since."""
    key = local.kms("CreateKey").json["KeyMetadata"]["Arn"]
    assert local.iam("CreateUser", UserName="jo").status == 200
    made = local.iam("CreateAccessKey", UserName="jo").body.decode()
    key_id, secret = (
        re.findall(f"<{name}>(.*?)</{name}>", made)[0]
        for name in ("AccessKeyId", "SecretAccessKey")
    )
    call = local.kms("DescribeKey", Credentials(key_id, secret), KeyId=key)
    assert call.status == 400

    def today() -> str:
        asked = {"id": call.headers["x-amzn-RequestId"]}
        return str(perform(local.installation, "explain refusal", asked)["today"])

    assert today() == "ImplicitlyDenied"
    may = json.dumps({"Version": "2012-10-17", "Statement": allow("kms:DescribeKey")})
    put = local.iam("PutUserPolicy", UserName="jo", PolicyName="own", PolicyDocument=may)
    assert put.status == 200
    assert today() == "Allowed"
    local.installation.guardrails = Organization("kms:DescribeKey")
    assert today() == "ExplicitlyDenied"
    local.installation.close()
