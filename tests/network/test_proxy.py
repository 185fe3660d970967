"""Real balancers and real networks: HAProxy with and without TLS, a network namespace."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import made as certificates_in
from tests.components import missing, needs
from tests.conftest import REGION, Server, free_port
from tests.network.coming import ALL, Network, Wire, document, preface
from tests.patience import PATIENCE, wait_until

HAPROXY = """\
global
    maxconn 100
defaults
    mode tcp
    timeout connect 30s
    timeout client 60s
    timeout server 60s
frontend kms
    bind 127.0.0.1:{port}
    default_backend keystead
backend keystead
    server one 127.0.0.1:{proxy} send-proxy-v2 check check-send-proxy
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine, its key, and the authority's certificate."""
    return certificates_in(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[Network]:
    """A server whose listeners speak TLS, each of them."""
    directory = tmp_path_factory.mktemp("tls")
    network = Network.create(directory, ["kms"], certificates=certificates)
    yield network
    assert network.server.stop() == 0, network.server.log()


def test_the_preface_comes_before_tls(network: Network) -> None:
    """A balancer's preface, and then TLS with the client; nothing of it is believed inside TLS."""
    [endpoint] = network.endpoints
    asked = network.signed("ListKeys", {})
    through = Wire(network.proxy, network.trusting, preface(endpoint))
    assert through.ask(asked).status == 200
    assert through.ask(preface(endpoint) + asked).status == 400
    assert Wire(network.proxy, network.trusting, preface()).ask(asked).status == 200
    for begin in (b"", preface(endpoint) * 2, preface(endpoint)[:-1], b"GET / HTTP/1.1\r\n\r\n"):
        with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
            Wire(network.proxy, network.trusting, begin)
    with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
        Wire(network.ports[endpoint], network.trusting, preface(endpoint))
    assert Wire(network.ports[endpoint], network.trusting).ask(asked).status == 200


def test_policies_over_tls(network: Network) -> None:
    """Behind a preface a request is over TLS, and comes through the endpoint of the TLV."""
    [endpoint] = network.endpoints
    ec2 = network.client("ec2", network.server.port)
    secure = {"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"aws:SourceVpce": endpoint}}
    ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint, PolicyDocument=document({**ALL, "Condition": secure})
    )
    asked = network.signed("ListKeys", {})
    assert Wire(network.proxy, network.trusting, preface(endpoint)).ask(asked).status == 200
    insecure = {**secure, "Bool": {"aws:SecureTransport": "false"}}
    ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint, PolicyDocument=document({**ALL, "Condition": insecure})
    )
    assert Wire(network.proxy, network.trusting, preface(endpoint)).ask(asked).status == 400
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, ResetPolicy=True)


@needs("the preface of a real balancer was", *missing("haproxy"))
def test_haproxy(network: Network, tmp_path: Path) -> None:
    """Clients of HAProxy are known by their own addresses; it sends no TLV, so no endpoint."""
    port = free_port()
    configuration = tmp_path / "haproxy.cfg"
    configuration.write_text(HAPROXY.format(port=port, proxy=network.proxy))
    with (tmp_path / "log").open("w") as log:
        balancer = subprocess.Popen(["haproxy", "-db", "-f", configuration], stdout=log, stderr=log)
    try:
        wait_until(lambda: answers(port))
        kms = network.client("kms", port)
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        for source in ("127.0.0.5", "127.0.0.6"):
            asked = network.signed("DescribeKey", {"KeyId": key})
            wire = Wire(port, network.trusting, source=source)
            assert wire.ask(asked).status == 200
            wire.close()
            shown = network.server.keystead("audit", "show", "--json", "--last", "5").stdout
            [record] = [each for each in shown.splitlines() if f'"{source}"' in each]
            assert "vpcEndpointId" not in record
    finally:
        balancer.terminate()
        balancer.wait(timeout=PATIENCE)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except OSError:
        return False
    return True


ASK = """\
import sys
import boto3
from botocore.config import Config
_, url, key, secret, region = sys.argv
kms = boto3.client("kms", region_name=region, endpoint_url=url, aws_access_key_id=key,
                   aws_secret_access_key=secret, config=Config(retries={"total_max_attempts": 1}))
print(len(kms.list_keys()["Keys"]))
"""


class Namespace:
    """A network of its own with one address, and the address of this machine in it."""

    def __init__(self) -> None:
        block = 4 * (os.getpid() % 16_384)  # another suite may run on this machine
        start = f"10.213.{block // 256}"
        self.ours, self.its = (f"{start}.{block % 256 + host}" for host in (1, 2))
        self.name = f"keystead-{os.getpid()}"
        self.link = f"ks{os.getpid() % 1_000_000}"

    def __enter__(self) -> "Namespace | None":
        """None where the machine does not allow it."""
        steps = (
            f"netns add {self.name}",
            f"link add {self.link} type veth peer name eth0 netns {self.name}",
            f"addr add {self.ours}/30 dev {self.link}",
            f"link set {self.link} up",
            f"-n {self.name} addr add {self.its}/30 dev eth0",
            f"-n {self.name} link set eth0 up",
        )
        return self if all(self._ip(step) for step in steps) else None

    def __exit__(self, *_: object) -> None:
        self._ip(f"link delete {self.link}")
        self._ip(f"netns delete {self.name}")

    @staticmethod
    def _ip(step: str) -> bool:
        found = shutil.which("ip") or "/usr/sbin/ip"
        try:
            return (
                subprocess.run([found, *step.split()], capture_output=True, check=False).returncode
                == 0
            )
        except OSError:
            return False

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        found = shutil.which("ip") or "/usr/sbin/ip"
        return subprocess.run(
            [found, "netns", "exec", self.name, *command], capture_output=True, text=True,
            check=False, timeout=PATIENCE,
        )  # fmt: skip


def test_a_network_of_its_own(tmp_path: Path) -> None:
    """A program in another network reaches the endpoint's address, by its own private address.

    Where the machine allows no network namespaces, two loopback addresses stand for the networks.
    """
    with Namespace() as other:
        ours = other.ours if other else "127.0.0.1"
        network = Network.create(tmp_path, ["kms"], host=ours)
        try:
            [endpoint] = network.endpoints
            admin, url = network.server.admin, f"http://{ours}:{network.ports[endpoint]}"
            command = [
                sys.executable, "-c", ASK, url, admin.access_key_id, admin.secret, REGION,
            ]  # fmt: skip
            ec2 = network.server.client("ec2")
            its = other.its if other else "127.0.0.1"
            for address, allowed in ((its, True), ("10.9.9.9", False)):
                where = {"IpAddress": {"aws:VpcSourceIp": address}}
                ec2.modify_vpc_endpoint(
                    VpcEndpointId=endpoint, PolicyDocument=document({**ALL, "Condition": where})
                )
                asked = (
                    other.run(*command)
                    if other
                    else subprocess.run(
                        command, capture_output=True, text=True, check=False, timeout=PATIENCE
                    )
                )
                assert (asked.returncode == 0) is allowed, asked.stderr
                if not allowed:
                    assert "no VPC endpoint policy allows" in asked.stderr
        finally:
            assert network.server.stop() == 0


def test_balancers_are_read_again(tmp_path: Path) -> None:
    """At SIGHUP other balancers are believed, without a restart."""
    port, file = free_port(), tmp_path / "keystead.toml"
    server = Server(tmp_path / "data", free_port(), program=())

    def write(balancer: str) -> None:
        settings = {"proxy_listen": f"127.0.0.1:{port}", "trusted_balancers": f"{balancer}/32"}
        file.write_text("".join(f'{name} = ["{value}"]\n' for name, value in settings.items()))

    def believed() -> bool:
        return not Wire(port, begin=preface() + b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").ended

    write("127.0.0.9")
    server.start("--config", str(file))
    assert not believed()
    write("127.0.0.1")
    assert server.process is not None
    server.process.send_signal(signal.SIGHUP)
    wait_until(believed)
    assert server.stop() == 0
