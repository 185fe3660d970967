"""SIGHUP: listeners of endpoints and balancers come and go while the server runs."""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import BIN, free_port
from tests.network.coming import OTHER_VPC, VPC, Wire, preface
from tests.network.running import LIST, Running
from tests.patience import wait_until
from tests.server.installations import open_local


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


def test_the_command(running: Running) -> None:
    """`keystead reload` answers with what came of it: the listeners, or why nothing changed."""
    name = f"127.0.0.1:{running.port}"
    running.write(
        endpoint_listen=[f"{name}={running.endpoint}"], drain_seconds=7, log_format="json"
    )
    ran = running.server.keystead("reload", "--json")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert {"address": name, "endpoint": running.endpoint} in told["listening"]
    assert told["afterRestart"] == ["log_format"]
    assert '"Keys"' in running.asked()
    running.write(endpoint_listen=[f"127.0.0.1:{running.server.port}={running.endpoint}"])
    ran = running.server.keystead("reload")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "cannot listen on" in ran.stderr
    assert "hint" in ran.stderr
    assert '"Keys"' in running.asked()


def test_no_listener_begins_while_the_server_stops(tmp_path: Path) -> None:
    """A SIGHUP after SIGTERM changes nothing: what has begun is served, and nothing more."""
    stopping = Running(tmp_path)
    begun = Wire(stopping.server.port)
    request = stopping.network.signed(*LIST)
    begun.send(request[:100])
    stopping.server.client("kms").list_keys()  # what was sent before has arrived
    stopping.write(endpoint_listen=[f"127.0.0.1:{stopping.port}={stopping.endpoint}"])
    process = stopping.server.process
    assert process is not None
    process.send_signal(signal.SIGTERM)
    wait_until(lambda: "stopping" in stopping.server.log(), stopping.server.log)
    process.send_signal(signal.SIGHUP)
    assert '"Keys"' in begun.ask(request[100:]).text
    wait_until(lambda: process.poll() is not None)
    assert "were read again" not in stopping.server.log()


def test_no_server_to_reload(tmp_path: Path) -> None:
    ran = subprocess.run(
        [BIN / "keystead", "reload", "--data", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, "no server runs" in ran.stderr) == (3, True)


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


def test_one_address_in_other_words(running: Running) -> None:
    """Two new listeners of one socket: no setting changes, as if it were taken by others."""
    line = running.reload(
        "stay as they were", log_level="debug",
        endpoint_listen=[
            f"127.0.0.1:{running.port}={running.endpoint}",
            f"localhost:{running.port}={running.other}",
        ],
    )  # fmt: skip
    assert f"cannot listen on `localhost:{running.port}`" in line
    assert not running.listens


def test_a_balancer_that_is_trusted_no_more_is_cut_off(running: Running) -> None:
    """Also from the requests that had begun when its listener was named no more."""
    where = {"proxy_listen": [f"127.0.0.1:{running.port}"]}
    running.reload("were read again", **where, trusted_balancers=["127.0.0.1/32"])
    request = running.network.signed(*LIST)
    begun, cut = (Wire(running.port, begin=preface(running.endpoint)) for _ in range(2))
    for wire in (begun, cut):
        wire.send(request[:100])
    assert '"Keys"' in running.asked(begin=preface(running.endpoint))  # those bytes arrived

    running.reload("were read again", trusted_balancers=["127.0.0.1/32"])
    assert '"Keys"' in begun.ask(request[100:]).text
    running.reload("were read again", trusted_balancers=["127.0.0.2/32"])
    with suppress(ConnectionError):
        cut.send(request[100:])
    assert cut.ended, "and it is no answer that ends it"
