"""Which facts has a request that comes through an endpoint, and who can forge them?"""

import json
import socket
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import REGION, refused
from tests.network.coming import ALL, VPC, Network, Wire, document, preface
from tests.patience import PATIENCE

ENDPOINT_KEYS = (
    "aws:SourceVpce", "aws:SourceVpc", "aws:SourceVpcArn", "aws:VpceAccount", "aws:VpcSourceIp",
)  # fmt: skip


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    network = Network.create(tmp_path_factory.mktemp("network"), ["kms", "kms", "sts"])
    yield network
    assert network.server.stop() == 0, network.server.log()


@pytest.fixture(scope="module")
def account(network: Network) -> str:
    return str(network.server.client("sts").get_caller_identity()["Account"])


class Guarded:
    """A key that may be described if a condition holds, and otherwise by nobody."""

    def __init__(self, network: Network, account: str) -> None:
        self.network, self.account = network, account
        self.kms = network.server.client("kms")
        self.key = str(self.kms.create_key()["KeyMetadata"]["KeyId"])

    def by(self, condition: Any) -> None:
        """From now on this condition decides."""
        root = {"Effect": "Allow", "Principal": {"AWS": self.account}, "Resource": "*"}
        policy = document(
            {**root, "Action": ["kms:PutKeyPolicy", "kms:DescribeKey"]},
            {"Effect": "Deny", "Principal": "*", "Action": "kms:DescribeKey", "Resource": "*",
             "Condition": condition},
        )  # fmt: skip
        self.kms.put_key_policy(KeyId=self.key, Policy=policy, BypassPolicyLockoutSafetyCheck=True)

    def status(
        self, port: int, begin: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> int:
        """The status of a signed DescribeKey at this port, with these headers."""
        wire = Wire(port, begin=begin)
        try:
            sent = dict(headers or {})
            host = sent.pop("Host", f"kms.{REGION}.amazonaws.com")
            asked = self.network.signed("DescribeKey", {"KeyId": self.key}, sent, host=host)
            return wire.ask(asked).status
        finally:
            wire.close()


@pytest.fixture(scope="module")
def guarded(network: Network, account: str) -> Guarded:
    return Guarded(network, account)


def only_where(key: str, value: str) -> Any:
    return {"StringNotEquals": {key: value}}


FORGED = (
    {"Host": "vpce-0-abc.kms.eu-central-1.vpce.amazonaws.com"},
    {"X-Forwarded-For": "10.1.0.7"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"Forwarded": "for=10.1.0.7"},
    {"X-Amz-Source-Vpce": "{endpoint}"},
    {"X-Amz-Vpc-Endpoint-Id": "{endpoint}"},
    {"Aws-SourceVpce": "{endpoint}"},
)


def test_facts_of_the_listener(network: Network, guarded: Guarded, account: str) -> None:
    """Each key has the endpoint's value there, and none on the public listener."""
    first, second, _ = network.endpoints
    vpc_arn = f"arn:aws:ec2:{REGION}:{account}:vpc/{VPC}"
    for key, value in zip(ENDPOINT_KEYS, (first, VPC, vpc_arn, account, "127.0.0.1"), strict=True):
        operator = "NotIpAddress" if key.endswith("Ip") else "StringNotEquals"
        guarded.by({operator: {key: value}})
        assert guarded.status(network.ports[first]) == 200, key
        assert guarded.status(network.server.port) == 400, key
        at_second = 400 if key == "aws:SourceVpce" else 200
        assert guarded.status(network.ports[second]) == at_second, key
    guarded.by({"Null": {"aws:SourceIp": "false"}})
    assert guarded.status(network.ports[first]) == 200
    assert guarded.status(network.server.port) == 400


def test_facts_of_a_preface(network: Network, guarded: Guarded) -> None:
    """A trusted balancer names the endpoint and the client; without a TLV it is no endpoint."""
    first, second, _ = network.endpoints
    guarded.by(only_where("aws:SourceVpce", first))
    assert guarded.status(network.proxy, preface(first)) == 200
    assert guarded.status(network.proxy, preface(second)) == 400
    assert guarded.status(network.proxy, preface()) == 400
    guarded.by({"NotIpAddress": {"aws:VpcSourceIp": "10.1.0.0/24"}})
    assert guarded.status(network.proxy, preface(first, "10.1.0.7")) == 200
    assert guarded.status(network.proxy, preface(first, "10.2.0.7")) == 400
    guarded.by({"NotIpAddress": {"aws:SourceIp": "10.1.0.0/24"}})
    assert guarded.status(network.proxy, preface("", "10.1.0.7")) == 200
    assert guarded.status(network.proxy, preface("", "10.2.0.7")) == 400
    assert guarded.status(network.proxy, preface("", "10.1.0.7", command=0x20)) == 400  # LOCAL


@pytest.mark.parametrize("forged", FORGED, ids=lambda each: next(iter(each)))
def test_no_header_is_an_endpoint(
    network: Network, guarded: Guarded, forged: dict[str, str]
) -> None:
    """A header changes nothing: not who comes through an endpoint, and not through which."""
    first, second, _ = network.endpoints
    headers = {name: value.format(endpoint=first) for name, value in forged.items()}
    guarded.by(only_where("aws:SourceVpce", first))
    assert guarded.status(network.server.port, headers=headers) == 400
    assert guarded.status(network.ports[second], headers=headers) == 400
    assert guarded.status(network.proxy, preface(second), headers=headers) == 400
    assert guarded.status(network.ports[first], headers=headers) == 200
    assert guarded.status(network.proxy, preface(first), headers=headers) == 200
    guarded.by({"NotIpAddress": {"aws:VpcSourceIp": "127.0.0.1/32"}})
    assert guarded.status(network.ports[first], headers=headers) == 200
    guarded.by({"NotIpAddress": {"aws:VpcSourceIp": "10.9.0.7/32"}})
    assert guarded.status(network.proxy, preface(first, "10.9.0.7"), headers=headers) == 200
    assert guarded.status(network.proxy, preface(first, "10.9.0.8"), headers=headers) == 400


def test_prefaces_where_none_belong(network: Network, guarded: Guarded) -> None:
    """A preface on another listener, or a second one, is no request."""
    first, _, _ = network.endpoints
    guarded.by({"StringEquals": {"aws:PrincipalAccount": "0"}})
    asked = network.signed("DescribeKey", {"KeyId": guarded.key})
    for port, begin in (
        (network.server.port, b""), (network.ports[first], b""), (network.proxy, preface(first)),
    ):  # fmt: skip
        wire = Wire(port, begin=begin)
        wire.send(preface(first) + asked)
        assert wire.answer().status == 400
        assert wire.ended
        assert Wire(port, begin=begin).ask(asked).status == 200


def test_no_preface_where_one_belongs(network: Network, guarded: Guarded) -> None:
    """A plain request, another protocol or half a preface ends the connection, unanswered."""
    first, _, _ = network.endpoints
    guarded.by({"StringEquals": {"aws:PrincipalAccount": "0"}})
    asked = network.signed("DescribeKey", {"KeyId": guarded.key})
    assert Wire(network.proxy, begin=asked).ended
    assert Wire(network.proxy, begin=b"PROXY TCP4 10.1.0.7 10.1.0.1 1 2\r\n" + asked).ended
    assert Wire(network.proxy, begin=preface(f"{first}0") + asked).ended
    half = Wire(network.proxy, begin=preface(first)[:20])
    half.socket.shutdown(socket.SHUT_WR)
    assert half.ended
    slow = Wire(network.proxy)
    for byte in preface(first) + asked:
        slow.send(bytes([byte]))
    assert slow.answer().status == 200


def test_only_balancers_connect(network: Network, guarded: Guarded) -> None:
    """A preface from an address that is no balancer is refused, from a balancer taken."""
    first, _, _ = network.endpoints
    guarded.by(only_where("aws:SourceVpce", first))
    asked = network.signed("DescribeKey", {"KeyId": guarded.key})
    for source, taken in (("127.0.0.9", False), ("127.0.0.1", True)):
        try:
            wire = Wire(network.proxy, begin=preface(first) + asked, source=source)
            answered = wire.answer().status == 200
        except ConnectionError:
            answered = False
        assert answered is taken


def test_one_service_behind_an_endpoint(network: Network, account: str) -> None:
    """An endpoint of KMS serves KMS alone, and one of STS STS alone, in their own protocols."""
    first, _, sts = network.endpoints
    assert "Keys" in network.client("kms", network.ports[first]).list_keys()
    found = network.client("sts", network.ports[sts]).get_caller_identity()
    assert found["Account"] == account
    scope = "Credential should be scoped to correct service"
    for service, port, call, code in (
        ("sts", network.ports[first], "get_caller_identity", "SignatureDoesNotMatch"),
        ("iam", network.ports[first], "list_users", "SignatureDoesNotMatch"),
        ("ec2", network.ports[first], "describe_vpc_endpoints", "AuthFailure"),
        ("organizations", network.ports[first], "list_roots", "InvalidSignatureException"),
        ("kms", network.ports[sts], "list_keys", "InvalidSignatureException"),
    ):
        with refused(code, scope):
            getattr(network.client(service, port), call)()


def test_the_policy_of_the_endpoint(network: Network) -> None:
    """It must allow, in words that name it; elsewhere it says nothing. It holds with the call."""
    first, second, _ = network.endpoints
    ec2 = network.server.client("ec2")
    through, other = (network.client("kms", network.ports[each]) for each in (first, second))
    key = through.create_key()["KeyMetadata"]["KeyId"]
    listing = document({**ALL, "Action": ["kms:ListKeys", "kms:DescribeKey"]})
    ec2.modify_vpc_endpoint(VpcEndpointId=first, PolicyDocument=listing)
    assert through.describe_key(KeyId=key)
    with refused("AccessDeniedException", "because no VPC endpoint policy allows the kms:Encrypt"):
        through.encrypt(KeyId=key, Plaintext=b"x")
    assert other.encrypt(KeyId=key, Plaintext=b"x")
    denying = document(ALL, {**ALL, "Effect": "Deny", "Action": "kms:DescribeKey"})
    ec2.modify_vpc_endpoint(VpcEndpointId=first, PolicyDocument=denying)
    with refused("AccessDeniedException", "with an explicit deny in a VPC endpoint policy"):
        through.describe_key(KeyId=key)
    ec2.modify_vpc_endpoint(VpcEndpointId=first, ResetPolicy=True)
    assert through.describe_key(KeyId=key)


def test_open_operations_need_the_endpoint(network: Network) -> None:
    """GetCallerIdentity needs no permission, and still the endpoint's."""
    *_, sts = network.endpoints
    ec2, through = network.server.client("ec2"), network.client("sts", network.ports[sts])
    ec2.modify_vpc_endpoint(
        VpcEndpointId=sts, PolicyDocument=document({**ALL, "Action": "sts:AssumeRole"})
    )
    with refused("AccessDenied", "no VPC endpoint policy allows the sts:GetCallerIdentity"):
        through.get_caller_identity()
    assert network.server.client("sts").get_caller_identity()
    ec2.modify_vpc_endpoint(VpcEndpointId=sts, ResetPolicy=True)
    assert through.get_caller_identity()


def test_the_end_of_an_endpoint(network: Network) -> None:
    """After its deletion nothing comes through: not on open connections, not behind a request."""
    ec2 = network.server.client("ec2")
    made = ec2.create_vpc_endpoint(
        VpcEndpointType="Interface", VpcId=VPC, ServiceName=f"com.amazonaws.{REGION}.kms"
    )["VpcEndpoint"]["VpcEndpointId"]
    asked = network.signed("ListKeys", {})
    before = Wire(network.proxy, begin=preface(made))
    assert before.ask(asked).status == 200
    silent = Wire(network.proxy, begin=preface(made))
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made])
    before.send(asked + asked)
    for wire in (before, before, silent, Wire(network.proxy, begin=preface(made))):
        if wire is not before:
            wire.send(asked)
        answer = wire.answer()
        assert (answer.status, "does not exist" in answer.text) == (400, True)
    assert Wire(network.proxy, begin=preface(network.endpoints[0])).ask(asked).status == 200


def test_records(network: Network, account: str) -> None:
    """The record of a request has its endpoint with the owner, and its client's address."""
    first, _, _ = network.endpoints
    for number, begin in enumerate((preface(first, "10.1.0.7"), preface("", "10.1.0.8"))):
        agent = f"agent-{uuid4()}"
        asked = network.signed("ListKeys", {}, {"User-Agent": agent})
        assert Wire(network.proxy, begin=begin).ask(asked).status == 200
        shown = network.server.keystead("audit", "show", "--json", "--last", "3").stdout
        [line] = [each for each in shown.splitlines() if agent in each]
        record = json.loads(line)
        assert record["sourceIPAddress"] == f"10.1.0.{7 + number}"
        assert record.get("vpcEndpointId") == (None if number else first)
        assert record.get("vpcEndpointAccountId") == (None if number else account)


def test_organizations_of_endpoints(network: Network, guarded: Guarded) -> None:
    """The keys of the owner's organization are there from the moment that it is in one."""
    first, _, _ = network.endpoints
    organizations = network.server.client("organizations")
    made = organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    [root] = organizations.list_roots()["Roots"]
    guarded.by(only_where("aws:VpceOrgID", made))
    assert guarded.status(network.ports[first]) == 200
    assert guarded.status(network.server.port) == 400
    path = f"{made}/{root['Id']}/"
    guarded.by({"ForAllValues:StringNotEquals": {"aws:VpceOrgPaths": path}})
    assert guarded.status(network.ports[first]) == 200
    assert guarded.status(network.server.port) == 400
    guarded.by(only_where("aws:VpceOrgID", made))
    organizations.delete_organization()
    assert guarded.status(network.ports[first]) == 400


def test_explanations(network: Network, account: str) -> None:
    """`keystead explain` and `simulate` suppose an endpoint, and decide as its requests are."""
    first, second, _ = network.endpoints
    ec2 = network.server.client("ec2")
    key = network.server.client("kms").create_key()["KeyMetadata"]["Arn"]
    ec2.modify_vpc_endpoint(
        VpcEndpointId=first, PolicyDocument=document({**ALL, "Action": "kms:ListKeys"})
    )
    asked = ("--principal", f"arn:aws:iam::{account}:user/admin", "--action", "kms:DescribeKey",
             "--resource", key)  # fmt: skip

    def explained(*options: str) -> Any:
        return network.server.keystead("explain", *asked, *options, "--json")

    shown = explained("--vpc-endpoint", first)
    assert shown.returncode == 1
    assert "because no VPC endpoint policy allows" in json.loads(shown.stdout)["message"]
    for options in ((), ("--vpc-endpoint", second)):
        assert explained(*options).returncode == 0
    unknown = explained("--vpc-endpoint", "vpce-00000000")
    assert "there is no VPC endpoint `vpce-00000000`" in unknown.stderr
    with refused("AccessDeniedException") as raised:
        network.client("kms", network.ports[first]).describe_key(KeyId=key)
    told = network.server.keystead(
        "explain", raised.value.response["ResponseMetadata"]["RequestId"]
    )
    assert "VPC endpoint policy" in told.stdout
    ec2.modify_vpc_endpoint(VpcEndpointId=first, ResetPolicy=True)
    assert explained("--vpc-endpoint", first).returncode == 0


def test_the_aws_cli(network: Network) -> None:
    """`aws ec2` and `aws kms` work with an endpoint as boto3 does."""
    first, _, _ = network.endpoints
    server, url = network.server, f"http://127.0.0.1:{network.ports[first]}"

    def aws(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["aws", *arguments, "--output", "json"], env=server.environment(), text=True,
            capture_output=True, check=False, timeout=PATIENCE,
        )  # fmt: skip

    for call, text in (
        ("kms:CreateKey", "no VPC endpoint policy allows the kms:ListKeys action"),
        ("kms:ListKeys", ""),
    ):
        changed = aws(
            "ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", first,
            "--policy-document", document({**ALL, "Action": call}),
        )  # fmt: skip
        assert json.loads(changed.stdout)["Return"] is True, changed.stderr
        listed = aws("kms", "list-keys", "--endpoint-url", url)
        assert (listed.returncode == 0) is (not text)
        assert text in listed.stderr
    shown = aws(
        "ec2", "describe-vpc-endpoints", "--filters", f"Name=vpc-endpoint-id,Values={first}"
    )
    assert json.loads(shown.stdout)["VpcEndpoints"][0]["State"] == "available"
    network.server.client("ec2").modify_vpc_endpoint(VpcEndpointId=first, ResetPolicy=True)


def test_changes_hold_at_once(network: Network) -> None:
    """What is sent after a change returned is judged by it, on open connections too."""
    first, _, _ = network.endpoints
    ec2 = network.server.client("ec2")
    asked = network.signed("ListKeys", {})
    wires = [Wire(network.ports[first]), Wire(network.proxy, begin=preface(first))]
    nothing = document({**ALL, "Effect": "Deny"})
    for _ in range(5):
        ec2.modify_vpc_endpoint(VpcEndpointId=first, PolicyDocument=nothing)
        assert [wire.ask(asked).status for wire in wires] == [400, 400]
        ec2.modify_vpc_endpoint(VpcEndpointId=first, ResetPolicy=True)
        for wire in wires:
            wire.send(asked + asked)  # the second stands behind the first
        assert [wire.answer().status for wire in wires * 2] == [200] * 4


def test_a_change_in_the_same_turn(network: Network) -> None:
    """A request that stands behind the end of its own endpoint, on one connection, is refused."""
    ec2 = network.server.client("ec2")
    made = ec2.create_vpc_endpoint(
        VpcEndpointType="Interface", VpcId=VPC, ServiceName=f"com.amazonaws.{REGION}.ec2"
    )["VpcEndpoint"]["VpcEndpointId"]
    form = {"Version": "2016-11-15", "VpcEndpointId.1": made}
    describe = network.form("ec2", {**form, "Action": "DescribeVpcEndpoints"})
    delete = network.form("ec2", {**form, "Action": "DeleteVpcEndpoints"})
    wire = Wire(network.proxy, begin=preface(made))
    wire.send(describe + delete + describe)
    assert [wire.answer().status for _ in range(3)] == [200, 200, 403]
