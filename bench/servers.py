"""The servers that are compared: each started as its user would, on a loopback port of its own."""

import configparser
import http.client
import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"
SETUP_CALLS = 4  # of `prepared`, which moto lets through without authentication
WITHOUT_LIMIT = {"KEYSTEAD_REQUEST_QUOTAS": "false"}  # every call is counted all the same
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Server:
    """One running server and the user that the load comes from."""

    name: str
    command: list[str]
    port: int
    ready_path: str
    environment: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    start_seconds: float = 0.0
    access_key_id: str = ""
    secret: str = field(default="", repr=False)
    key_id: str = ""
    authority: str = ""  # the file of certificates that its clients trust: over TLS

    @property
    def endpoint(self) -> str:
        return f"{'https' if self.authority else 'http'}://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        if self.process is None:
            raise RuntimeError(f"{self.name} is not running")
        return self.process.pid

    def start(self, log: Path) -> None:
        """Start it and measure how long it takes until it is ready."""
        began = time.perf_counter()
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.environment},
                stdout=output,
                stderr=output,
            )
        while not self._is_ready():
            if self.process.poll() is not None or time.perf_counter() - began > 30:
                raise RuntimeError(f"{self.name} did not start; see {log}")
            time.sleep(0.002)
        self.start_seconds = time.perf_counter() - began

    def _is_ready(self) -> bool:
        connection = self._connection()
        try:
            connection.request("GET", self.ready_path)
            return connection.getresponse().status == 200
        except OSError:
            return False

    def _connection(self) -> http.client.HTTPConnection:
        if not self.authority:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        context = ssl.create_default_context(cafile=self.authority)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5, context=context)

    def stop(self) -> None:
        """Stop it and wait for its end."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def pause(self) -> None:
        """Let it use no CPU while another is measured."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def cpu_seconds(self) -> float:
        """User and system time of the process until now."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_mb(self) -> float:
        """Resident memory now."""
        return self._memory("VmRSS:")

    def peak_mb(self) -> float:
        """The most resident memory since `forget_peak`."""
        return self._memory("VmHWM:")

    def forget_peak(self) -> None:
        """Let the peak be what is resident now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def long_turns(self, bounds: Sequence[str]) -> list[int]:
        """How many turns of its loop took more than each of these bounds of its metric, in all."""
        connection = self._connection()
        connection.request("GET", "/metrics")
        prefix, counts = "keystead_long_turn_seconds_bucket{le=", {}
        for line in connection.getresponse().read().decode().splitlines():
            if line.startswith(prefix):
                bound, _, count = line.removeprefix(prefix).partition("} ")
                counts[bound.strip('"')] = int(float(count))
        connection.close()
        return [counts["+Inf"] - counts[bound] for bound in bounds]

    def _memory(self, name: str) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"no {name}")

    def client(self, service: str, access_key_id: str, secret: str) -> Any:
        """A boto3 client."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret,
            verify=self.authority or None,
            config=Config(retries={"total_max_attempts": 1}),
        )


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def keystead(binary: str, directory: Path) -> Server:
    """Keystead, on a new data directory."""
    port = free_port()
    data = directory / "data"
    command = [
        binary, "serve", "--data", str(data), "--listen", f"127.0.0.1:{port}", "--region", REGION
    ]  # fmt: skip
    # Another build, with which this one is compared, may be older than the quotas.
    asked = [binary, "config", "reference"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    known = {name: value for name, value in WITHOUT_LIMIT.items() if name in told}
    return Server("keystead", command, port, "/readyz", known)


def moto(binary: str) -> Server:
    """moto_server, checking signatures and policies after the set-up."""
    port = free_port()
    return Server(
        "moto_server",
        [binary, "-H", "127.0.0.1", "-p", str(port)],
        port,
        "/moto-api/",
        {"INITIAL_NO_AUTH_ACTION_COUNT": str(SETUP_CALLS)},
    )


def administrator(directory: Path) -> tuple[str, str]:
    """The access key that Keystead's first start wrote."""
    parser = configparser.ConfigParser()
    parser.read(directory / "data" / "aws" / "credentials")
    return parser["admin"]["aws_access_key_id"], parser["admin"]["aws_secret_access_key"]


def prepared(server: Server, who: tuple[str, str], policy: str) -> None:
    """Make the user whose calls are measured, and a key that it may use. (SETUP_CALLS)"""
    iam = server.client("iam", *who)
    iam.create_user(UserName="bench")
    key = iam.create_access_key(UserName="bench")["AccessKey"]
    iam.put_user_policy(UserName="bench", PolicyName="bench", PolicyDocument=policy)
    server.key_id = server.client("kms", *who).create_key()["KeyMetadata"]["KeyId"]
    server.access_key_id, server.secret = key["AccessKeyId"], key["SecretAccessKey"]
