"""A running server that reads its settings again, and two endpoints of KMS."""

import signal
import socket
from pathlib import Path

from tests.conftest import OTHER_REGION, REGION, Server, free_port
from tests.network.coming import ALL, VPC, Network, Wire, document
from tests.patience import wait_until

LIST: tuple[str, dict[str, str]] = ("ListKeys", {})


class Running:
    """A server whose settings stand in a file, and two endpoints; nothing comes through OTHER."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "keystead.toml"
        self.file.touch()
        self.server = Server(directory / "data", free_port(), program=())
        self.server.start("--config", str(self.file), "--region", OTHER_REGION)
        self.network = Network(self.server)
        self.ec2 = self.server.client("ec2")
        self.endpoint, self.other = self.made(), self.made()
        self.ec2.modify_vpc_endpoint(
            VpcEndpointId=self.other, PolicyDocument=document({**ALL, "Action": "kms:Nothing"})
        )
        self.port = free_port()

    def made(self, service: str = f"com.amazonaws.{REGION}.kms", **members: str) -> str:
        endpoint = self.ec2.create_vpc_endpoint(
            VpcEndpointType="Interface", VpcId=VPC, ServiceName=service, **members
        )
        return str(endpoint["VpcEndpoint"]["VpcEndpointId"])

    def write(self, **settings: list[str] | str | int) -> None:
        """What the server reads next."""
        self.file.write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))

    def reload(self, said: str, **settings: list[str] | str) -> str:
        """Write these settings, send SIGHUP, and wait for a line of the log that has this."""
        self.write(**settings)
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
