"""Tags of instances: who sets them, what policies see of them, and what programs are told."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keystead.network import filters
from keystead.server.installation.ceremonies import instances
from tests.agent import hosts
from tests.conftest import OTHER_REGION, REGION, Server, create_user, refused
from tests.patience import wait_until
from tests.server import sdk
from tests.server.installations import Local, open_local

TAGS = "/latest/meta-data/tags"
EC2 = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}


@pytest.fixture(scope="module")
def ec2(server: Server) -> Any:
    return server.client("ec2")


@pytest.fixture
def instance(server: Server) -> Iterator[str]:
    name = hosts.register(server, "--tag", "Name=web-1", "--tag", "empty=")
    yield name
    assert hosts.operate(server, "deregister", name).returncode == 0


def given(**tags: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tags_of(ec2: Any, name: str) -> dict[str, str]:
    """As three calls of EC2 show them alike."""
    here = [{"Name": "resource-id", "Values": [name]}]
    listed = ec2.describe_tags(Filters=here)["Tags"]
    assert all(each["ResourceType"] == "instance" for each in listed)
    found = {each["Key"]: each["Value"] for each in listed}
    [reservation] = ec2.describe_instances(InstanceIds=[name])["Reservations"]
    shown = {each["Key"]: each["Value"] for each in reservation["Instances"][0].get("Tags", ())}
    [reservation] = ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": [name]}])[
        "Reservations"
    ]
    again = {each["Key"]: each["Value"] for each in reservation["Instances"][0].get("Tags", ())}
    assert found == shown == again
    return found


def test_a_life(server: Server, ec2: Any, instance: str) -> None:
    """They are given at the registration, set, removed, and gone with the instance."""
    assert tags_of(ec2, instance) == {"Name": "web-1", "empty": ""}
    ec2.create_tags(Resources=[instance], Tags=given(Name="web-2", Team="blue"))
    assert tags_of(ec2, instance) == {"Name": "web-2", "Team": "blue", "empty": ""}
    ec2.delete_tags(Resources=[instance], Tags=[{"Key": "Team", "Value": "red"}, {"Key": "empty"}])
    assert tags_of(ec2, instance) == {"Name": "web-2", "Team": "blue"}
    ec2.delete_tags(Resources=[instance])
    assert tags_of(ec2, instance) == {}
    plain = hosts.register(server)
    ec2.create_tags(Resources=[plain, instance], Tags=given(a="1"))
    assert tags_of(ec2, plain) == tags_of(ec2, instance) == {"a": "1"}
    assert hosts.operate(server, "deregister", plain).returncode == 0
    here = [{"Name": "resource-id", "Values": [plain]}]
    assert ec2.describe_tags(Filters=here)["Tags"] == []
    assert hosts.register(server, plain) == plain
    assert tags_of(ec2, plain) == {}
    assert hosts.operate(server, "deregister", plain).returncode == 0


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([{"Key": "aws:x", "Value": "1"}], "InvalidParameterValue"),
        ([{"Key": "AWS:x", "Value": "1"}], "InvalidParameterValue"),
        ([{"Key": "k" * 128, "Value": "1"}], "InvalidParameterValue"),
        ([{"Key": "k", "Value": "v" * 257}], "InvalidParameterValue"),
        ([{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}], "InvalidParameterValue"),
        ([{"Key": "name", "Value": "1"}], "InvalidParameterValue"),  # there is `Name`
        ([{"Key": "", "Value": "1"}], "MissingParameter"),
        (given(**{f"k{n}": "" for n in range(49)}), "TagLimitExceeded"),  # with two that are there
    ],
)
def test_refused_tags(ec2: Any, instance: str, tags: Any, code: str) -> None:
    """As EC2 does it; of two instances none has them then. The largest are taken."""
    before = tags_of(ec2, instance)
    with refused(code):
        ec2.create_tags(Resources=[instance], Tags=tags)
    assert tags_of(ec2, instance) == before
    ec2.create_tags(Resources=[instance], Tags=[{"Key": "k" * 127, "Value": "ü/ \n*" * 51}])
    assert tags_of(ec2, instance)["k" * 127] == "ü/ \n*" * 51


def test_refused_resources(server: Server, ec2: Any, instance: str) -> None:
    """One that is not there, or is elsewhere, refuses the call for all."""
    elsewhere = hosts.register(server, "--instance-region", OTHER_REGION)
    for other, code in (
        ("i-00000000000000000", "InvalidInstanceID.NotFound"),
        (elsewhere, "InvalidInstanceID.NotFound"),
        ("vpce-00000000000000000", "InvalidVpcEndpointId.NotFound"),
        ("vol-00000000000000000", "InvalidID"),
    ):
        with refused(code):
            ec2.create_tags(Resources=[instance, other], Tags=given(a="1"))
        with refused(code):
            ec2.delete_tags(Resources=[instance, other])
    with refused("DryRunOperation"):
        ec2.create_tags(Resources=[instance], Tags=given(a="1"), DryRun=True)
    assert tags_of(ec2, instance) == {"Name": "web-1", "empty": ""}
    there = server.client("ec2", region=OTHER_REGION)
    there.create_tags(Resources=[elsewhere], Tags=given(a="1"))
    assert tags_of(there, elsewhere) == {"a": "1"}


def test_registering_with_odd_tags(server: Server) -> None:
    for options, why in (
        (("--tag", "Name"), "write it as `Name=web-1`"),
        (("--tag", "aws:x=1"), "reserved for internal use"),
        (("--tag", "a=1", "--tag", "a=2"), "Duplicate tag key"),
    ):
        ran = hosts.operate(server, "register", *options)
        assert ran.returncode == 2, ran.stdout
        assert why in ran.stderr
    made = hosts.register(server, "--tag", "a=b=c", "--tag", "Name=shown")
    assert tags_of(server.client("ec2"), made) == {"a": "b=c", "Name": "shown"}
    [line] = [
        each for each in hosts.operate(server, "list").stdout.splitlines() if made in each
    ]  # fmt: skip
    assert line.split()[1:3] == ["shown", REGION]
    shown = server.keystead("audit", "show", "--json", "--last", "20")
    records = [json.loads(each) for each in shown.stdout.splitlines()]
    [record] = [
        each for each in records
        if each["eventName"] == "RegisterInstance" and made in json.dumps(each)
    ]  # fmt: skip
    assert json.loads(record["serviceEventDetails"]["tags"]) == {"a": "b=c", "Name": "shown"}


def test_filters(server: Server, ec2: Any, instance: str) -> None:
    """`tag:Name` and `tag-key` find instances and tags; other kinds and values do not."""
    other = hosts.register(server, "--tag", "Name=db-1")
    endpoint = ec2.create_vpc_endpoint(
        VpcEndpointType="Interface", VpcId="vpc-000000f1",
        ServiceName=f"com.amazonaws.{REGION}.kms",
        TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": given(Name="web-way")}],
    )["VpcEndpoint"]["VpcEndpointId"]  # fmt: skip

    def found(name: str, *values: str) -> set[str]:
        wanted = [{"Name": name, "Values": list(values)}]
        listed = ec2.describe_instances(Filters=wanted)["Reservations"]
        return {each["Instances"][0]["InstanceId"] for each in listed}

    def tagged(name: str, *values: str) -> set[str]:
        wanted = [{"Name": name, "Values": list(values)}]
        return {each["ResourceId"] for each in ec2.describe_tags(Filters=wanted)["Tags"]}

    assert found("tag:Name", "web-?", "x") == found("tag:Name", "web-1") == {instance}
    assert found("tag:Name", "*-1") == found("tag:Name", "db-1", "web-1") == {instance, other}
    assert found("tag:name", "web-1") == found("tag:Name", "WEB-1") == set()
    assert found("tag-key", "empty") == {instance}
    assert found("tag:empty", "") == {instance}
    assert tagged("tag:Name", "web-*") == {instance, endpoint}
    assert tagged("resource-type", "instance") >= {instance, other}
    assert endpoint not in tagged("resource-type", "instance")
    assert tagged("value", "db-1") == {other}
    assert tagged("resource-id", instance, endpoint) == {instance, endpoint}
    assert tagged("resource-id", f"{instance[:-1]}?") >= {instance}
    with refused("InvalidParameterValue"):
        tagged("no-such", "x")
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])


def test_conditions(server: Server, ec2: Any, instance: str) -> None:
    """A team changes its own instances alone, and gives them no other team's tag."""
    ec2.create_tags(Resources=[instance], Tags=given(Team="blue"))
    other = hosts.register(server, "--tag", "Team=red")
    who = create_user(
        server, "blue",
        {"Effect": "Allow", "Action": ["ec2:CreateTags", "ec2:DeleteTags"], "Resource": "*",
         "Condition": {
             "StringEquals": {"aws:ResourceTag/Team": "blue"},
             "StringEqualsIfExists": {"aws:RequestTag/Team": "blue"},
             "ForAllValues:StringEquals": {"aws:TagKeys": ["Team", "Name"]}}},
        {"Effect": "Allow", "Action": "ec2:ModifyInstanceMetadataOptions", "Resource": "*",
         "Condition": {"StringEquals": {
             "ec2:ResourceTag/Team": "blue", "ec2:InstanceMetadataTags": "disabled"}}},
        {"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "*",
         "Condition": {"StringEquals": {"ec2:CreateAction": "RunInstances"}}},
    )  # fmt: skip
    blue = server.client("ec2", who)
    blue.create_tags(Resources=[instance], Tags=given(Team="blue", Name="mine"))
    for resources, tags in (
        ([other], given(Name="theirs")),
        ([instance, other], given(Name="both")),
        ([instance], given(Team="red")),
        ([instance], given(Else="x")),
        (["i-00000000000000000"], given(Name="none")),
    ):
        with refused("UnauthorizedOperation"):
            blue.create_tags(Resources=resources, Tags=tags)
    with refused("UnauthorizedOperation"):
        blue.delete_tags(Resources=[other], Tags=[{"Key": "Name"}])
    assert tags_of(ec2, instance)["Name"] == "mine"
    options = blue.modify_instance_metadata_options
    with refused("UnauthorizedOperation"):
        options(InstanceId=other, InstanceMetadataTags="enabled")
    ec2.delete_tags(Resources=[instance], Tags=[{"Key": "empty"}])
    assert options(InstanceId=instance, InstanceMetadataTags="enabled")
    with refused("UnauthorizedOperation"):
        options(InstanceId=instance, InstanceMetadataTags="disabled")
    blue.delete_tags(Resources=[instance], Tags=[{"Key": "Team"}])
    with refused("UnauthorizedOperation"):
        blue.create_tags(Resources=[instance], Tags=given(Team="blue"))


def test_removing_what_a_policy_keeps(server: Server, ec2: Any, instance: str) -> None:
    """A tag that may not be removed goes neither with all the others, nor by another spelling."""
    ec2.create_tags(Resources=[instance], Tags=given(Team="blue", Owner="ann"))
    who = create_user(
        server, "keeps",
        {"Effect": "Allow", "Action": "ec2:DeleteTags", "Resource": "*"},
        {"Effect": "Deny", "Action": "ec2:DeleteTags", "Resource": "*",
         "Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": "Team"}}},
        {"Effect": "Deny", "Action": "ec2:DeleteTags", "Resource": "*",
         "Condition": {"StringEqualsIfExists": {"aws:RequestTag/Owner": "ann"},
                       "ForAnyValue:StringEquals": {"aws:TagKeys": "Owner"}}},
    )  # fmt: skip
    removing = server.client("ec2", who).delete_tags
    for tags in ([{"Key": "Team"}], [{"Key": "Owner"}], [{"Key": "Owner", "Value": "ann"}]):
        with refused("UnauthorizedOperation"):
            removing(Resources=[instance], Tags=tags)
    with refused("UnauthorizedOperation"):
        removing(Resources=[instance])
    with refused("InvalidParameterValue"):
        removing(
            Resources=[instance],
            Tags=[{"Key": "Owner", "Value": "ann"}, {"Key": "OWNER", "Value": "bob"}],
        )
    assert tags_of(ec2, instance)["Owner"] == "ann"
    ec2.delete_tags(Resources=[instance], Tags=[{"Key": "Team"}, {"Key": "Owner"}])
    removing(Resources=[instance])
    assert tags_of(ec2, instance) == {}


def test_profiles_and_agents_by_tag(server: Server, ec2: Any) -> None:
    """Who may give a role to one team's hosts, and mint tokens for them, does it for no others."""
    made, other = hosts.host(server, "of-blue", "--tag", "Team=blue"), hosts.host(server, "of-red")
    only = {"StringEquals": {"aws:ResourceTag/Team": "blue"}}
    who = create_user(
        server, "of-team-blue", {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"},
        {"Effect": "Allow", "Action": ["ec2:*", "keystead-instances:*"], "Resource": "*",
         "Condition": only},
    )  # fmt: skip
    blue = server.client("ec2", who)
    keys = {"AWS_ACCESS_KEY_ID": who.access_key_id, "AWS_SECRET_ACCESS_KEY": who.secret}
    for each, allowed in ((made, True), (other, False)):
        given_again = {
            "IamInstanceProfile": {"Name": each.name}, "AssociationId": each.association
        }  # fmt: skip
        ran = hosts.instance_token(server, each.instance_id, **keys)
        assert (ran.returncode == 0) == allowed, ran.stderr
        if allowed:
            assert blue.replace_iam_instance_profile_association(**given_again)
        else:
            assert "AccessDenied" in ran.stderr or "not authorized" in ran.stderr
            with refused("UnauthorizedOperation"):
                blue.replace_iam_instance_profile_association(**given_again)


def test_explanations_know_tags(server: Server, ec2: Any, instance: str) -> None:
    """A question about an instance or an endpoint is decided as a request would be."""
    account = server.client("sts").get_caller_identity()["Account"]
    create_user(
        server, "asked-about-tags",
        {"Effect": "Allow", "Action": "ec2:*", "Resource": "*", "Condition": {"StringEquals": {
            "aws:ResourceTag/Name": "web-1", "ec2:Region": REGION}}},
    )  # fmt: skip
    endpoint = ec2.create_vpc_endpoint(
        VpcEndpointType="Interface", VpcId="vpc-000000f2",
        ServiceName=f"com.amazonaws.{REGION}.kms",
        TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": given(Name="web-1")}],
    )["VpcEndpoint"]["VpcEndpointId"]  # fmt: skip
    for name, status in (
        (f"instance/{instance}", 0), (f"instance/{hosts.register(server)}", 1),
        (f"vpc-endpoint/{endpoint}", 0), ("instance/i-00000000000000000", 1),
    ):  # fmt: skip
        ran = server.keystead(
            "explain", "--principal", f"arn:aws:iam::{account}:user/asked-about-tags",
            "--action", "ec2:CreateTags",
            "--resource", f"arn:aws:ec2:{REGION}:{account}:{name}",
        )  # fmt: skip
        assert ran.returncode == status, ran.stdout + ran.stderr
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])


def test_the_metadata_tell_tags(server: Server, tmp_path: Path) -> None:
    """Only where that is enabled; from then on keys must be parts of paths."""
    made = hosts.host(server, "tells-tags", "--tag", "Name=web 1\n", "--tag", "odd key=1")
    options = made.ec2.modify_instance_metadata_options
    on: dict[str, Any] = {"InstanceId": made.instance_id}
    with hosts.serving(hosts.enrolled(made, tmp_path / "agent")) as agent:
        assert agent.get(f"{TAGS}/instance/Name")[0] == 404
        assert "tags/" not in agent.get("/latest/meta-data/")[1].splitlines()
        with refused("InvalidParameterValue", "'odd key' is not a valid tag key."):
            options(**on, InstanceMetadataTags="enabled")
        made.ec2.delete_tags(Resources=[made.instance_id], Tags=[{"Key": "odd key"}])
        changed = options(**on, InstanceMetadataTags="enabled")["InstanceMetadataOptions"]
        assert (changed["InstanceMetadataTags"], changed["State"]) == ("enabled", "pending")
        for odd in ("a/b", ".", "..", "_index", "ü", "a b"):
            with refused("InvalidParameterValue", "is not a valid tag key."):
                made.ec2.create_tags(Resources=[made.instance_id], Tags=given(**{odd: "1"}))
        made.ec2.create_tags(Resources=[made.instance_id], Tags=given(**{"a:b@c=d,e+f_-.": ""}))
        agent.holding.refresh()
        assert "tags/" in agent.get("/latest/meta-data/")[1].splitlines()
        assert agent.get(TAGS) == (200, "instance/")
        assert agent.get(f"{TAGS}/instance/") == (200, "Name\na:b@c=d,e+f_-.")
        assert agent.get(f"{TAGS}/instance/Name") == (200, "web 1\n")
        assert agent.get(f"{TAGS}/instance/a:b@c=d,e+f_-.") == (200, "")
        for path in (f"{TAGS}/instance/name", f"{TAGS}/instance/Name/", f"{TAGS}/Name"):
            assert agent.get(path)[0] == 404
        assert agent.ask("GET", f"{TAGS}/instance/Name")[0] == 401
        made.ec2.delete_tags(Resources=[made.instance_id], Tags=[{"Key": "Name"}])
        agent.holding.refresh()
        assert agent.get(f"{TAGS}/instance/Name")[0] == 404
        [found] = made.ec2.describe_instances(
            Filters=[{"Name": "metadata-options.instance-metadata-tags", "Values": ["enabled"]},
                     {"Name": "instance-id", "Values": [made.instance_id]}]
        )["Reservations"]  # fmt: skip
        assert found["Instances"][0]["MetadataOptions"]["InstanceMetadataTags"] == "enabled"
        options(**on, InstanceMetadataTags="disabled")
        agent.holding.refresh()
        assert agent.get(TAGS)[0] == 404
        assert agent.secret("tells-tags")["Code"] == "Success"


def test_defaults(server: Server) -> None:
    """New instances tell their tags if the account chose so in the Region."""
    there = server.client("ec2", region=OTHER_REGION)
    region = ("--instance-region", OTHER_REGION)
    there.modify_instance_metadata_defaults(InstanceMetadataTags="enabled")
    made = hosts.register(server, *region, "--tag", "a=1")
    [shown] = there.describe_instances(InstanceIds=[made])["Reservations"]
    assert shown["Instances"][0]["MetadataOptions"]["InstanceMetadataTags"] == "enabled"
    ran = hosts.operate(server, "register", *region, "--tag", "a b=1")
    assert (ran.returncode, "is not a valid tag key" in ran.stderr) == (2, True)
    there.modify_instance_metadata_defaults(InstanceMetadataTags="no-preference")
    assert hosts.register(server, *region, "--tag", "a b=1")


def test_the_aws_cli(server: Server, instance: str) -> None:
    """Its shorthand, its paginator, and its `--query`."""

    def aws(*arguments: str) -> Any:
        ran = subprocess.run(
            [sys.executable, "-m", "awscli", "ec2", *arguments, "--output", "json"],
            capture_output=True, text=True, check=False, timeout=120,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_REGION": REGION,
                 "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": server.endpoint,
                 "AWS_ACCESS_KEY_ID": server.admin.access_key_id,
                 "AWS_SECRET_ACCESS_KEY": server.admin.secret},
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout) if ran.stdout.strip() else None

    aws("create-tags", "--resources", instance, "--tags", "Key=Team,Value=cli", "Key=empty,Value=")
    told = aws(
        "describe-tags", "--page-size", "5", "--filters", "Name=key,Values=Team",
        "Name=value,Values=cli",
    )  # fmt: skip
    assert told["Tags"] == [
        {"Key": "Team", "ResourceId": instance, "ResourceType": "instance", "Value": "cli"}
    ]
    [[name]] = aws(
        "describe-instances", "--filters", "Name=tag:Team,Values=cl*",
        "--query", "Reservations[].Instances[].[InstanceId]",
    )  # fmt: skip
    assert name == instance


def test_long_lists_and_costly_filters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every tag stands on one page, of instances and of endpoints; filters that cost much get
    shorter pages, or a refusal."""
    local = open_local(tmp_path / "data")
    here = local.installation
    wait_until(lambda: "pending" not in instances.register(here, {}))
    many = [[f"k{n:02}", f"v{n}"] for n in range(50)]
    names = [instances.register(here, {"tags": many})["InstanceId"] for _ in range(5)]
    kms = f"com.amazonaws.{here.config.regions[0]}.kms"
    sdk.call(
        local, "ec2", "CreateVpcEndpoint", local.admin, VpcEndpointType="Interface",
        VpcId="vpc-0000000a", ServiceName=kms,
        TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": given(k00="v0", k01="v1")}],
    )  # fmt: skip
    every = _pages(local, MaxResults=7)
    assert {len(page) for page in every[:-1]} == {7}
    listed = [tag for page in every for tag in page]
    assert len(listed) == len(set(listed)) == 252
    assert listed == sorted(listed)
    assert {name for name, _ in listed[:-2]} == set(names)
    assert _pages(local) == [listed]

    costly = [{"Name": "tag-key", "Values": [f"*{n}?x*" for n in range(10)]}]
    monkeypatch.setattr(filters, "_ENOUGH", 100_000)
    pages = _pages(local, Filters=costly)
    assert len(pages) > 5
    assert not any(pages)
    monkeypatch.setattr(filters, "_MOST_SPENT", 300_000)
    asked: dict[str, Any] = {"InstanceIds": names, "Filters": costly}
    with pytest.raises(sdk.Refused, match="FilterLimitExceeded"):
        sdk.call(local, "ec2", "DescribeInstances", local.admin, **asked)
    wild = [{"Name": f"tag:{n}", "Values": ["a*b" * 300]} for n in range(2)]
    assert _pages(local, Filters=wild[:1]) == [[]]
    with pytest.raises(sdk.Refused, match="FilterLimitExceeded"):
        _pages(local, Filters=wild)
    local.installation.close()


def _pages(local: Local, **asked: Any) -> list[list[tuple[str, str]]]:
    """The resources and keys of tags, page by page."""
    pages: list[list[tuple[str, str]]] = []
    while True:
        page = sdk.call(local, "ec2", "DescribeTags", local.admin, **asked)
        pages.append([(each["ResourceId"], each["Key"]) for each in page["Tags"]])
        if (token := page.get("NextToken")) is None:
            return pages
        asked["NextToken"] = token
