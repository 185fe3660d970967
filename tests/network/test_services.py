"""For which services can an endpoint be made?  Through boto3."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import REGION, Server, refused


@pytest.fixture(scope="module")
def ec2(server: Server) -> Any:
    return server.client("ec2")


def test_the_services_of_the_region(ec2: Any) -> None:
    """Each is an interface endpoint's, with policies."""
    answer = ec2.describe_vpc_endpoint_services()
    name = f"com.amazonaws.{REGION}.kms"
    assert name in answer["ServiceNames"]
    [kms] = [each for each in answer["ServiceDetails"] if each["ServiceName"] == name]
    assert kms["VpcEndpointPolicySupported"] is True
    assert kms["ServiceType"] == [{"ServiceType": "Interface"}]
    assert kms["PrivateDnsName"] == f"kms.{REGION}.amazonaws.com"
    assert not kms["AcceptanceRequired"]


def test_filters_and_names(ec2: Any) -> None:
    """A filter has wildcards; a name that nobody offers is an error."""
    wanted = [{"Name": "service-name", "Values": ["*.kms*", "x"]}]
    names = ec2.describe_vpc_endpoint_services(Filters=wanted)["ServiceNames"]
    assert names == [f"com.amazonaws.{REGION}.kms", f"com.amazonaws.{REGION}.kms-fips"]
    sts = f"com.amazonaws.{REGION}.sts"
    assert ec2.describe_vpc_endpoint_services(ServiceNames=[sts])["ServiceNames"] == [sts]
    with refused("InvalidServiceName"):
        ec2.describe_vpc_endpoint_services(ServiceNames=["com.amazonaws.nowhere-1.kms"])
    with refused("InvalidParameterValue"):
        ec2.describe_vpc_endpoint_services(Filters=[{"Name": "no-such", "Values": ["x"]}])


def test_pages(ec2: Any) -> None:
    """Every service stands on one page; a token is for its own list."""
    pages = list(ec2.get_paginator("describe_vpc_endpoint_services").paginate(MaxResults=4))
    every = ec2.describe_vpc_endpoint_services()["ServiceNames"]
    assert [name for page in pages for name in page["ServiceNames"]] == every
    assert len(pages) > 1
    token = pages[0]["NextToken"]
    with refused("InvalidNextToken"):
        wanted = [{"Name": "owner", "Values": ["amazon"]}]
        ec2.describe_vpc_endpoint_services(MaxResults=4, NextToken=token, Filters=wanted)


def test_dry_runs(ec2: Any) -> None:
    """An allowed dry run is DryRunOperation, with 412."""
    with pytest.raises(ClientError) as raised:
        ec2.describe_vpc_endpoint_services(DryRun=True)
    assert raised.value.response["Error"]["Code"] == "DryRunOperation"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412


def test_what_is_not_served(ec2: Any) -> None:
    """EC2's other operations are not known here."""
    with refused("InvalidAction"):
        ec2.describe_volumes()
