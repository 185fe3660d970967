"""Temporary credentials with boto3: the SDK's own session, the CLI's, and what they may do."""

import json
import os
import subprocess
import sys
from typing import Any

import boto3
import pytest

from tests.conftest import BIN, REGION, Server, create_user, policy, refused


def client(server: Server, service: str, given: dict[str, Any]) -> Any:
    """A client with temporary credentials, as an SDK takes them."""
    return boto3.client(
        service,
        endpoint_url=server.endpoint,
        region_name=REGION,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return str(server.client("kms").create_key()["KeyMetadata"]["Arn"])


def test_a_session_of_ones_own(server: Server, key: str) -> None:
    """GetSessionToken gives what uses a key as its user does, and no call of IAM."""
    given = server.client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    identity = client(server, "sts", given).get_caller_identity()
    assert identity["Arn"].endswith(":user/admin")
    kms = client(server, "kms", given)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert server.client("kms").decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    with refused("InvalidClientTokenId"):
        client(server, "iam", given).list_users()
    with refused("AccessDenied", "Cannot call GetSessionToken with session credentials"):
        client(server, "sts", given).get_session_token()


def test_a_federated_user(server: Server, key: str) -> None:
    """GetFederationToken gives a name of its own, and what its policy leaves."""
    only_encrypt = policy({"Effect": "Allow", "Action": "kms:Encrypt", "Resource": key})
    answer = server.client("sts").get_federation_token(
        Name="reporter", Policy=only_encrypt, Tags=[{"Key": "Team", "Value": "blue"}]
    )
    assert answer["FederatedUser"]["Arn"].endswith(":federated-user/reporter")
    assert 0 < answer["PackedPolicySize"] <= 100
    kms = client(server, "kms", answer["Credentials"])
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    with refused(
        "AccessDeniedException",
        "federated-user/reporter is not authorized to perform: kms:Decrypt on the resource"
        " associated with this ciphertext because no session policy allows the kms:Decrypt action",
    ):
        kms.decrypt(CiphertextBlob=blob)


def test_a_presigned_identity_of_a_session(server: Server) -> None:
    """The URL that an SDK presigns carries the token, and proves who made it."""
    given = server.client("sts").get_session_token()["Credentials"]
    url = client(server, "sts", given).generate_presigned_url("get_caller_identity")
    got = subprocess.run(["curl", "-sS", "-X", "POST", url], capture_output=True, check=True)
    assert b":user/admin</Arn>" in got.stdout


def test_the_cli(server: Server) -> None:
    """`aws sts get-session-token`, and its output in the environment, are all that is needed."""

    def aws(*words: str, **environment: str) -> Any:
        cli = [sys.executable, str(BIN / "aws"), "--endpoint-url", server.endpoint]
        done = subprocess.run(
            [*cli, "--region", REGION, *words],
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True, check=True,
        )  # fmt: skip
        return json.loads(done.stdout)

    admin = server.admin
    given = aws(
        "sts", "get-session-token",
        AWS_ACCESS_KEY_ID=admin.access_key_id, AWS_SECRET_ACCESS_KEY=admin.secret,
    )["Credentials"]  # fmt: skip
    listed = aws(
        "kms", "list-keys",
        AWS_ACCESS_KEY_ID=given["AccessKeyId"], AWS_SECRET_ACCESS_KEY=given["SecretAccessKey"],
        AWS_SESSION_TOKEN=given["SessionToken"],
    )  # fmt: skip
    assert "Keys" in listed


def test_a_deleted_users_session_ends(server: Server) -> None:
    """Before the user is deleted it is good, and for the very next request it is not."""
    who = create_user(server, "leaver", {"Effect": "Allow", "Action": "kms:*", "Resource": "*"})
    given = server.client("sts", who).get_session_token()["Credentials"]
    kms = client(server, "kms", given)
    kms.list_keys()
    iam = server.client("iam")
    iam.delete_access_key(UserName="leaver", AccessKeyId=who.access_key_id)
    kms.list_keys()
    for name in iam.list_user_policies(UserName="leaver")["PolicyNames"]:
        iam.delete_user_policy(UserName="leaver", PolicyName=name)
    iam.delete_user(UserName="leaver")
    with refused("UnrecognizedClientException", "security token included in the request is inv"):
        kms.list_keys()


def test_a_role_in_another_account(server: Server) -> None:
    """A role that both sides allow uses its account's key; without the external id it is not."""
    made = server.keystead("account", "create", "--json")
    assert made.returncode == 0, made.stderr
    far = json.loads(made.stdout)
    given = {
        "AccessKeyId": far["AccessKeyId"], "SecretAccessKey": far["SecretAccessKey"],
        "SessionToken": None,
    }  # fmt: skip
    iam, kms = client(server, "iam", given), client(server, "kms", given)
    here = server.client("sts").get_caller_identity()
    trust = policy(
        {
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": here["Account"]},
            "Condition": {"StringEquals": {"sts:ExternalId": "e-1"}},
        }
    )  # fmt: skip
    role = iam.create_role(RoleName="visitor", AssumeRolePolicyDocument=trust)["Role"]
    key = kms.create_key()["KeyMetadata"]["Arn"]
    iam.put_role_policy(
        RoleName="visitor", PolicyName="use",
        PolicyDocument=policy({"Effect": "Allow", "Action": "kms:Encrypt", "Resource": key}),
    )  # fmt: skip
    sts = server.client("sts")
    asked = {"RoleArn": role["Arn"], "RoleSessionName": "me"}
    with refused(
        "AccessDenied", f"not authorized to perform: sts:AssumeRole on resource: {role['Arn']}"
    ):
        sts.assume_role(**asked)
    session = sts.assume_role(**asked, ExternalId="e-1")["Credentials"]
    identity = client(server, "sts", session).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{far['AccountId']}:assumed-role/visitor/me"
    guest = client(server, "kms", session)
    blob = guest.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    with refused("AccessDeniedException"):
        guest.decrypt(CiphertextBlob=blob)
    iam.delete_role_policy(RoleName="visitor", PolicyName="use")
    with refused("AccessDeniedException", "no identity-based policy allows the kms:Encrypt"):
        guest.encrypt(KeyId=key, Plaintext=b"x")
