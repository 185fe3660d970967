"""The agent as a process: killed, restarted, and without a server for a while."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec
import pytest

from keystead.agent.server import Server as Upstream
from tests.agent import hosts
from tests.agent.hosts import Process
from tests.conftest import BIN, Server
from tests.patience import wait_until


def secret(url: str, role: str) -> dict[str, str]:
    """The credentials of a role, as a program asks the metadata for them."""
    ttl = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    with urlopen(Request(f"{url}/latest/api/token", method="PUT", headers=ttl), timeout=30) as got:
        token = {"X-aws-ec2-metadata-token": got.read().decode()}
    path = f"{url}/latest/meta-data/iam/security-credentials/{role}"
    with urlopen(Request(path, headers=token), timeout=30) as got:
        found: dict[str, str] = json.load(got)
    return found


def test_kill_and_restart_of_both(own_server: Server, tmp_path: Path) -> None:
    """No program loses its credentials, whichever of the two is killed, and in whichever order."""
    made = hosts.host(own_server, "killed")
    folder = tmp_path / "agent"
    hosts.enrolled(made, folder)
    agent = Process(folder, "--listen", "127.0.0.1:0")
    url = agent.url("AWS_EC2_METADATA_SERVICE_ENDPOINT")
    first = secret(url, "killed")
    assert first["Code"] == "Success"

    own_server.kill()
    assert secret(url, "killed") == first
    agent.kill()
    agent = Process(folder, "--listen", "127.0.0.1:0")  # the server is still away
    wait_until(lambda: "does not answer" in agent.log.read_text())
    url = agent.url("AWS_EC2_METADATA_SERVICE_ENDPOINT")
    assert secret(url, "killed") == first

    own_server.start()
    again = secret(url, "killed")
    arn = hosts.caller(own_server, again).get_caller_identity()["Arn"]
    assert arn.endswith(f":assumed-role/killed/{made.instance_id}")
    assert hosts.caller(own_server, first).get_caller_identity()
    agent.kill()
    agent = Process(folder, "--listen", "127.0.0.1:0")  # and with the server
    url = agent.url("AWS_EC2_METADATA_SERVICE_ENDPOINT")
    assert secret(url, "killed") == first
    assert agent.stop() == 0


def test_absence_costs_nothing_and_renewal_is_in_time(server: Server, tmp_path: Path) -> None:
    """Half of the life is left when new credentials are asked for; a dead server is asked again."""
    agent = hosts.enrolled(hosts.host(server, "absent"), tmp_path / "agent")
    assert agent.holding.refresh() == 3600  # as the test's agent polls
    held = agent.holding.credentials()
    assert held is not None
    upstream = agent.holding._server
    agent.holding._server = Upstream("http://127.0.0.1:9")
    agent.time.ahead = timedelta(hours=3, minutes=1)
    assert [agent.holding.refresh() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert agent.holding.credentials() == held
    assert len(agent.told) == 1
    agent.time.ahead = timedelta(hours=6, seconds=1)
    assert agent.holding.credentials() is None  # over, and never handed out
    agent.time.ahead = timedelta(seconds=2)
    agent.holding._server = upstream
    agent.holding._sequence = 0
    current = agent.holding.current
    assert current is not None
    older = msgspec.structs.replace(held, issued=held.issued - timedelta(hours=7))
    agent.holding.current = msgspec.structs.replace(current, credentials=older)
    agent.holding.refresh()
    new = agent.holding.credentials()
    assert new is not None
    assert new.access_key_id != held.access_key_id
    assert agent.state.held() == agent.holding.current


@pytest.mark.parametrize("minutes", [-60, -1, 60])
def test_a_wrong_clock_costs_nothing(server: Server, tmp_path: Path, minutes: int) -> None:
    """Neither while it is wrong, nor after it was set right; also across a restart of the agent."""
    made = hosts.host(server, f"clock{minutes}")
    agent = hosts.enrolled(made, tmp_path / "agent")
    agent.time.ahead = timedelta(seconds=1)
    agent.holding.refresh()
    held = agent.holding.credentials()
    assert held is not None
    agent = hosts.agent(agent.state, agent.time)
    agent.time.ahead = timedelta(minutes=minutes)
    agent.holding.refresh()
    assert len(agent.told) == 1
    assert agent.holding.current is not None
    assert agent.holding.current.credentials == held
    assert agent.state.held() == agent.holding.current
    made.ec2.disassociate_iam_instance_profile(AssociationId=made.association)
    agent.time.ahead = timedelta(seconds=2)
    agent.holding.refresh()
    assert len(agent.told) == 1
    assert agent.holding.current.revision == ""  # it heard of the change
    assert agent.holding.credentials() is None


def metadata(*arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [BIN / "keystead", "metadata", *arguments],
        capture_output=True, text=True, check=False, timeout=60, input=given,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("serve",), "no enrolled agent"),
        (("serve", "--listen", "0.0.0.0:0"), "reached from other hosts"),
        (("serve", "--listen", "10.0.0.1:0"), "reached from other hosts"),
        (("serve", "--listen", "[::]:0"), "reached from other hosts"),
        (("serve", "--listen", "localhost:80"), "reached from other hosts"),
        (("serve", "--listen", "127.0.0.1"), "not an address"),
        (("enrol", "--token-file", "-"), "no token of enrolment"),
        (("workload", "add", "../x"), "no name of a workload"),
        (("workload", "remove", "x"), "no workload `x`"),
    ],
)
def test_mistakes_are_explained(tmp_path: Path, arguments: tuple[str, ...], why: str) -> None:
    """What is wrong, and no traceback."""
    end = 2 if arguments[0] == "workload" else 1
    address = ("--listen", "127.0.0.1:0") if arguments == ("serve",) else ()
    state = ("--state", str(tmp_path / "state"))
    ran = metadata(*arguments[:end], *state, *arguments[end:], *address)
    assert ran.returncode in {1, 2}
    assert why in ran.stderr, ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    "url",
    ["http://server.example:8000", "https://", "ftp://127.0.0.1", "127.0.0.1:8000", "https://[::1",
     "https://a b", "https://\u00fc.example", f"https://{'a' * 70}.example"],
)  # fmt: skip
def test_servers_without_tls_are_on_this_host(tmp_path: Path, url: str) -> None:
    token = f"ka1_111122223333_i-0123456789abcdef0_{'a' * 43}"
    ran = metadata("enrol", "--state", str(tmp_path / "state"), "--endpoint-url", url,
                   "--token-file", "-", given=token)  # fmt: skip
    assert ran.returncode == 2
    assert "TLS" in ran.stderr or "not the URL of a server" in ran.stderr


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o600, 0o400])
def test_the_token_is_in_a_file_of_its_owner(tmp_path: Path, mode: int) -> None:
    """A token that others could have read is refused, as every other secret is."""
    token = tmp_path / "token"
    token.write_text(f"ka1_111122223333_i-0123456789abcdef0_{'a' * 43}\n")
    token.chmod(mode)
    ran = metadata("enrol", "--state", str(tmp_path / "state"), "--endpoint-url",
                   "http://127.0.0.1:1", "--token-file", str(token))  # fmt: skip
    assert ran.returncode in {1, 2}
    assert ("accessible to others" in ran.stderr) == bool(mode & 0o077), ran.stderr
    assert ("does not answer" in ran.stderr) != bool(mode & 0o077), ran.stderr


def test_the_agent_comes_alone() -> None:
    """It imports nothing of the server's rooms: it starts fast, and has nothing to attack there."""
    program = (
        "import sys, keystead.agent.running, keystead.agent.enrolling;"
        "print(' '.join(n for n in sys.modules if n.startswith('keystead.')))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    rooms: Any = {name.split(".")[1] for name in ran.stdout.split()}
    assert rooms <= {"agent", "custody", "errors", "failures", "times", "wire", "pauses"}
