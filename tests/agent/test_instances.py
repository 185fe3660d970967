"""An instance gets the role of its profile by its agent, and loses it at once (IM-2, IM-4)."""

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keystead import paging
from keystead.network import paging as network_paging
from keystead.server.installation.ceremonies import instances
from tests.agent import hosts
from tests.agent.hosts import Agent, Host
from tests.conftest import REGION, Server, create_user, policy, refused
from tests.patience import wait_until
from tests.server import sdk
from tests.server.installations import Local, open_local

GONE = "InvalidClientTokenId"


@pytest.fixture(scope="module")
def two(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Agent, Agent]]:
    """Two instances, each with its agent: what one loses the other keeps."""
    folder = tmp_path_factory.mktemp("two")
    agents = [
        hosts.enrolled(hosts.host(server, name), folder / name) for name in ("lost-a", "kept-b")
    ]
    with hosts.serving(agents[0]), hosts.serving(agents[1]):
        yield agents[0], agents[1]


def who(server: Server, secret: dict[str, str]) -> str:
    arn: str = hosts.caller(server, secret).get_caller_identity()["Arn"]
    return arn


def test_what_a_program_gets(server: Server, two: tuple[Agent, Agent]) -> None:
    """Six hours at most, as the role, under the name of the instance."""
    agent = two[1]
    secret = agent.secret("kept-b")
    assert (secret["Code"], secret["Type"]) == ("Success", "AWS-HMAC")
    life = datetime.fromisoformat(secret["Expiration"]) - datetime.fromisoformat(
        secret["LastUpdated"]
    )
    assert life.total_seconds() == 6 * 3600
    assert who(server, secret).endswith(f":assumed-role/kept-b/{agent.holding.instance_id}")
    listed = agent.get("/latest/meta-data/iam/security-credentials/")
    assert listed == (200, "kept-b")
    info = json.loads(agent.get("/latest/meta-data/iam/info")[1])
    assert info["InstanceProfileArn"].endswith(":instance-profile/kept-b")
    assert info["InstanceProfileId"].startswith("AIPA")


def lose_by_disassociation(made: Host) -> None:
    made.ec2.disassociate_iam_instance_profile(AssociationId=made.association)


def lose_by_replacement(made: Host) -> None:
    """Even the same profile, given again, is another association."""
    made.ec2.replace_iam_instance_profile_association(
        AssociationId=made.association, IamInstanceProfile={"Name": made.name}
    )


def lose_by_removal(made: Host) -> None:
    """The role is taken out of the profile, and comes back: the former sessions do not."""
    held = {"InstanceProfileName": made.name, "RoleName": made.name}
    made.iam.remove_role_from_instance_profile(**held)
    made.iam.add_role_to_instance_profile(**held)


def lose_by_deletion(made: Host) -> None:
    held = {"InstanceProfileName": made.name, "RoleName": made.name}
    made.iam.remove_role_from_instance_profile(**held)
    made.iam.delete_instance_profile(InstanceProfileName=made.name)


def lose_by_deregistration(made: Host) -> None:
    ran = hosts.operate(made.server, "deregister", made.instance_id)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    "lose",
    [lose_by_disassociation, lose_by_replacement, lose_by_removal, lose_by_deletion,
     lose_by_deregistration],
)  # fmt: skip
def test_sessions_end_at_once(
    server: Server, two: tuple[Agent, Agent], tmp_path: Path, lose: Any
) -> None:
    """When the call returns, the credentials are dead, and so is what they began; no others."""
    name = lose.__name__.replace("_", "-")
    made = hosts.host(server, name)
    made.iam.update_assume_role_policy(RoleName=name, PolicyDocument=both(server))
    agent = hosts.enrolled(made, tmp_path / "agent")
    agent.holding.refresh()
    held, kept = agent.holding.credentials(), two[1].secret("kept-b")
    assert held is not None
    secret = {
        "AccessKeyId": held.access_key_id, "SecretAccessKey": held.secret_access_key,
        "Token": held.token,
    }  # fmt: skip
    begun = hosts.caller(server, secret).assume_role(
        RoleArn=made.iam.get_role(RoleName=name)["Role"]["Arn"], RoleSessionName="again"
    )["Credentials"]
    begun["Token"] = begun["SessionToken"]
    assert who(server, begun)

    lose(made)
    for dead in (secret, begun):
        with refused(GONE):
            who(server, dead)
    assert who(server, kept)


def both(server: Server) -> str:
    """EC2 and everybody of the account may assume the role."""
    account = server.client("sts").get_caller_identity()["Account"]
    return policy(
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
         "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"},
    )  # fmt: skip


def test_tags_and_trust_end_nothing(server: Server, tmp_path: Path) -> None:
    """Other changes of the profile, and a role that EC2 may not assume any more, as at AWS."""
    made = hosts.host(server, "goes-on")
    agent = hosts.enrolled(made, tmp_path / "agent")
    agent.holding.refresh()
    with hosts.serving(agent):
        secret = agent.secret("goes-on")
        made.iam.tag_instance_profile(
            InstanceProfileName="goes-on", Tags=[{"Key": "a", "Value": "b"}]
        )
        assert who(server, secret)
        nobody = policy({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"})
        made.iam.update_assume_role_policy(RoleName="goes-on", PolicyDocument=nobody)
        assert who(server, secret)
        agent.time.ahead += timedelta(seconds=1)
        agent.holding.refresh()
        assert agent.secret("goes-on") == secret


def test_a_role_that_does_not_trust_ec2(server: Server, tmp_path: Path) -> None:
    """The program is told in AWS's words; when the role trusts EC2 again, it has credentials."""
    made = hosts.host(server, "distrusts")
    nobody = policy({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"})
    made.iam.update_assume_role_policy(RoleName="distrusts", PolicyDocument=nobody)
    with hosts.serving(hosts.enrolled(made, tmp_path / "agent")) as agent:
        told = agent.secret("distrusts")
        assert told["Code"] == "AssumeRoleUnauthorizedAccess"
        assert told["Message"].startswith("EC2 cannot assume the role distrusts.  Please see")
        assert "AccessKeyId" not in told
        made.iam.update_assume_role_policy(RoleName="distrusts", PolicyDocument=hosts.TRUST)
        agent.holding.refresh()
        assert who(server, agent.secret("distrusts"))


def test_without_a_role(server: Server, tmp_path: Path) -> None:
    """The agent hears that the role is gone: there is none to ask for, and then no `iam/`."""
    made = hosts.host(server, "emptied")
    with hosts.serving(hosts.enrolled(made, tmp_path / "agent")) as agent:
        assert agent.secret("emptied")["Code"] == "Success"
        held = {"InstanceProfileName": "emptied", "RoleName": "emptied"}
        made.iam.remove_role_from_instance_profile(**held)
        agent.holding.refresh()
        assert agent.get("/latest/meta-data/iam/security-credentials/")[0] == 404
        assert agent.get("/latest/meta-data/iam/info")[0] == 200
        made.ec2.disassociate_iam_instance_profile(AssociationId=made.association)
        agent.holding.refresh()
        assert agent.get("/latest/meta-data/iam/")[0] == 404


def test_conditions_know_the_instance(server: Server, tmp_path: Path) -> None:
    """Policies may ask from which instance a program calls; another instance is refused."""
    network = ("--private-ip", "10.7.0.9", "--vpc-id", "vpc-0123456789abcdef0")
    made = hosts.host(server, "located", *network)
    other = hosts.host(server, "elsewhere")
    account = server.client("sts").get_caller_identity()["Account"]
    wanted = {
        "StringEquals": {"aws:Ec2InstanceSourceVpc": "vpc-0123456789abcdef0"},
        "IpAddress": {"aws:Ec2InstanceSourcePrivateIPv4": "10.7.0.0/24"},
        "NumericEquals": {"ec2:RoleDelivery": "2.0"},
        "ArnEquals": {
            "ec2:SourceInstanceARN": f"arn:aws:ec2:{REGION}:{account}:instance/{made.instance_id}"
        },
    }
    for each in (made, other):
        only = {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*", "Condition": wanted}
        each.iam.put_role_policy(RoleName=each.name, PolicyName="p", PolicyDocument=policy(only))
    for each, allowed in ((made, True), (other, False)):
        agent = hosts.enrolled(each, tmp_path / each.name)
        with hosts.serving(agent):
            iam = hosts.caller(server, agent.secret(each.name), "iam")
            if allowed:
                assert iam.list_users()
            else:
                with refused("AccessDenied"):
                    iam.list_users()


def test_records_name_the_instance(server: Server, tmp_path: Path) -> None:
    """Whoever reads the log sees which instance called, and how it got its credentials."""
    with hosts.serving(hosts.enrolled(hosts.host(server, "recorded"), tmp_path / "agent")) as agent:
        asked = hosts.caller(server, agent.secret("recorded")).get_caller_identity()
    request_id = asked["ResponseMetadata"]["RequestId"]
    [record] = records(server, lambda each: each["requestID"] == request_id)
    identity = record["userIdentity"]
    assert identity["arn"].endswith(f"/{agent.holding.instance_id}")
    assert identity["sessionContext"]["ec2RoleDelivery"] == "2.0"
    given = records(server, lambda each: each["eventName"] == "GetInstanceCredentials")[-1]
    assert given["userIdentity"]["invokedBy"] == "ec2.amazonaws.com"
    assert given["requestParameters"]["instanceId"] == agent.holding.instance_id
    assert given["resources"][0]["ARN"].endswith(given["requestParameters"]["instanceId"])
    assert "secretAccessKey" not in json.dumps(given)
    assert "token" not in given["responseElements"].get("credentials", {})
    # An agent asks every minute: its record has nothing long that is always the same.
    assert "identityDocument" not in str(given["responseElements"])
    assert len(json.dumps(given)) < 3_000


def records(server: Server, wanted: Any) -> list[dict[str, Any]]:
    shown = server.keystead("audit", "show", "--json", "--last", "200")
    return [each for line in shown.stdout.splitlines() if wanted(each := json.loads(line))]


def test_to_give_a_profile_is_to_pass_its_role(server: Server) -> None:
    """Without iam:PassRole for EC2 nobody associates or replaces; with it, both are done (IA-3)."""
    made = hosts.host(server, "passed")
    made.ec2.disassociate_iam_instance_profile(AssociationId=made.association)
    may = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    to_ec2 = {
        "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
        "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
    }  # fmt: skip
    without = server.client("ec2", create_user(server, "passes-nothing", may))
    with_it = server.client("ec2", create_user(server, "passes-roles", may, to_ec2))
    given = {"IamInstanceProfile": {"Name": "passed"}, "InstanceId": made.instance_id}
    with refused("UnauthorizedOperation", "iam:PassRole"):
        without.associate_iam_instance_profile(**given)
    association = with_it.associate_iam_instance_profile(**given)["IamInstanceProfileAssociation"]
    again = {"IamInstanceProfile": {"Name": "passed"},
             "AssociationId": association["AssociationId"]}  # fmt: skip
    with refused("UnauthorizedOperation", "iam:PassRole"):
        without.replace_iam_instance_profile_association(**again)
    elsewhere = {**to_ec2, "Condition": {"StringEquals": {
        "iam:PassedToService": "lambda.amazonaws.com"}}}  # fmt: skip
    other = server.client("ec2", create_user(server, "passes-elsewhere", may, elsewhere))
    with refused("UnauthorizedOperation", "iam:PassRole"):
        other.replace_iam_instance_profile_association(**again)
    assert with_it.replace_iam_instance_profile_association(**again)


def test_a_role_is_passed_for_some_instances(server: Server) -> None:
    """AWS's own example: `iam:AssociatedResourceArn` names the instances that may get a role."""
    made, other = hosts.host(server, "this-one"), hosts.host(server, "that-one")
    only = {
        "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": {"ArnLike": {
            "iam:AssociatedResourceArn": f"arn:aws:ec2:{REGION}:*:instance/{made.instance_id}"}},
    }  # fmt: skip
    may = {"Effect": "Allow", "Action": ["ec2:*", "keystead-instances:*"], "Resource": "*"}
    who = create_user(server, "passes-to-one", may, only)
    keys = {"AWS_ACCESS_KEY_ID": who.access_key_id, "AWS_SECRET_ACCESS_KEY": who.secret}
    for host, allowed in ((made, True), (other, False)):
        ran = hosts.instance_token(server, host.instance_id, **keys)
        assert (ran.returncode == 0) is allowed, ran.stderr
    name = {"IamInstanceProfile": {"Name": "this-one"}}
    ec2 = server.client("ec2", who)
    assert ec2.replace_iam_instance_profile_association(**name, AssociationId=made.association)
    with refused("UnauthorizedOperation", "iam:PassRole"):
        ec2.replace_iam_instance_profile_association(**name, AssociationId=other.association)


def test_associations(server: Server) -> None:
    """They are described, filtered and refused as EC2 does it."""
    made = hosts.host(server, "described")
    ec2 = made.ec2
    [one] = ec2.describe_iam_instance_profile_associations(
        Filters=[{"Name": "instance-id", "Values": [made.instance_id]}]
    )["IamInstanceProfileAssociations"]
    assert (one["AssociationId"], one["State"]) == (made.association, "associated")
    with refused("IncorrectState"):
        ec2.associate_iam_instance_profile(
            IamInstanceProfile={"Name": "described"}, InstanceId=made.instance_id
        )
    with refused("NoSuchAssociation"):
        ec2.disassociate_iam_instance_profile(AssociationId="iip-assoc-0")
    with refused("InvalidInstanceID.NotFound"):
        ec2.associate_iam_instance_profile(
            IamInstanceProfile={"Name": "described"}, InstanceId="i-00000000000000000"
        )
    ec2.disassociate_iam_instance_profile(AssociationId=made.association)
    for wrong in ({"Name": "none"}, {"Arn": "arn:aws:iam::111122223333:instance-profile/x"}):
        with refused("InvalidParameterValue", "Invalid IAM Instance Profile"):
            ec2.associate_iam_instance_profile(
                IamInstanceProfile=wrong, InstanceId=made.instance_id
            )
    made.iam.remove_role_from_instance_profile(
        InstanceProfileName="described", RoleName="described"
    )
    with refused("InvalidParameterValue", "no associated IAM Roles"):
        ec2.associate_iam_instance_profile(
            IamInstanceProfile={"Name": "described"}, InstanceId=made.instance_id
        )


def test_instances_are_described(server: Server) -> None:
    """As EC2 describes those that it runs, with the profile and the metadata options."""
    made = hosts.host(server, "shown", "--instance-type", "m7g.large", "--private-ip", "10.0.0.7")
    [reservation] = made.ec2.describe_instances(InstanceIds=[made.instance_id])["Reservations"]
    [shown] = reservation["Instances"]
    assert shown["State"] == {"Code": 16, "Name": "running"}
    assert (shown["InstanceType"], shown["PrivateIpAddress"]) == ("m7g.large", "10.0.0.7")
    assert shown["Placement"]["AvailabilityZone"] == f"{REGION}a"
    assert shown["IamInstanceProfile"]["Arn"].endswith(":instance-profile/shown")
    assert shown["MetadataOptions"]["HttpTokens"] == "required"
    found = made.ec2.describe_instances(
        Filters=[{"Name": "iam-instance-profile.arn", "Values": ["*:instance-profile/shown"]}]
    )["Reservations"]
    assert [each["Instances"][0]["InstanceId"] for each in found] == [made.instance_id]
    with refused("InvalidInstanceID.NotFound"):
        made.ec2.describe_instances(InstanceIds=["i-00000000000000000"])


def test_metadata_options(server: Server, tmp_path: Path) -> None:
    """The agent takes them with its next request; version 1 and IPv6 are refused."""
    made = hosts.host(server, "optional")
    options = made.ec2.modify_instance_metadata_options
    for wrong in ({"HttpTokens": "optional"}, {"HttpProtocolIpv6": "enabled"}):
        with refused("UnsupportedOperation"):
            options(InstanceId=made.instance_id, **wrong)
    for hops in (0, 65):
        with refused("InvalidParameterValue"):
            options(InstanceId=made.instance_id, HttpPutResponseHopLimit=hops)
    with hosts.serving(hosts.enrolled(made, tmp_path / "agent")) as agent:
        assert agent.get("/latest/meta-data/instance-id")[0] == 200
        off = options(InstanceId=made.instance_id, HttpEndpoint="disabled", HttpTokens="required")
        assert off["InstanceMetadataOptions"]["State"] == "pending"
        agent.holding.refresh()
        headers = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
        assert agent.ask("PUT", "/latest/api/token", headers)[0] == 403
        [shown] = made.ec2.describe_instances(InstanceIds=[made.instance_id])["Reservations"]
        assert shown["Instances"][0]["MetadataOptions"]["State"] == "applied"
        assert shown["Instances"][0]["MetadataOptions"]["HttpEndpoint"] == "disabled"
        options(InstanceId=made.instance_id, HttpEndpoint="enabled", HttpPutResponseHopLimit=3)
        agent.holding.refresh()
        assert agent.get("/latest/meta-data/instance-id")[0] == 200


def test_the_identity_document_is_verified(
    server: Server, two: tuple[Agent, Agent], tmp_path: Path
) -> None:
    """By openssl alone, with the certificate that the operator hands out; a changed one is not."""
    document, signature, message = (
        two[1].get(f"/latest/dynamic/instance-identity/{name}")[1]
        for name in ("document", "signature", "rsa2048")
    )
    facts = json.loads(document)
    assert facts["instanceId"] == two[1].holding.instance_id
    assert (facts["region"], facts["version"]) == (REGION, "2017-09-30")
    shown = server.keystead("instance", "certificate")
    assert shown.returncode == 0
    (tmp_path / "certificate.pem").write_text(shown.stdout)
    (tmp_path / "document").write_text(document)
    (tmp_path / "changed").write_text(document.replace("i-", "i-0"))
    (tmp_path / "signature").write_text(signature)
    (tmp_path / "rsa2048").write_text(
        f"-----BEGIN PKCS7-----\n{message}\n-----END PKCS7-----\n"  # as AWS's guide puts it
    )
    assert {len(line) for line in message.splitlines()[:-1]} == {64}

    def openssl(*arguments: str) -> int:
        ran = subprocess.run(
            ["openssl", *arguments], cwd=tmp_path, capture_output=True, check=False
        )
        return ran.returncode

    assert openssl("x509", "-in", "certificate.pem", "-pubkey", "-noout", "-out", "key.pem") == 0
    assert openssl("base64", "-d", "-A", "-in", "signature", "-out", "raw") == 0
    key = subprocess.run(
        ["openssl", "x509", "-in", "certificate.pem", "-pubkey", "-noout"],
        cwd=tmp_path, capture_output=True, check=True,
    ).stdout  # fmt: skip
    (tmp_path / "key.pem").write_bytes(key)
    verify = ("dgst", "-sha256", "-verify", "key.pem", "-signature", "raw")
    assert openssl(*verify, "document") == 0
    assert openssl(*verify, "changed") != 0
    told = subprocess.run(
        ["openssl", "smime", "-verify", "-in", "rsa2048", "-inform", "PEM", "-certfile",
         "certificate.pem", "-noverify"],
        cwd=tmp_path, capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    assert told == document
    smime = ("smime", "-verify", "-in", "rsa2048", "-inform", "PEM", "-certfile",
             "certificate.pem", "-noverify", "-out", "told", "-content")  # fmt: skip
    assert openssl(*smime, "document") == 0
    assert openssl(*smime, "changed") != 0


def test_registering(server: Server) -> None:
    """Ids have AWS's form; a second instance with the id of one, and odd facts, are refused."""
    given = "i-0f0f0f0f0f0f0f0f0"
    assert hosts.register(server, given) == given
    for options, why in (
        ((given,), "registered already"),
        (("i-1",), "17 hexadecimal digits"),
        (("--private-ip", "10.0.0.300"), "no IPv4 address"),
        (("--vpc-id", "net"), "vpc-"),
        (("--instance-region", "moon-1"), "no Region of this installation"),
        (("--account-id", "999999999999"), "there is no account"),
    ):
        ran = hosts.operate(server, "register", *options)
        assert ran.returncode in {1, 2}, ran.stdout
        assert why in ran.stderr
    listed = json.loads(hosts.operate(server, "list", "--json").stdout)["Instances"]
    assert given in {each["InstanceId"] for each in listed}
    assert hosts.operate(server, "deregister", given).returncode == 0
    assert hosts.operate(server, "deregister", given).returncode == 2


def test_long_lists_are_paged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every instance stands in one page, and a page looks at no more than it may."""
    local = open_local(tmp_path / "data")
    here = local.installation
    wait_until(lambda: "pending" not in instances.register(here, {"instance_type": "odd"}))
    for number in range(10):
        instances.register(here, {"instance_type": "odd" if number % 2 else "even"})
    known = {each["InstanceId"] for each in instances.every(here, {})["Instances"]}
    monkeypatch.setattr(instances, "PART", 4)
    listed, following = [], None
    while True:
        part = instances.every(here, {"next": following})
        assert len(part["Instances"]) <= 4
        listed += [each["InstanceId"] for each in part["Instances"]]
        if (following := part.get("Next")) is None:
            break
    assert listed == sorted(known)
    monkeypatch.setattr(paging, "PART", 2)
    assert _pages(local, MaxResults=5) == [listed[:5], listed[5:10], listed[10:]]
    monkeypatch.setattr(network_paging, "MOST", 4)
    assert [len(page) for page in _pages(local)] == [4, 4, 3]
    odd = _pages(local, Filters=[{"Name": "instance-type", "Values": ["odd"]}])
    assert (len(odd), sum(map(len, odd))) == (3, 6)
    local.installation.close()


def _pages(local: Local, **asked: Any) -> list[list[str]]:
    """The ids of instances, page by page."""
    pages: list[list[str]] = []
    while True:
        page = sdk.call(local, "ec2", "DescribeInstances", local.admin, **asked)
        pages.append(
            [each["InstanceId"] for one in page["Reservations"] for each in one["Instances"]]
        )
        if (token := page.get("NextToken")) is None:
            return pages
        asked["NextToken"] = token


def test_explanations_know_the_instance(server: Server) -> None:
    """A question about the session of an instance has its keys; about another name not."""
    made = hosts.host(server, "explained", "--private-ip", "10.1.2.3")
    arn = f"arn:*:ec2:*:*:instance/{made.instance_id}"
    only = {
        "Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*",
        "Condition": {"StringEquals": {"ec2:RoleDelivery": "2.0"},
                      "ArnLike": {"ec2:SourceInstanceARN": arn}},
    }  # fmt: skip
    made.iam.put_role_policy(RoleName="explained", PolicyName="p", PolicyDocument=policy(only))
    account = server.client("sts").get_caller_identity()["Account"]
    for name, status in ((made.instance_id, 0), ("somebody", 1)):
        session = f"arn:aws:sts::{account}:assumed-role/explained/{name}"
        ran = server.keystead("explain", "--principal", session, "--action", "iam:ListUsers",
                              "--resource", "*")  # fmt: skip
        assert ran.returncode == status, ran.stdout + ran.stderr
