"""GetScopedCredentials with boto3, whose models are told where the newest ones stand."""

from typing import Any

import pytest

from tests.conftest import REGION, Server, policy, refused
from tests.models import newest


def client(server: Server, service: str, given: dict[str, Any]) -> Any:
    """A client with these credentials, that knows the newest operations."""
    return newest().client(
        service,
        endpoint_url=server.endpoint,
        region_name=REGION,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given.get("SessionToken"),
    )


@pytest.fixture(scope="module")
def role(server: Server) -> str:
    """An administrators' role."""
    iam = server.client("iam")
    account = server.client("sts").get_caller_identity()["Account"]
    trust = policy({"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"})
    arn = iam.create_role(RoleName="narrowing", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.attach_role_policy(RoleName="narrowing", PolicyArn=administrator)
    return str(arn)


def test_an_agent_gets_less_and_less(server: Server, role: str) -> None:
    """A role's session narrows itself twice; each time what is left is an intersection."""
    sts = server.client("sts")
    given = sts.assume_role(RoleArn=role, RoleSessionName="agent")
    key = server.client("kms").create_key()["KeyMetadata"]["KeyId"]

    first = client(server, "sts", given["Credentials"]).get_scoped_credentials(
        Policy=policy({"Effect": "Allow", "Action": ["kms:*", "sts:*"], "Resource": "*"}),
        ScopedSessionDescription="an agent",
    )
    assert first["ScopedPoliciesCount"] == 1
    assert first["SessionInfo"]["Arn"] == given["AssumedRoleUser"]["Arn"]
    assert first["SessionInfo"]["ScopedSessionId"] == given["AssumedRoleUser"]["AssumedRoleId"]
    assert first["Credentials"]["Expiration"] == given["Credentials"]["Expiration"]
    assert first["SessionTokenSize"] == len(first["Credentials"]["SessionToken"])
    with refused("AccessDenied", "because no scope-down policy allows the iam:ListUsers action"):
        client(server, "iam", first["Credentials"]).list_users()
    blob = client(server, "kms", first["Credentials"]).encrypt(KeyId=key, Plaintext=b"x")

    second = client(server, "sts", first["Credentials"]).get_scoped_credentials(
        Policy=policy({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}),
        DurationSeconds=60,
        MinimumSessionTokenSize=2000,
    )
    assert second["ScopedPoliciesCount"] == 2
    assert second["SessionTokenUtilization"] == 49
    kms = client(server, "kms", second["Credentials"])
    assert kms.decrypt(CiphertextBlob=blob["CiphertextBlob"])["Plaintext"] == b"x"
    with refused("AccessDeniedException", "because no scope-down policy allows"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    identity = client(server, "sts", second["Credentials"]).get_caller_identity()
    assert identity["Arn"] == given["AssumedRoleUser"]["Arn"]


def test_a_long_term_key_cannot_be_narrowed(server: Server) -> None:
    """The administrator's own key has no session."""
    admin = {
        "AccessKeyId": server.admin.access_key_id, "SecretAccessKey": server.admin.secret,
    }  # fmt: skip
    with refused("InvalidSubjectCredentials"):
        client(server, "sts", admin).get_scoped_credentials(DurationSeconds=60)
    own = client(server, "sts", admin).get_session_token()["Credentials"]
    assert client(server, "sts", own).get_scoped_credentials(DurationSeconds=60)
