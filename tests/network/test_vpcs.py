"""Which account has a VPC?  The one for which the operator lists it; else the first one."""

from pathlib import Path

import pytest
from botocore.credentials import Credentials

from keystead.server.installation.ceremonies.acts import perform
from keystead.wire.http import Endpoint, HttpRequest
from tests.server import sdk
from tests.server.installations import REGION, Local, open_local, reopen
from tests.server.sdk import Refused

TAKEN, OTHER = "vpc-0123456789abcdef0", "vpc-0123456789abcdef1"


def make(local: Local, who: Credentials, vpc: str) -> str:
    """A new endpoint of KMS."""
    asked = {"VpcEndpointType": "Interface", "ServiceName": f"com.amazonaws.{REGION}.kms"}
    made = sdk.call(local, "ec2", "CreateVpcEndpoint", who, VpcId=vpc, **asked)
    local.installation.commit()
    name: str = made["VpcEndpoint"]["VpcEndpointId"]
    return name


def through(local: Local, endpoint: str) -> int:
    """The status of a call through an endpoint."""
    asked = local.kms_request("ListKeys")
    return local.send(
        HttpRequest(
            asked.method, asked.path, asked.query, asked.headers, asked.body, asked.source_ip,
            asked.secure, Endpoint("vpce", endpoint),
        )
    ).status  # fmt: skip


def test_a_listed_vpc_is_of_its_account(tmp_path: Path) -> None:
    """Nobody else has endpoints in it, not even one who came first, and others do not exist."""
    local = open_local(tmp_path / "data")
    made = perform(local.installation, "account create", {})
    stranger = Credentials(made["AccessKeyId"], made["SecretAccessKey"])
    claimed = make(local, stranger, TAKEN)
    elsewhere = make(local, local.admin, OTHER)
    with pytest.raises(Refused, match=r"InvalidVpcId\.NotFound"):
        make(local, local.admin, TAKEN)
    assert (through(local, claimed), through(local, elsewhere)) == (200, 200)

    local = reopen(local, vpcs=(f"{TAKEN}={local.founded.account_id}",))
    mine = make(local, local.admin, TAKEN)
    assert (through(local, mine), through(local, claimed), through(local, elsewhere)) == (
        200, 400, 400,
    )  # fmt: skip
    for who, vpc in ((stranger, TAKEN), (stranger, OTHER), (local.admin, OTHER)):
        with pytest.raises(Refused, match=r"InvalidVpcId\.NotFound"):
            make(local, who, vpc)
    local.installation.close()
