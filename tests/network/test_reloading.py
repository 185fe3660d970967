"""SIGHUP: listeners of endpoints and balancers come and go while the server runs."""

import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import REGION, Server, free_port
from tests.network.coming import ALL, OTHER_VPC, VPC, Network, Wire, document, preface
from tests.patience import wait_until
from tests.server.installations import open_local

LIST: tuple[str, dict[str, str]] = ("ListKeys", {})


class Running:
    """A server whose settings stand in a file, and two endpoints; nothing comes through OTHER."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "keystead.toml"
        self.file.touch()
        self.server = Server(directory / "data", free_port(), program=())
        self.server.start("--config", str(self.file))
        self.network = Network(self.server)
        self.ec2 = self.server.client("ec2")
        self.endpoint, self.other = self.made(), self.made()
        self.ec2.modify_vpc_endpoint(
            VpcEndpointId=self.other, PolicyDocument=document({**ALL, "Action": "kms:Nothing"})
        )
        self.port = free_port()

    def made(self) -> str:
        endpoint = self.ec2.create_vpc_endpoint(
            VpcEndpointType="Interface", VpcId=VPC, ServiceName=f"com.amazonaws.{REGION}.kms"
        )
        return str(endpoint["VpcEndpoint"]["VpcEndpointId"])

    def reload(self, said: str, **settings: list[str] | str) -> str:
        """Write these settings, send SIGHUP, and wait for a line of the log that has this."""
        self.file.write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
        before = len(self.server.log())
        assert self.server.process is not None
        self.server.process.send_signal(signal.SIGHUP)

        def lines() -> list[str]:
            log = self.server.log()[before:].splitlines(keepends=True)
            return [line for line in log if said in line and line.endswith("\n")]

        wait_until(lines, lambda: self.server.log()[before:])
        return lines()[0]

    def bind(self, endpoint: str) -> str:
        return self.reload("were read again", endpoint_listen=[f"127.0.0.1:{self.port}={endpoint}"])

    @property
    def listens(self) -> bool:
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def asked(self, wire: Wire | None = None, begin: bytes = b"") -> str:
        """The answer to ListKeys at the endpoint's port."""
        return (wire or Wire(self.port, begin=begin)).ask(self.network.signed(*LIST)).text


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("reloading"))
    yield made
    assert made.server.stop() == 0


@pytest.fixture(autouse=True)
def without(running: Running) -> Iterator[None]:
    """Each test begins and ends without listeners of endpoints."""
    yield
    running.reload("were read again")
    assert not running.listens


def test_an_endpoint_is_let_in(running: Running) -> None:
    """Its listener is there as soon as settings name it, and gone when they do not."""
    assert not running.listens
    line = running.bind(running.endpoint)
    assert f"listens on `127.0.0.1:{running.port}` for `{running.endpoint}`" in line
    assert "only a restart" not in line
    wire = Wire(running.port)
    assert '"Keys"' in running.asked(wire)

    line = running.reload("were read again")
    assert f"no more on `127.0.0.1:{running.port}` for `{running.endpoint}`" in line
    assert wire.ended
    assert not running.listens


def test_an_address_leads_to_another_endpoint(running: Running) -> None:
    """New connections come through the other one, old ones end, and no client is turned away."""
    running.bind(running.endpoint)
    idle, begun, silent = (Wire(running.port) for _ in range(3))
    assert '"Keys"' in running.asked(idle)
    request = running.network.signed(*LIST)
    begun.send(request[:100])
    assert '"Keys"' in running.asked()  # what was sent before has arrived

    running.bind(running.other)
    assert idle.ended
    assert "no VPC endpoint policy allows" in running.asked()
    assert '"Keys"' in begun.ask(request[100:]).text  # it began as a request of the former one
    assert begun.ended
    assert silent.ended  # it was accepted for the former one, and asked nothing
    running.ec2.delete_vpc_endpoints(VpcEndpointIds=[made := running.made()])
    running.bind(made)
    assert "does not exist" in running.asked()
    assert f"`endpoint_listen` names `{made}`, which is no VPC endpoint" in running.server.log()


def test_a_listener_of_balancers(running: Running) -> None:
    """It comes with its trusted balancers, and goes."""
    where = {"proxy_listen": [f"127.0.0.1:{running.port}"]}
    assert "needs balancers" in running.reload("stay as they were", **where)
    assert not running.listens
    running.reload("were read again", **where, trusted_balancers=["127.0.0.1/32"])
    assert '"Keys"' in running.asked(begin=preface(running.endpoint))
    assert "no VPC endpoint policy allows" in running.asked(begin=preface(running.other))
    assert Wire(running.port, begin=running.network.signed(*LIST)).ended


def test_the_list_of_vpcs(running: Running) -> None:
    """An endpoint in a VPC that is listed for nobody carries nothing, also on open connections."""
    bound = {"endpoint_listen": [f"127.0.0.1:{running.port}={running.endpoint}"]}
    account = running.server.client("sts").get_caller_identity()["Account"]
    running.reload("were read again", **bound)
    wire = Wire(running.port)
    assert '"Keys"' in running.asked(wire)
    running.reload("were read again", **bound, vpcs=[f"{OTHER_VPC}={account}"])
    assert f"The VPC endpoint {running.endpoint} does not exist." in running.asked(wire)
    running.reload("were read again", **bound, vpcs=[f"{VPC}={account}"])
    assert '"Keys"' in running.asked(wire)


def test_all_or_none(running: Running) -> None:
    """If one address cannot be had, no setting changes."""
    running.bind(running.endpoint)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        free = free_port()
        both = [f"127.0.0.1:{each}={running.other}" for each in (running.port, free, port)]
        line = running.reload("stay as they were", endpoint_listen=both)
    assert f"cannot listen on `127.0.0.1:{port}`" in line
    assert '"Keys"' in running.asked()
    with pytest.raises(ConnectionRefusedError):
        Wire(free)


def test_no_plain_http_on_the_network(running: Running, tmp_path: Path) -> None:
    """A certificate that only a restart uses does not make an address safe now."""
    wide = [f"0.0.0.0:{running.port}={running.endpoint}"]
    line = running.reload(
        "stay as they were", endpoint_listen=wide,
        tls_certificate=str(tmp_path / "cert.pem"), tls_key=str(tmp_path / "key.pem"),
    )  # fmt: skip
    assert "plain HTTP on" in line
    assert not running.listens


def test_no_fetch_reaches_a_new_listener(tmp_path: Path) -> None:
    """What a provider's host may not lead to includes listeners that came later."""
    installation = open_local(tmp_path / "data").installation
    try:
        private = replace(
            installation.config, federation_private_addresses=("127.0.0.0/8",),
            endpoint_listen=("127.0.0.1:8443=vpce-0123456789abcdef0",),
        )  # fmt: skip
        installation.use(private)
        refusal = installation.outside.reachable.refusal
        assert "is a listener of this server" in refusal("login.example", "127.0.0.1", 8443)
        assert not refusal("login.example", "127.0.0.1", 8444)
    finally:
        installation.close()
