"""Credentials of an instance are of use in its own network alone, if a policy says so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.agent import hosts
from tests.conftest import REGION, policy, refused
from tests.network.coming import OTHER_VPC, VPC
from tests.network.running import Running

ON_INSTANCES = {
    "Null": {"ec2:SourceInstanceARN": "false"}, "BoolIfExists": {"aws:ViaAWSService": "false"},
}  # fmt: skip
DENY = {"Effect": "Deny", "Action": "*", "Resource": "*"}
AT_HOME = (
    {"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"},
    {**DENY, "Condition": {
        **ON_INSTANCES, "StringNotEquals": {"aws:Ec2InstanceSourceVPC": "${aws:SourceVpc}"}}},
    {**DENY, "Condition": {**ON_INSTANCES, "StringNotEquals": {
        "aws:Ec2InstanceSourcePrivateIPv4": "${aws:VpcSourceIp}"}}},
)  # fmt: skip
"""AWS's own guard against credentials that were carried away."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("guarded"))
    made.bind(made.endpoint)
    yield made
    assert made.server.stop() == 0


@pytest.mark.parametrize(
    ("name", "place", "at_home"),
    [
        ("here", ("127.0.0.1", VPC), True),
        ("elsewhere", ("127.0.0.1", OTHER_VPC), False),
        ("beside", ("127.0.0.2", VPC), False),
    ],
)
def test_credentials_at_home(
    running: Running, tmp_path: Path, name: str, place: tuple[str, str], at_home: bool
) -> None:
    """Through the endpoint of the instance's VPC, from its address; nowhere else."""
    address, vpc = place
    host = hosts.host(running.server, name, "--private-ip", address, "--vpc-id", vpc)
    host.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*AT_HOME))
    agent = hosts.enrolled(host, tmp_path / name)
    agent.holding.refresh()
    held = agent.holding.credentials()
    assert held is not None

    def kms(port: int) -> Any:
        return boto3.client(
            "kms", region_name=REGION, endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id=held.access_key_id, aws_secret_access_key=held.secret_access_key,
            aws_session_token=held.token, config=Config(retries={"total_max_attempts": 1}),
        )  # fmt: skip

    with refused("AccessDeniedException", "explicit deny"):
        kms(running.server.port).list_keys()
    if at_home:
        assert "Keys" in kms(running.port).list_keys()
        return
    with refused("AccessDeniedException", "explicit deny"):
        kms(running.port).list_keys()
