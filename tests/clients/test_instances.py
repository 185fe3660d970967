"""boto3, the AWS CLI and the SDK for JavaScript on an instance, and in a container.

Nothing is set but the variables of endpoints. Each gets credentials, and gets new ones in time.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import boto3
import msgspec
import pytest

from tests.agent import hosts
from tests.agent.hosts import Agent
from tests.components import missing, needs_node, not_tried
from tests.conftest import BIN, REGION, Server

NODE = needs_node("the JavaScript SDK was")
NO_NAMESPACES = not_tried("169.254.169.254 was", "no network namespace can be made here")


@pytest.fixture(scope="module")
def agent(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    folder = tmp_path_factory.mktemp("clients") / "agent"
    with hosts.serving(hosts.enrolled(hosts.host(server, "clients"), folder)) as running:
        yield running


def instance(agent: Agent, server: Server) -> dict[str, str]:
    """What a program on an instance has."""
    return {**common(server), "AWS_EC2_METADATA_SERVICE_ENDPOINT": agent.metadata}


def container(agent: Agent, server: Server, name: str) -> dict[str, str]:
    """What a program in a container has, as on ECS."""
    return {
        **common(server), "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": agent.containers,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": agent.state.add_workload(name),
    }  # fmt: skip


def pod(agent: Agent, server: Server, name: str, folder: Path) -> dict[str, str]:
    """What a program in a pod has, as on EKS: its token stands in a file."""
    given = container(agent, server, f"{name}-pod")
    (folder / "token").write_text(given.pop("AWS_CONTAINER_AUTHORIZATION_TOKEN"))
    return {**given, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(folder / "token")}


def given_to(where: str, agent: Agent, server: Server, name: str, folder: Path) -> dict[str, str]:
    """What this program has there."""
    if where == "pod":
        return pod(agent, server, name, folder)
    return instance(agent, server) if where == "instance" else container(agent, server, name)


WHERE = pytest.mark.parametrize("where", ["instance", "container", "pod"])


def common(server: Server) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": server.endpoint,
    }  # fmt: skip


def age(agent: Agent) -> str:
    """The credentials that are held become old, and programs look for new ones; their key id."""
    current = agent.holding.current
    assert current is not None
    assert current.credentials is not None
    now = agent.time.now()
    old = msgspec.structs.replace(
        current.credentials, issued=now - timedelta(hours=6), expiration=now + timedelta(minutes=4)
    )
    agent.holding.current = msgspec.structs.replace(current, credentials=old)
    return old.access_key_id


def environment(monkeypatch: pytest.MonkeyPatch, given: Mapping[str, str]) -> None:
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)


@WHERE
def test_boto3(
    server: Server, agent: Agent, monkeypatch: pytest.MonkeyPatch, where: str, tmp_path: Path
) -> None:
    """It uses a key as the role of the instance, and goes on with the next credentials."""
    given = given_to(where, agent, server, "boto3", tmp_path)
    environment(monkeypatch, given)
    before = age(agent)
    session = boto3.Session()
    kms = session.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    found = session.get_credentials()
    assert found is not None
    assert found.get_frozen_credentials().access_key == before
    agent.holding.refresh()
    later = agent.time.now() + timedelta(hours=1)  # boto3's own clock: it looks for others now
    found._time_fetcher = lambda: later
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Enabled"]
    assert found.get_frozen_credentials().access_key not in {before, None}
    arn = session.client("sts").get_caller_identity()["Arn"]
    assert arn.endswith(f":assumed-role/clients/{agent.holding.instance_id}")


@WHERE
def test_the_aws_cli(server: Server, agent: Agent, where: str, tmp_path: Path) -> None:
    given = given_to(where, agent, server, "cli", tmp_path)

    def arn() -> str:
        ran = subprocess.run(
            [sys.executable, "-m", "awscli", "sts", "get-caller-identity"],
            capture_output=True, text=True, check=False, timeout=120, env=given,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        return str(json.loads(ran.stdout)["Arn"])

    assert arn().endswith(f":assumed-role/clients/{agent.holding.instance_id}")
    age(agent)
    agent.holding.refresh()
    assert arn().endswith(f":assumed-role/clients/{agent.holding.instance_id}")


@NODE
@WHERE
def test_the_javascript_sdk(
    server: Server, agent: Agent, js: Path, where: str, tmp_path: Path
) -> None:
    """It looks for new credentials when its own have less than five minutes left."""
    given = given_to(where, agent, server, "js", tmp_path)
    before = age(agent)
    node = subprocess.Popen(
        ["node", "instance.mjs"], cwd=js, env=given, stdin=subprocess.PIPE, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert node.stdin is not None
        assert node.stdout is not None
        first = node.stdout.readline()
        assert first, node.communicate(timeout=30)
        agent.holding.refresh()
        told: list[Any] = [json.loads(first)]
        deadline = monotonic() + 60
        while told[-1]["key"] == before:  # the SDK answers once more while it looks for new ones
            assert monotonic() < deadline
            node.stdin.write("again\n")
            node.stdin.flush()
            told.append(json.loads(node.stdout.readline()))
    finally:
        node.kill()
        node.wait()
    assert told[0]["key"] == before
    for each in told:
        assert each["arn"].endswith(f":assumed-role/clients/{agent.holding.instance_id}")


ALONE = """
import json, boto3
found = boto3.Session().get_credentials().get_frozen_credentials()
print(json.dumps({"AccessKeyId": found.access_key, "SecretAccessKey": found.secret_key,
                  "Token": found.token}))
"""


def test_the_address_of_every_instance(server: Server, tmp_path: Path) -> None:
    """In a namespace of its own the agent has 169.254.169.254, and no variable at all is needed.

    The namespace reaches no server: the agent serves what it held before it was started there.
    """
    if (
        missing("ip", "unshare")
        or subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip(NO_NAMESPACES)
    made = hosts.enrolled(hosts.host(server, "linklocal"), tmp_path / "agent")
    made.holding.refresh()
    script = f"""
    ip link set lo up && ip address add 169.254.169.254/32 dev lo || exit 9
    '{BIN / "keystead"}' metadata serve --state '{tmp_path / "agent"}' \
        --listen 169.254.169.254:80 2>'{tmp_path / "log"}' &
    agent=$!
    for _ in $(seq 600); do grep -q serving '{tmp_path / "log"}' && break; sleep 0.1; done
    '{sys.executable}' '{tmp_path / "alone.py"}'; status=$?
    kill $agent; wait $agent; exit $status
    """
    (tmp_path / "alone.py").write_text(ALONE)
    ran = subprocess.run(
        ["unshare", "-n", "sh", "-c", script],
        capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
    )  # fmt: skip
    if ran.returncode == 9:
        pytest.skip(NO_NAMESPACES)
    assert ran.returncode == 0, ran.stderr + (tmp_path / "log").read_text()
    arn = hosts.caller(server, json.loads(ran.stdout)).get_caller_identity()["Arn"]
    assert arn.endswith(f":assumed-role/linklocal/{made.holding.instance_id}")
