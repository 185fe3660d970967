"""An installation with services, keys and people, and the calls of services in it."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from keystead.identity.sessions import secret_of
from keystead.server.installation import ceremonies
from tests.server import sdk
from tests.server.installations import REGION, Answered, Local

NAME = "warehouse.example.internal"
HOST = "warehouse.example.internal:9000"
ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey",
           "kms:CreateGrant", "iam:PassRole")  # fmt: skip
Json = Mapping[str, Any]


def document(*statements: Json) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements]})


@dataclass
class Service:
    """A registered service, with its credentials."""

    local: Local
    name: str
    credentials: Credentials

    def kms(self, operation: str, *, arn: str = "", account: str = "", **members: Any) -> Answered:
        """A call of KMS in the service's own name, for this source."""
        headers = {"X_Amz_Source_Arn": arn, "X_Amz_Source_Account": account}
        named = {name: value for name, value in headers.items() if value}
        request = self.local.request(
            "kms", json.dumps(members).encode(), self.credentials,
            Content_Type="application/x-amz-json-1.1",
            X_Amz_Target=f"TrentService.{operation}", **named,
        )  # fmt: skip
        return self.local.send(request)


def ceremony(local: Local, command: str, **arguments: Any) -> dict[str, Any]:
    return ceremonies.perform(local.installation, command, arguments)


def register(local: Local, name: str = NAME, **arguments: Any) -> Service:
    """Register a service as the operator does."""
    arguments = {"account_id": local.founded.account_id, **arguments}
    told = ceremony(local, "service register", name=name, **arguments)
    return Service(local, name, Credentials(told["AccessKeyId"], told["SecretAccessKey"]))


def allow(name: str, actions: Sequence[str], **conditions: Json) -> Json:
    """A statement of a resource policy that names a service."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": name},
        "Action": [*actions],
        "Resource": "*",
    }
    return {**statement, **({"Condition": conditions} if conditions else {})}


def account_statement(local: Local) -> Json:
    """What delegates a key to the policies of its account."""
    root = f"arn:aws:iam::{local.founded.account_id}:root"
    return {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"}


def key(local: Local, *statements: Json) -> str:
    """The ARN of a new key with these statements beside the account's."""
    text = document(account_statement(local), *statements)
    made = sdk.call(local, "kms", "CreateKey", local.admin, Policy=text)
    local.installation.commit()
    arn: str = made["KeyMetadata"]["Arn"]
    return arn


def change(local: Local, arn: str, *statements: Json) -> None:
    """Replace the policy of a key."""
    text = document(account_statement(local), *statements)
    sdk.call(local, "kms", "PutKeyPolicy", local.admin, KeyId=arn, Policy=text)
    local.installation.commit()


def shelf(account: str, number: int = 7) -> str:
    """The ARN of a thing of the service's."""
    return f"arn:aws:warehouse:{REGION}:{account}:shelf/{number}"


def code(answer: Answered) -> str:
    """The error of an answer; "" if it has none."""
    return "" if answer.status == 200 else str(answer.json["__type"]).rpartition("#")[2]


# forwarding


@dataclass
class Store(Service):
    """A service that forwards."""

    def forward(self, request: Mapping[str, Any], who: Credentials | None = None) -> Answered:
        """Hand in a request of a caller."""
        asked = self.local.request(
            "keystead", json.dumps({"Request": dict(request)}).encode(), who or self.credentials,
            Content_Type="application/x-amz-json-1.1",
            X_Amz_Target="KeysteadServices.ForwardAccess",
        )  # fmt: skip
        return self.local.send(asked)

    def for_caller(self, caller: Credentials, **changes: Any) -> Credentials:
        """A session for this caller, who asked for something just now."""
        return self.session(self.forward(asked_by(self.local, caller, **changes)))

    def session(self, answer: Answered) -> Credentials:
        assert answer.status == 200, answer.body
        given = answer.json["Credentials"]
        key_id, token = given["AccessKeyId"], given["SessionToken"]
        secret = secret_of(self.credentials.secret_key, key_id, token)
        return Credentials(key_id, secret, token)


NUMBERS = iter(range(1_000_000))


def asked_by(
    local: Local, who: Credentials, *, scope: str = "warehouse", host: str = HOST,
    signer: type[SigV4Auth] = SigV4Auth, path: str = "/shelf/7", region: str = REGION,
) -> dict[str, Any]:  # fmt: skip
    """A request of a caller to the service, as the service received it."""
    url = f"http://{host}{path}?n={next(NUMBERS)}"
    request = AWSRequest("PUT", url, data=b"content")
    request.headers["Host"] = host
    now = local.time.wall().replace(tzinfo=None)
    with patch("botocore.auth.get_current_datetime", lambda **_: now):
        signer(who, scope, region).add_auth(request)
    return {
        "Method": "PUT",
        "Path": path,
        "QueryString": url.partition("?")[2],
        "Headers": {name: str(value) for name, value in request.headers.items()},
        "Body": base64.b64encode(b"content").decode(),
    }


def store(land: Local, name: str = NAME, **arguments: Any) -> Store:
    given = {"actions": ACTIONS, "hosts": [HOST], **arguments}
    service = register(land, name, **given)
    return Store(land, name, service.credentials)
