"""Endpoints of networks, as EC2's clients manage them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import REGION, Server, create_user, refused

KMS = f"com.amazonaws.{REGION}.kms"
NEW = {"VpcEndpointType": "Interface", "ServiceName": KMS}
EVERYTHING = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


def document(**changes: Any) -> str:
    return json.dumps({"Statement": [{**EVERYTHING, **changes}]})


@pytest.fixture(scope="module")
def ec2(server: Server) -> Any:
    return server.client("ec2")


def create(ec2: Any, vpc: str, **members: Any) -> Any:
    return ec2.create_vpc_endpoint(**{**NEW, "VpcId": vpc, **members})["VpcEndpoint"]


def test_a_life(ec2: Any) -> None:
    """An endpoint is made, shown, changed and deleted; clients that wait see it available."""
    tags = [{"ResourceType": "vpc-endpoint", "Tags": [{"Key": "Team", "Value": "blue"}]}]
    made = create(
        ec2, "vpc-0000000a", SubnetIds=["subnet-00000001"], SecurityGroupIds=["sg-00000001"],
        TagSpecifications=tags, PrivateDnsEnabled=False,
    )  # fmt: skip
    name = made["VpcEndpointId"]
    assert made["State"] == "available"
    assert json.loads(made["PolicyDocument"])["Statement"] == [EVERYTHING]
    [shown] = ec2.describe_vpc_endpoints(VpcEndpointIds=[name])["VpcEndpoints"]
    assert shown == made
    assert (shown["ServiceName"], shown["VpcId"], shown["SubnetIds"]) == (
        KMS, "vpc-0000000a", ["subnet-00000001"],
    )  # fmt: skip
    assert shown["Tags"] == [{"Key": "Team", "Value": "blue"}]
    changed = ec2.modify_vpc_endpoint(
        VpcEndpointId=name, AddSubnetIds=["subnet-00000002"], RemoveSubnetIds=["subnet-00000001"],
        AddSecurityGroupIds=["sg-00000002"], PrivateDnsEnabled=True, IpAddressType="dualstack",
        DnsOptions={"DnsRecordIpType": "dualstack"}, PolicyDocument=document(Action="kms:*"),
    )  # fmt: skip
    assert changed["Return"] is True
    [shown] = ec2.describe_vpc_endpoints(VpcEndpointIds=[name])["VpcEndpoints"]
    assert shown["SubnetIds"] == ["subnet-00000002"]
    assert [each["GroupId"] for each in shown["Groups"]] == ["sg-00000001", "sg-00000002"]
    assert (shown["PrivateDnsEnabled"], shown["IpAddressType"]) == (True, "dualstack")
    assert shown["DnsOptions"]["DnsRecordIpType"] == "dualstack"
    assert shown["PolicyDocument"] == document(Action="kms:*")
    ec2.modify_vpc_endpoint(VpcEndpointId=name, ResetPolicy=True)
    [shown] = ec2.describe_vpc_endpoints(VpcEndpointIds=[name])["VpcEndpoints"]
    assert json.loads(shown["PolicyDocument"])["Statement"] == [EVERYTHING]
    answer = ec2.delete_vpc_endpoints(VpcEndpointIds=[name, "vpce-00000000"])
    [missing] = answer["Unsuccessful"]
    assert missing["ResourceId"] == "vpce-00000000"
    assert missing["Error"]["Code"] == "InvalidVpcEndpointId.NotFound"
    assert ec2.delete_vpc_endpoints(VpcEndpointIds=[name])["Unsuccessful"]
    with refused("InvalidVpcEndpointId.NotFound"):
        ec2.describe_vpc_endpoints(VpcEndpointIds=[name])
    with refused("InvalidVpcEndpointId.NotFound"):
        ec2.modify_vpc_endpoint(VpcEndpointId=name, ResetPolicy=True)


def test_filters_and_pages(ec2: Any) -> None:
    """A list is filtered, and every endpoint stands on one of its pages."""
    names = [create(ec2, f"vpc-0000001{number}")["VpcEndpointId"] for number in range(3)]
    ec2.create_tags(Resources=names[:2], Tags=[{"Key": "a", "Value": "1"}])

    def found(name: str, *values: str) -> set[str]:
        wanted = [{"Name": name, "Values": list(values)}]
        listed = ec2.describe_vpc_endpoints(Filters=wanted)["VpcEndpoints"]
        return {each["VpcEndpointId"] for each in listed} & set(names)

    assert found("vpc-id", "vpc-00000010", "vpc-00000012") == {names[0], names[2]}
    assert found("vpc-endpoint-id", names[1]) == {names[1]}
    assert found("service-name", "com.amazonaws.*.km?") == set(names)
    assert found("vpc-endpoint-state", "available") == set(names)
    assert found("vpc-endpoint-state", "deleted") == set()
    assert found("vpc-endpoint-type", "Interface") == set(names)
    assert found("tag:a", "1") == found("tag-key", "a") == set(names[:2])
    assert found("tag:a", "2") == set()
    with refused("InvalidParameterValue"):
        found("no-such", "x")
    pages = ec2.get_paginator("describe_vpc_endpoints").paginate(
        PaginationConfig={"PageSize": 2}, VpcEndpointIds=names
    )
    assert [each["VpcEndpointId"] for page in pages for each in page["VpcEndpoints"]] == names
    ec2.delete_vpc_endpoints(VpcEndpointIds=names)


def test_client_tokens(ec2: Any) -> None:
    """The same request makes one endpoint; another one with its token is refused."""
    once = create(ec2, "vpc-00000020", ClientToken="t-1")
    again = create(ec2, "vpc-00000020", ClientToken="t-1")
    assert again["VpcEndpointId"] == once["VpcEndpointId"]
    with refused("IdempotentParameterMismatch"):
        create(ec2, "vpc-00000020", ClientToken="t-1", PrivateDnsEnabled=False)
    other = create(ec2, "vpc-00000020", ClientToken="t-2", PrivateDnsEnabled=False)
    assert other["VpcEndpointId"] != once["VpcEndpointId"]
    both = [once["VpcEndpointId"], other["VpcEndpointId"]]
    ec2.delete_vpc_endpoints(VpcEndpointIds=both)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"VpcId": "vpc-x"}, "InvalidVpcId.NotFound"),
        ({"ServiceName": "com.amazonaws.us-west-2.kms"}, "InvalidServiceName"),
        ({"ServiceName": f"com.amazonaws.{REGION}.s3"}, "InvalidServiceName"),
        ({"VpcEndpointType": "Gateway"}, "InvalidParameter"),
        ({"VpcEndpointType": "Else"}, "InvalidParameterValue"),
        ({"RouteTableIds": ["rtb-00000001"]}, "InvalidParameter"),
        ({"SubnetIds": ["subnet-x"]}, "InvalidParameterValue"),
        ({"SubnetIds": [f"subnet-000000{n:02}" for n in range(17)]}, "InvalidParameter"),
        ({"PolicyDocument": "{"}, "InvalidPolicyDocument"),
        ({"PolicyDocument": document(Principal={"AWS": "nobody"})}, "InvalidPolicyDocument"),
        ({"PolicyDocument": document() + " " * 20_480}, "InvalidPolicyDocument"),
        ({"PolicyDocument": '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'},
         "InvalidPolicyDocument"),
        ({"TagSpecifications": [{"ResourceType": "vpc", "Tags": []}]}, "InvalidParameterValue"),
        ({"TagSpecifications": [{"ResourceType": "vpc-endpoint",
                                 "Tags": [{"Key": "aws:x", "Value": "y"}]}]},
         "InvalidParameterValue"),
        ({"TagSpecifications": [{"ResourceType": "vpc-endpoint", "Tags": [
            {"Key": f"k{n}", "Value": ""} for n in range(51)]}]}, "TagLimitExceeded"),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)  # fmt: skip
def test_refused_requests(ec2: Any, members: dict[str, Any], code: str) -> None:
    """Each is refused as EC2 does it, and makes nothing; without it the same request is good."""
    with pytest.raises(ClientError) as raised:
        create(ec2, "vpc-00000030", **members)
    assert raised.value.response["Error"]["Code"] == code
    here = [{"Name": "vpc-id", "Values": ["vpc-00000030"]}]
    assert ec2.describe_vpc_endpoints(Filters=here)["VpcEndpoints"] == []
    made = create(ec2, "vpc-00000030")
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])


def test_tags(ec2: Any) -> None:
    """Tags are set and removed as EC2 does it: a value that is named removes that value alone."""
    name = create(ec2, "vpc-00000040")["VpcEndpointId"]

    def tags() -> dict[str, str]:
        wanted = [{"Name": "resource-id", "Values": [name]}]
        return {each["Key"]: each["Value"] for each in ec2.describe_tags(Filters=wanted)["Tags"]}

    given = {"a": "1", "b": "2", "c": "", "d": "4"}
    ec2.create_tags(
        Resources=[name], Tags=[{"Key": key, "Value": value} for key, value in given.items()]
    )
    assert tags() == given
    ec2.delete_tags(Resources=[name], Tags=[{"Key": "a"}, {"Key": "b", "Value": "x"}])
    assert tags() == {"b": "2", "c": "", "d": "4"}
    ec2.delete_tags(Resources=[name], Tags=[{"Key": "b", "Value": "2"}])
    assert tags() == {"c": "", "d": "4"}
    ec2.delete_tags(Resources=[name])
    assert tags() == {}
    for resource, code in (
        ("vol-00000001", "InvalidID"), ("i-00000001", "InvalidInstanceID.NotFound"),
        ("vpce-00000000", "InvalidVpcEndpointId.NotFound"),
    ):  # fmt: skip
        with refused(code):
            ec2.create_tags(Resources=[name, resource], Tags=[{"Key": "a", "Value": "1"}])
    assert tags() == {}
    with refused("InvalidParameterValue"):
        ec2.describe_tags(MaxResults=4)
    ec2.delete_vpc_endpoints(VpcEndpointIds=[name])


def test_permissions_by_condition(server: Server, ec2: Any) -> None:
    """Who may make endpoints of one service with one tag, makes no other ones."""
    here = f"arn:aws:ec2:{REGION}:*"
    who = create_user(
        server, "network-engineer",
        {"Effect": "Allow", "Action": "ec2:CreateVpcEndpoint", "Resource": f"{here}:vpc/*"},
        {"Effect": "Allow", "Action": "ec2:CreateVpcEndpoint", "Resource": f"{here}:vpc-endpoint/*",
         "Condition": {"StringEquals": {
             "ec2:VpceServiceName": KMS, "aws:RequestTag/Team": "blue"}}},
        {"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "*",
         "Condition": {"StringEquals": {"ec2:CreateAction": "CreateVpcEndpoint"}}},
        {"Effect": "Allow", "Action": "ec2:DeleteVpcEndpoints", "Resource": "*",
         "Condition": {"StringEquals": {"ec2:ResourceTag/Team": "blue"}}},
    )  # fmt: skip
    engineer = server.client("ec2", who)

    def tagged(value: str) -> list[Any]:
        tags = [{"Key": "Team", "Value": value}]
        return [{"ResourceType": "vpc-endpoint", "Tags": tags}]

    made = create(engineer, "vpc-00000050", TagSpecifications=tagged("blue"))["VpcEndpointId"]
    text = "You are not authorized to perform this operation. User: "
    with refused("UnauthorizedOperation", text):
        create(engineer, "vpc-00000050", TagSpecifications=tagged("red"))
    with refused("UnauthorizedOperation"):
        create(engineer, "vpc-00000050")
    with refused("UnauthorizedOperation"):
        sts = f"com.amazonaws.{REGION}.sts"
        create(engineer, "vpc-00000050", ServiceName=sts, TagSpecifications=tagged("blue"))
    with refused("UnauthorizedOperation"):
        engineer.create_tags(Resources=[made], Tags=[{"Key": "a", "Value": "b"}])
    with refused("UnauthorizedOperation"):
        engineer.describe_vpc_endpoints()
    plain = create(ec2, "vpc-00000050")["VpcEndpointId"]
    with refused("UnauthorizedOperation"):
        engineer.delete_vpc_endpoints(VpcEndpointIds=[made, plain])
    assert engineer.delete_vpc_endpoints(VpcEndpointIds=[made])["Unsuccessful"] == []
    ec2.delete_vpc_endpoints(VpcEndpointIds=[plain])


def test_principals_of_policies(server: Server, ec2: Any) -> None:
    """A policy means the user whom it named, and shows the id of one who is gone."""
    iam = server.client("iam")
    arn = iam.create_user(UserName="named-by-endpoint")["User"]["Arn"]
    kept = iam.get_user(UserName="named-by-endpoint")["User"]["UserId"]
    text = document(Principal={"AWS": arn})
    name = create(ec2, "vpc-00000060", PolicyDocument=text)["VpcEndpointId"]

    def shown() -> str:
        [found] = ec2.describe_vpc_endpoints(VpcEndpointIds=[name])["VpcEndpoints"]
        return str(json.loads(found["PolicyDocument"])["Statement"][0]["Principal"]["AWS"])

    assert shown() == arn
    iam.delete_user(UserName="named-by-endpoint")
    assert shown() == kept
    iam.create_user(UserName="named-by-endpoint")
    assert shown() == kept
    ec2.delete_vpc_endpoints(VpcEndpointIds=[name])
