"""What every test may use: a running server, its administrator, real clients, `refused`."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings

from tests import nursery
from tests.fast import (
    SAMPLE,
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_ignore_collect,
)
from tests.freeing import give_back
from tests.patience import PATIENCE, wait_until

__all__ = [
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_ignore_collect",
]  # pytest asks a conftest for them

# How fast the machine is at this moment is no property of the code (`make bench` measures). And
# what was drawn is none of a change: `--hypothesis-profile=searching` looks for new examples.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("searching", _UNTIMED)
settings.register_profile("untimed", _UNTIMED, derandomize=True)
settings.load_profile("untimed")

# Without kept bytecode, each server and each command would compile the whole source at its start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Tests make keys faster than AWS allows (docs/configuration.md).
os.environ.setdefault("KEYSTEAD_REQUEST_QUOTAS", "false")

BIN = Path(sys.executable).parent
REGION, OTHER_REGION = "eu-central-1", "us-west-2"


@pytest.fixture(scope="session")
def sample(pytestconfig: pytest.Config) -> int:
    """Of many like cases one in so many is tried: all of them but in `make fast`."""
    return SAMPLE if pytestconfig.getoption("--fast") else 1


_RESERVED: list[socket.socket] = []  # for as long as this process lives


def free_port() -> int:
    """A loopback port for a server of this process, however often that starts.

    It stays bound here, and nobody listens. So the kernel gives it to no connection and to no other
    process that asks for any port; a server that names it can bind it too (SO_REUSEADDR). It is
    bound for both families, because `localhost` is an address of both.
    """
    while True:
        reserved = _bound("127.0.0.1", 0)
        port = int(reserved.getsockname()[1])
        _RESERVED.append(reserved)
        try:
            _RESERVED.append(_bound("::1", port, socket.AF_INET6))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue
        return port  # also on a machine without IPv6


def _bound(host: str, port: int, family: int = socket.AF_INET) -> socket.socket:
    with ExitStack() as failing:
        bound = failing.enter_context(socket.socket(family))
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        failing.pop_all()
    return bound


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key."""

    access_key_id: str
    secret: str


@dataclass(slots=True)
class Server:
    """A Keystead server in a process of its own, as a user starts it."""

    data: Path
    port: int
    program: Sequence[str | Path] = (BIN / "keystead",)
    """Empty: the nursery forks it, and no interpreter starts."""
    process: "subprocess.Popen[bytes] | nursery.Forked | None" = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *options: str, region: str = REGION) -> None:
        """Start it and wait until it is ready."""
        log = self.data.parent / f"{self.data.name}.log"
        arguments = [
            "serve", "--data", str(self.data), "--listen", f"127.0.0.1:{self.port}",
            "--region", region, *options,
        ]  # fmt: skip
        if self.program:
            with log.open("ab") as lines:
                command = [*self.program, *arguments]
                self.process = subprocess.Popen(command, stdout=lines, stderr=lines)
        else:
            self.process = nursery.NURSERY.begin(arguments, log, log)
        wait_until(self._is_ready_or_gone, self.log)
        if self.process.poll() is not None:
            raise RuntimeError(f"the server did not become ready:\n{self.log()}")

    def _is_ready_or_gone(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            return True
        try:
            with urllib.request.urlopen(f"{self.endpoint}/readyz", timeout=PATIENCE) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def log(self) -> str:
        return (self.data.parent / f"{self.data.name}.log").read_text()

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=PATIENCE)
        self.process = None
        return status

    def kill(self) -> None:
        """SIGKILL: what a power switch does to a process."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=PATIENCE)
        self.process = None

    @property
    def admin(self) -> Credentials:
        """The administrator's access key, from the file that the first start wrote."""
        values: dict[str, str] = {}
        for line in (self.data / "aws" / "credentials").read_text().splitlines():
            name, separator, value = line.partition("=")
            if separator:
                values[name.strip()] = value.strip()
        return Credentials(values["aws_access_key_id"], values["aws_secret_access_key"])

    def metric(self, line: str) -> float:
        """The value of one line of the page of metrics, named as it begins; 0 without the line."""
        with urllib.request.urlopen(f"{self.endpoint}/metrics", timeout=PATIENCE) as answer:
            page = answer.read().decode()
        found = [each for each in page.splitlines() if each.startswith(f"{line} ")]
        return float(found[0].rpartition(" ")[2]) if found else 0.0

    def client(
        self, service: str, who: Credentials | None = None, region: str = REGION, **config: Any
    ) -> Any:
        """A boto3 client for this server; the administrator's unless told otherwise."""
        who = who or self.admin
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=who.access_key_id,
            aws_secret_access_key=who.secret,
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    def keystead(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command line on this server's data directory."""
        return nursery.run(*arguments, "--data", self.data)

    def new_account(self) -> tuple[str, Credentials]:
        """Another account, in which no other test did anything: its id, and a key of its root."""
        made = self.keystead("account", "create", "--json")
        assert made.returncode == 0, made.stderr
        told = json.loads(made.stdout)
        return told["AccountId"], Credentials(told["AccessKeyId"], told["SecretAccessKey"])

    def _commands(self) -> Path:
        """Where `aws` is: the installed script does not start from a path with a blank."""
        folder = self.data.parent / "commands"
        folder.mkdir(exist_ok=True)
        script = folder / "aws"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m awscli "$@"\n')
        script.chmod(0o700)
        return folder

    def environment(self) -> dict[str, str]:
        """The environment in which the AWS CLI is the administrator of this server."""
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
            "PATH": os.pathsep.join(map(str, (self._commands(), BIN, os.environ["PATH"]))),
            "AWS_CONFIG_FILE": str(self.data / "aws" / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.data / "aws" / "credentials"),
            "AWS_PROFILE": "admin",
            "AWS_PAGER": "",
            "AWS_MAX_ATTEMPTS": "1",
        }


@pytest.fixture(scope="module", autouse=True)
def _giving_back() -> Iterator[None]:
    """What the tests of a module have freed, this process does not hold on."""
    yield
    give_back()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One running server for the tests of a file, in which no other file's tests did anything."""
    running = Server(tmp_path_factory.mktemp("keystead") / "data", free_port(), program=())
    running.start("--region", OTHER_REGION)
    yield running
    assert running.stop() == 0, running.log()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, to be stopped, killed or locked out."""
    running = Server(tmp_path / "data", free_port(), program=())
    running.start("--region", OTHER_REGION)
    yield running
    if running.process is not None:
        running.kill()


@contextmanager
def refused(code: str, message: str | None = None) -> Iterator["pytest.ExceptionInfo[ClientError]"]:
    """The block must be refused with this code, and this text in its message."""
    with pytest.raises(ClientError) as caught:
        yield caught
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    if message is not None:
        assert message in error.get("Message", ""), error


def policy(*statements: dict[str, Any]) -> str:
    """A policy document of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def create_user(
    server: Server, name: str, *statements: dict[str, Any], by: Credentials | None = None
) -> Credentials:
    """A user with an access key and, if statements are given, an inline policy of them."""
    iam = server.client("iam", by)
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])
