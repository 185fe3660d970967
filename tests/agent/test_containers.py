"""Credentials for containers: each workload has a token of its own (iam.md 8.5)."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.agent import hosts
from tests.agent.hosts import Agent
from tests.conftest import Server

PATH = "/v1/credentials"


@pytest.fixture(scope="module")
def agent(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    folder = tmp_path_factory.mktemp("containers") / "agent"
    with hosts.serving(hosts.enrolled(hosts.host(server, "containers"), folder)) as running:
        yield running


def ask(
    agent: Agent, headers: Mapping[str, str], path: str = PATH, method: str = "GET"
) -> tuple[int, dict[str, str]]:
    port = int(agent.containers.removesuffix(PATH).rpartition(":")[2])
    status, body, _ = agent.ask(method, path, headers, port)
    return status, json.loads(body)


def test_what_a_workload_gets(agent: Agent, server: Server) -> None:
    """As on ECS: credentials that work, with account and role."""
    status, given = ask(agent, {"Authorization": agent.state.add_workload("web")})
    assert status == 200
    account = server.client("sts").get_caller_identity()["Account"]
    assert given["AccountId"] == account
    assert given["RoleArn"] == f"arn:aws:iam::{account}:role/containers"
    arn = hosts.caller(server, given).get_caller_identity()["Arn"]
    assert arn.endswith(f":assumed-role/containers/{agent.holding.instance_id}")


def test_tokens_are_of_one_workload(agent: Agent) -> None:
    """The token of a workload that is removed ends at once, and no other one."""
    first, second = (agent.state.add_workload(name) for name in ("first", "second"))
    assert ask(agent, {"Authorization": first})[0] == 200
    agent.state.remove_workload("first")
    assert ask(agent, {"Authorization": first})[0] == 401
    assert ask(agent, {"Authorization": second})[0] == 200
    assert agent.state.add_workload("first") != first
    assert ask(agent, {"Authorization": first})[0] == 401


def test_what_is_refused(agent: Agent) -> None:
    """No token, another, a part of one; proxies, other names, paths and methods."""
    token = agent.state.add_workload("refused")
    good = {"Authorization": token}
    for wrong in ("", "x", token[:-1], f"{token}x", f"Bearer {token}", "a" * 5000,
                  f"ka1_{token}"):  # fmt: skip
        assert ask(agent, {"Authorization": wrong})[0] == 401, wrong
    assert ask(agent, {})[0] == 401
    for header in ("X-Forwarded-For", "Via", "Forwarded"):
        assert ask(agent, {**good, header: "x"})[0] == 403
    assert ask(agent, {**good, "Host": "evil.example"})[0] == 403
    for path in ("/", "/v1/credentials/", "/v1/credentials?x=1", "/latest/api/token"):
        assert ask(agent, good, path)[0] == 404
    for method in ("PUT", "POST"):
        assert ask(agent, good, method=method)[0] == 405
    assert ask(agent, good)[0] == 200


def test_the_metadata_takes_no_workload(agent: Agent) -> None:
    """The token of a workload opens nothing of the metadata, nor the other way round."""
    token = agent.state.add_workload("crossed")
    status, _, _ = agent.ask("GET", "/latest/meta-data/", {"X-aws-ec2-metadata-token": token})
    assert status == 401
    assert ask(agent, {"Authorization": agent.token()})[0] == 401


def test_the_tokens_are_kept_as_hashes(agent: Agent) -> None:
    token = agent.state.add_workload("hashed")
    folder: Path = agent.state.directory
    for file in folder.rglob("*"):
        if file.is_file():
            assert token.encode() not in file.read_bytes()
            assert file.stat().st_mode & 0o077 == 0


def test_a_directory_that_others_can_read(agent: Agent) -> None:
    """Nobody is served from it, and the operator hears why; when it is private again, all are."""
    mine = {"Authorization": agent.state.add_workload("private")}
    workloads = agent.state.directory / "workloads"
    workloads.chmod(0o755)
    try:
        status, body = ask(agent, mine)
        assert (status, body["code"]) == (503, "Failed")
        assert str(workloads) not in str(body)
        assert "accessible to others" in agent.told[-1]
    finally:
        workloads.chmod(0o700)
    assert ask(agent, mine)[0] == 200


def test_without_a_role(server: Server, tmp_path: Path) -> None:
    made = hosts.host(server, "no-containers")
    with hosts.serving(hosts.enrolled(made, tmp_path / "agent")) as agent:
        good = {"Authorization": agent.state.add_workload("web")}
        assert ask(agent, good)[0] == 200
        made.ec2.disassociate_iam_instance_profile(AssociationId=made.association)
        agent.holding.refresh()
        assert ask(agent, good) == (404, {"code": "NoRole", "message": "The instance has no role."})
