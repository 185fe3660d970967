"""Instances of one server, and their agents: in this process, with a clock of the test's."""

import asyncio
import http.client
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic_ns
from typing import Any

from keystead.agent.enrolling import enrol
from keystead.agent.holding import Holding
from keystead.agent.running import Where, run
from keystead.agent.server import Server as Upstream
from keystead.agent.state import State
from tests.conftest import BIN, REGION, Server, policy
from tests.patience import wait_until

TRUST = policy(
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
)
MAY = {"Effect": "Allow", "Action": ["kms:*", "sts:*"], "Resource": "*"}
ROLE = "web"


class Time:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Host:
    """One instance, registered, with a profile of its own and a role in it."""

    server: Server
    instance_id: str
    name: str
    association: str = ""

    @property
    def ec2(self) -> Any:
        return self.server.client("ec2")

    @property
    def iam(self) -> Any:
        return self.server.client("iam")

    def token(self) -> str:
        """A token of enrolment, as the administrator mints it."""
        return mint(self.server, self.instance_id)


def mint(server: Server, instance_id: str, **environment: str) -> str:
    """Mint a token by the command line; by default as the administrator."""
    ran = instance_token(server, instance_id, **environment)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def instance_token(
    server: Server, instance_id: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    admin = server.admin
    return subprocess.run(
        [BIN / "keystead", "instance", "enrolment-token", instance_id],
        capture_output=True, text=True, check=False, timeout=60,
        env={
            "PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": server.endpoint, "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": admin.access_key_id, "AWS_SECRET_ACCESS_KEY": admin.secret,
            **environment,
        },
    )  # fmt: skip


def register(server: Server, *options: str) -> str:
    """Register a host; its id."""
    ran = operate(server, "register", "--json", *options)
    assert ran.returncode == 0, ran.stderr
    return str(json.loads(ran.stdout)["InstanceId"])


def operate(server: Server, verb: str, *options: str) -> "subprocess.CompletedProcess[str]":
    """The operator's command about instances of the first account; other tests make more."""
    account = server.client("sts").get_caller_identity()["Account"]
    return server.keystead("instance", verb, "--account-id", account, *options)


def host(server: Server, name: str, *options: str) -> Host:
    """A new instance with the profile and the role of this name."""
    iam = server.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(MAY))
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    made = Host(server, register(server, *options), name)
    made.association = server.client("ec2").associate_iam_instance_profile(
        IamInstanceProfile={"Name": name}, InstanceId=made.instance_id
    )["IamInstanceProfileAssociation"]["AssociationId"]
    return made


@dataclass
class Agent:
    """An agent in a thread of the test's process."""

    state: State
    holding: Holding
    time: Time
    told: list[str] = field(default_factory=list)
    metadata: str = ""
    containers: str = ""
    loop: Any = None
    stop: Any = None
    thread: threading.Thread | None = None

    def start(self, address: str = "127.0.0.1") -> None:
        ready = threading.Event()

        def started(metadata: Any, containers: Any) -> None:
            [self.metadata], [self.containers] = metadata, containers
            ready.set()

        async def serve() -> None:
            self.loop, self.stop = asyncio.get_running_loop(), asyncio.Event()
            where = Where([(address, 0)], [(address, 0)], started)
            await run(self.state, self.holding, where, self.stop)

        self.thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        self.thread.start()
        assert ready.wait(60)

    def end(self) -> None:
        assert self.thread is not None
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(60)
        assert not self.thread.is_alive()

    @property
    def port(self) -> int:
        return int(self.metadata.rpartition(":")[2])

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, port: int = 0
    ) -> tuple[int, str, Mapping[str, str]]:
        """One request to the metadata, or to another port: status, body, headers."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=30)
        try:
            connection.request(method, path, headers=dict(headers or {}))
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, answer.read().decode(), named
        finally:
            connection.close()

    def token(self, seconds: int = 60) -> str:
        headers = {"X-aws-ec2-metadata-token-ttl-seconds": str(seconds)}
        status, token, _ = self.ask("PUT", "/latest/api/token", headers)
        assert status == 200
        return token

    def get(self, path: str) -> tuple[int, str]:
        """What stands at a path, with a token."""
        status, body, _ = self.ask("GET", path, {"X-aws-ec2-metadata-token": self.token()})
        return status, body

    def secret(self, role: str) -> dict[str, str]:
        """The credentials of a role, as programs get them."""
        status, body = self.get(f"/latest/meta-data/iam/security-credentials/{role}")
        assert status == 200, body
        found: dict[str, str] = json.loads(body)
        return found


def enrolled(made: Host, folder: Path, *, seconds: int = 21_600) -> Agent:
    """An agent that is enrolled for this instance; it does not serve yet."""
    state, time = State(folder), Time()
    enrol(state, Upstream(made.server.endpoint), "", made.token(), time.now)
    return agent(state, time, seconds=seconds)


def agent(state: State, time: Time, *, seconds: int = 21_600) -> Agent:
    """An agent with what its directory holds; it asks the server only when the test says so."""
    told: list[str] = []
    holding = Holding(state, told.append, seconds=seconds, clock=time.now, poll=3600)
    return Agent(state, holding, time, told)


@contextmanager
def serving(one: Agent) -> Iterator[Agent]:
    one.start()
    try:
        yield one
    finally:
        one.end()


def caller(server: Server, secret: Mapping[str, str], service: str = "sts") -> Any:
    """A client with credentials that the agent handed out."""
    import boto3  # noqa: PLC0415  # only here
    from botocore.config import Config  # noqa: PLC0415  # as above

    return boto3.client(
        service, region_name=REGION, endpoint_url=server.endpoint,
        aws_access_key_id=secret["AccessKeyId"], aws_secret_access_key=secret["SecretAccessKey"],
        aws_session_token=secret["Token"], config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip


class Process:
    """The agent as a user starts it."""

    def __init__(self, folder: Path, *options: str, program: tuple[str, ...] = ()) -> None:
        self.log = folder.parent / f"{folder.name}-{monotonic_ns()}.log"
        with self.log.open("ab") as lines:
            self.process = subprocess.Popen(
                [*program, str(BIN / "keystead"), "metadata", "serve", "--state", str(folder),
                 *options],
                stdout=lines, stderr=lines,
            )  # fmt: skip

    def url(self, name: str) -> str:
        """The value of a variable that it tells."""

        def found() -> str:
            assert self.process.poll() is None, self.log.read_text()
            lines = [x for x in self.log.read_text().splitlines() if f"{name}=" in x]
            return lines[-1].partition(f"{name}=")[2] if lines else ""

        wait_until(found)
        return found()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=30)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)
