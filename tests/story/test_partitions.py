"""A server for Regions of another partition: every ARN made and read is of that partition."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import Config
from botocore.exceptions import ClientError

from tests.conftest import Credentials, Server, free_port, policy, refused

KINDS = [("aws-us-gov", "us-gov-east-1"), ("aws-cn", "cn-northwest-1")]
GLOBAL = {"aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}


@pytest.fixture(params=KINDS, ids=[kind[0] for kind in KINDS], scope="module")
def abroad(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, str, str]]:
    """A server of another partition, its partition's name and its Region."""
    partition, region = request.param
    server = Server(tmp_path_factory.mktemp(partition) / "data", free_port())
    server.start(region=region)
    yield server, partition, region
    server.stop()


def client(server: Server, service: str, region: str, who: Credentials | None = None) -> Any:
    who = who or server.admin
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=server.endpoint,
        aws_access_key_id=who.access_key_id,
        aws_secret_access_key=who.secret,
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_every_arn_follows_the_region(abroad: tuple[Server, str, str]) -> None:
    """Users, accounts, keys, aliases and AWS's managed policies; policies are obeyed."""
    server, partition, region = abroad
    iam, kms = client(server, "iam", GLOBAL[partition]), client(server, "kms", region)
    me = client(server, "sts", region).get_caller_identity()
    account = me["Account"]
    assert me["Arn"] == f"arn:{partition}:iam::{account}:user/admin"
    [attached] = iam.list_attached_user_policies(UserName="admin")["AttachedPolicies"]
    assert attached["PolicyArn"] == f"arn:{partition}:iam::aws:policy/AdministratorAccess"
    change = f"arn:{partition}:iam::aws:policy/IAMUserChangePassword"
    document = iam.get_policy_version(PolicyArn=change, VersionId="v1")["PolicyVersion"]["Document"]
    assert "arn:aws:" not in json.dumps(document)

    made = kms.create_key()["KeyMetadata"]
    assert made["Arn"] == f"arn:{partition}:kms:{region}:{account}:key/{made['KeyId']}"
    assert (
        f'"arn:{partition}:iam::{account}:root"' in kms.get_key_policy(KeyId=made["Arn"])["Policy"]
    )
    kms.create_alias(AliasName="alias/here", TargetKeyId=made["KeyId"])
    [alias] = kms.list_aliases()["Aliases"]
    assert alias["AliasArn"] == f"arn:{partition}:kms:{region}:{account}:alias/here"
    assert kms.encrypt(KeyId=alias["AliasArn"], Plaintext=b"x")["KeyId"] == made["Arn"]

    arn = iam.create_user(UserName="alice")["User"]["Arn"]
    pair = iam.create_access_key(UserName="alice")["AccessKey"]
    alice = client(server, "kms", region, Credentials(pair["AccessKeyId"], pair["SecretAccessKey"]))
    with refused("AccessDeniedException", f"User: {arn} is not authorized"):
        alice.encrypt(KeyId=made["Arn"], Plaintext=b"x")
    iam.put_user_policy(
        UserName="alice",
        PolicyName="one",
        PolicyDocument=policy(
            {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": made["Arn"]}
        ),
    )
    alice.encrypt(KeyId=made["Arn"], Plaintext=b"x")
    kms.put_key_policy(
        KeyId=made["KeyId"],
        Policy=policy(
            {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "kms:*", "Resource": "*"},
            {"Effect": "Deny", "Principal": {"AWS": arn}, "Action": "kms:Encrypt", "Resource": "*"},
        ),
    )
    with refused("AccessDeniedException", "explicit deny in a resource-based policy"):
        alice.encrypt(KeyId=made["Arn"], Plaintext=b"x")


def test_arns_of_aws_mean_nothing(abroad: tuple[Server, str, str]) -> None:
    """Resources, principals, policies and keys of partition aws are refused."""
    server, partition, region = abroad
    iam, kms = client(server, "iam", region), client(server, "kms", region)
    account = client(server, "sts", region).get_caller_identity()["Account"]
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b"}
    with refused(
        "MalformedPolicyDocument", 'Partition "aws" is not valid for resource "arn:aws:s3:::b".'
    ):
        iam.create_policy(PolicyName="p", PolicyDocument=policy(statement))
    statement["Resource"] = f"arn:{partition}:s3:::b"
    iam.create_policy(PolicyName="p", PolicyDocument=policy(statement))
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    root = f"arn:aws:iam::{account}:root"
    everything = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"}
    with refused("MalformedPolicyDocumentException", "invalid principals"):
        kms.create_key(Policy=policy(everything))
    with pytest.raises(ClientError, match=r"InvalidArn|NotFound"):
        kms.describe_key(
            KeyId=f"arn:aws:kms:{region}:{account}:key/{kms.create_key()['KeyMetadata']['KeyId']}"
        )


def test_the_global_region_of_aws_is_none_here(abroad: tuple[Server, str, str]) -> None:
    """IAM is signed for the partition's own Region, as SDKs do, and not for us-east-1."""
    with refused("SignatureDoesNotMatch", "valid Region, not 'us-east-1'"):
        client(abroad[0], "iam", "us-east-1").get_user()


def test_several_partitions_are_refused_at_the_start(tmp_path: Path) -> None:
    """One server is of one partition; the message says which Region is of which."""
    server = Server(tmp_path / "data", free_port())
    told = server.keystead("serve", "--region", "eu-central-1", "--region", "us-gov-west-1")
    assert told.returncode != 0
    assert "`regions` are of several partitions" in told.stderr
    assert "`us-gov-west-1` is of `aws-us-gov`" in told.stderr
