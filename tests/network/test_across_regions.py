"""Endpoints in another Region than their service, and of services that are in one place."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import OTHER_REGION, REGION, create_user, refused
from tests.network.coming import ALL, VPC, document
from tests.network.running import Running

IAM, ORGANIZATIONS = "com.amazonaws.iam", "com.amazonaws.us-east-1.organizations"
THERE = f"com.amazonaws.{OTHER_REGION}.kms"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("across"))
    yield made
    assert made.server.stop() == 0


def client(running: Running, service: str, region: str) -> Any:
    """A client that comes through the endpoint that is bound."""
    return running.network.client(service, running.port, region=region)


def test_keys_of_another_region(running: Running) -> None:
    """An endpoint here for KMS there lets calls for that Region through, and no others."""
    there = running.made(THERE, ServiceRegion=OTHER_REGION)
    [shown] = running.ec2.describe_vpc_endpoints(
        Filters=[{"Name": "service-region", "Values": [OTHER_REGION]}]
    )["VpcEndpoints"]
    assert (shown["VpcEndpointId"], shown["ServiceRegion"]) == (there, OTHER_REGION)
    running.bind(there)
    assert "Keys" in client(running, "kms", OTHER_REGION).list_keys()
    with refused("InvalidSignatureException", "Credential should be scoped to a valid region"):
        client(running, "kms", REGION).list_keys()
    running.bind(running.endpoint)
    assert "Keys" in client(running, "kms", REGION).list_keys()


def test_iam_through_an_endpoint(running: Running) -> None:
    """The endpoint of IAM takes calls as SDKs sign them, and its policy decides."""
    endpoint = running.made(IAM, ServiceRegion="us-east-1")
    running.bind(endpoint)
    for region in ("us-east-1", REGION):
        assert "Users" in client(running, "iam", region).list_users()
    with refused("InvalidSignatureException", "Credential should be scoped to correct service"):
        client(running, "organizations", "us-east-1").list_roots()
    running.ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint, PolicyDocument=document({**ALL, "Action": "iam:GetUser"})
    )
    with refused("AccessDenied", "no VPC endpoint policy allows the iam:ListUsers"):
        client(running, "iam", "us-east-1").list_users()
    assert "User" in client(running, "iam", "us-east-1").get_user()
    found = running.server.client("cloudtrail", region="us-east-1").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "GetUser"}]
    )["Events"]
    assert json.loads(found[0]["CloudTrailEvent"])["vpcEndpointId"] == endpoint


def test_organizations_through_an_endpoint(running: Running) -> None:
    """Likewise the endpoint of Organizations."""
    running.bind(running.made(ORGANIZATIONS, ServiceRegion="us-east-1"))
    with refused("AWSOrganizationsNotInUseException"):
        client(running, "organizations", "us-east-1").describe_organization()


def test_where_services_are(running: Running) -> None:
    """Each is refused as EC2 does it; the services of the global Region are described."""
    for service, region, code in (
        (THERE, None, "InvalidServiceName"),
        (THERE, REGION, "InvalidServiceName"),
        ("com.amazonaws.eu-north-1.kms", "eu-north-1", "InvalidServiceName"),
        (IAM, None, "InvalidServiceName"),
        (f"com.amazonaws.{REGION}.iam", None, "InvalidServiceName"),
        (f"com.amazonaws.{REGION}.organizations", None, "InvalidServiceName"),
        (f"com.amazonaws.{OTHER_REGION}.sts", OTHER_REGION, "InvalidParameter"),
    ):
        with refused(code):
            running.made(service, **({} if region is None else {"ServiceRegion": region}))
    names = running.ec2.describe_vpc_endpoint_services(ServiceRegions=["us-east-1"])["ServiceNames"]
    assert {IAM, ORGANIZATIONS} <= set(names)
    assert IAM not in running.ec2.describe_vpc_endpoint_services()["ServiceNames"]


def test_who_may_cross_regions(running: Running) -> None:
    """It needs `vpce:AllowMultiRegion`, to make and to change one; conditions tell them apart."""
    everything = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    crossing = {"Effect": "Allow", "Action": "vpce:AllowMultiRegion", "Resource": "*"}
    here = {**everything, "Effect": "Deny", "Action": "ec2:CreateVpcEndpoint",
            "Condition": {"StringEquals": {"ec2:VpceMultiRegion": "true"}}}  # fmt: skip
    people = {
        name: running.server.client("ec2", create_user(running.server, name, *statements))
        for name, statements in (
            ("stays", [everything]), ("crosses", [everything, crossing]),
            ("stopped", [everything, crossing, here]),
        )
    }  # fmt: skip
    asked = {"VpcEndpointType": "Interface", "VpcId": VPC, "ServiceName": THERE}
    made = people["crosses"].create_vpc_endpoint(**asked, ServiceRegion=OTHER_REGION)
    endpoint = made["VpcEndpoint"]["VpcEndpointId"]
    for name in ("stays", "stopped"):
        with refused("UnauthorizedOperation"):
            people[name].create_vpc_endpoint(**asked, ServiceRegion=OTHER_REGION)
    with refused("UnauthorizedOperation", "vpce:AllowMultiRegion"):
        people["stays"].modify_vpc_endpoint(VpcEndpointId=endpoint, ResetPolicy=True)
    people["crosses"].modify_vpc_endpoint(VpcEndpointId=endpoint, ResetPolicy=True)
    people["stays"].modify_vpc_endpoint(VpcEndpointId=running.endpoint, ResetPolicy=True)
    people["stays"].delete_vpc_endpoints(VpcEndpointIds=[endpoint])
