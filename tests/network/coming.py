"""Requests that come through endpoints: a server with listeners, and a balancer of our own."""

import http.client
import json
import os
import socket
import ssl
import struct
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import Config
from botocore.credentials import Credentials as BotoCredentials

from tests.conftest import BIN, REGION, Credentials, Server, free_port
from tests.patience import PATIENCE, wait_until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
VPC, OTHER_VPC = "vpc-0123456789abcdef0", "vpc-0123456789abcdef1"
ALL = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack(">BH", kind, len(value)) + value


def preface(
    endpoint: str = "",
    source: str = "10.1.0.7",
    *,
    command: int = 0x21,
    tlvs: bytes = b"",
) -> bytes:
    """A preface as AWS's network load balancers send it."""
    family, size = (0x21, socket.AF_INET6) if ":" in source else (0x11, socket.AF_INET)
    target = "fd00::1" if ":" in source else "10.1.0.1"
    body = socket.inet_pton(size, source) + socket.inet_pton(size, target)
    body += struct.pack(">HH", 50000, 443)
    if endpoint:
        body += tlv(0xEA, b"\x01" + endpoint.encode())
    body += tlvs
    return SIGNATURE + struct.pack(">BBH", command, family, len(body)) + body


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


@dataclass
class Network:
    """A running server with listeners of endpoints, and one for balancers."""

    server: Server
    ports: dict[str, int] = field(default_factory=dict)  # by endpoint id
    proxy: int = 0
    host: str = "127.0.0.1"  # of the listeners of endpoints
    certificates: Path | None = None

    @classmethod
    def create(
        cls,
        directory: Path,
        services: Sequence[str],
        *,
        host: str = "127.0.0.1",
        certificates: Path | None = None,
    ) -> "Network":
        """A server with an endpoint for each of these services, in one VPC, and its listeners."""
        server = Server(directory / "data", free_port())
        server.start()
        ec2 = server.client("ec2")
        network = cls(server, host=host)
        for service in services:
            made = ec2.create_vpc_endpoint(
                VpcEndpointType="Interface", VpcId=VPC,
                ServiceName=f"com.amazonaws.{REGION}.{service}",
            )  # fmt: skip
            network.ports[made["VpcEndpoint"]["VpcEndpointId"]] = free_port()
        network.proxy = free_port()
        assert server.stop() == 0
        network.start(certificates)
        return network

    def start(self, certificates: Path | None = None) -> None:
        """Start the server with its listeners, with TLS if there is a directory of certificates."""
        self.certificates = certificates
        bound = [f"{self.host}:{port}={name}" for name, port in self.ports.items()]
        environment = {
            **os.environ,
            "KEYSTEAD_ENDPOINT_LISTEN": ",".join(bound),
            "KEYSTEAD_PROXY_LISTEN": f"127.0.0.1:{self.proxy}",
            "KEYSTEAD_TRUSTED_BALANCERS": "127.0.0.1/32",
            "KEYSTEAD_ALLOW_PLAIN_HTTP": "true",
        }
        if certificates is not None:
            environment["KEYSTEAD_TLS_CERTIFICATE"] = str(certificates / "cert.pem")
            environment["KEYSTEAD_TLS_KEY"] = str(certificates / "key.pem")
        server = self.server
        with (server.data.parent / f"{server.data.name}.log").open("ab") as log:
            server.process = subprocess.Popen(
                [BIN / "keystead", "serve", "--data", server.data, "--region", REGION,
                 "--listen", f"127.0.0.1:{server.port}"],
                env=environment, stdout=log, stderr=log,
            )  # fmt: skip
        wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        assert self.server.process is not None
        assert self.server.process.poll() is None, self.server.log()
        try:
            wire = Wire(self.server.port, self.trusting)
            answer = wire.ask(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        except (OSError, http.client.HTTPException):
            return False
        wire.close()
        return answer.status == 200

    @property
    def trusting(self) -> ssl.SSLContext | None:
        """What a client connects with; None without TLS."""
        if self.certificates is None:
            return None
        return ssl.create_default_context(cafile=str(self.certificates / "ca.pem"))

    @property
    def endpoints(self) -> list[str]:
        return list(self.ports)

    def client(
        self, service: str, port: int, who: Credentials | None = None, *, region: str = REGION
    ) -> Any:
        """A boto3 client that connects to this port."""
        who = who or self.server.admin
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=f"{'https' if self.certificates else 'http'}://127.0.0.1:{port}",
            verify=str(self.certificates / "ca.pem") if self.certificates else None,
            aws_access_key_id=who.access_key_id,
            aws_secret_access_key=who.secret,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def signed(
        self,
        target: str,
        members: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        *,
        host: str = "kms.eu-central-1.amazonaws.com",
    ) -> bytes:
        """The bytes of a signed request of KMS."""
        sent = {
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"TrentService.{target}",
            "Host": host, **(headers or {}),
        }  # fmt: skip
        return self._wire("kms", json.dumps(members).encode(), sent)

    def form(self, service: str, parameters: Mapping[str, str]) -> bytes:
        """The bytes of a signed request of a service whose requests are forms."""
        sent = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Host": f"{service}.{REGION}.amazonaws.com",
        }
        return self._wire(service, urlencode(parameters).encode(), sent)

    def _wire(self, service: str, body: bytes, sent: Mapping[str, str]) -> bytes:
        request = AWSRequest("POST", f"http://{sent['Host']}/", data=body, headers=dict(sent))
        who = BotoCredentials(self.server.admin.access_key_id, self.server.admin.secret)
        SigV4Auth(who, service, REGION).add_auth(request)
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        head = "\r\n".join(["POST / HTTP/1.1", *lines, f"Content-Length: {len(body)}", "", ""])
        return head.encode() + body


class Wire:
    """One connection, byte by byte."""

    def __init__(
        self,
        port: int,
        context: ssl.SSLContext | None = None,
        begin: bytes = b"",
        *,
        source: str = "127.0.0.1",
    ) -> None:
        sock = socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0))
        if begin:
            sock.sendall(begin)
        self.socket = (
            sock if context is None else context.wrap_socket(sock, server_hostname="127.0.0.1")
        )
        self._read = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> Answer:
        """The next answer. What was read beyond it is the beginning of the one after it."""
        status = self._read.readline().split(b" ")
        if len(status) < 2:
            raise ConnectionError("the connection ended without an answer")
        headers = http.client.parse_headers(self._read)
        return Answer(int(status[1]), self._read.read(int(headers["Content-Length"])))

    def ask(self, data: bytes) -> Answer:
        self.send(data)
        return self.answer()

    @property
    def ended(self) -> bool:
        """Does the server end the connection, without an answer?"""
        try:
            return self._read.read(1) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self._read.close()
        self.socket.close()
