"""Requests that are signed once and sent again and again, over connections kept open.

A repeated request is taken inside of the clock window (threat-model AU-12), so that what the load
costs is the server's time and not that of signing.
"""

import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.conftest import REGION, Server
from tests.patience import PATIENCE
from tests.raw import TARGETS, VERSIONS

SIGNED_SECONDS = 100  # a third of the clock window


@dataclass
class Request:
    """One request of somebody, for as often as it is wanted."""

    server: Server
    who: Credentials
    service: str
    operation: str
    members: Mapping[str, Any]
    region: str = REGION
    _signed: bytes = b""
    _since: float = field(default=float("-inf"))

    def wire(self) -> bytes:
        """The request as it goes over the wire, signed a short time ago."""
        if time.monotonic() - self._since > SIGNED_SECONDS:
            self._signed, self._since = self._sign(), time.monotonic()
        return self._signed

    def _sign(self) -> bytes:
        if prefix := TARGETS.get(self.service):
            target = f"{prefix}.{self.operation}"
            headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
            body = json.dumps(self.members).encode()
        else:
            form = {"Action": self.operation, "Version": VERSIONS[self.service], **self.members}
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            body = urlencode(form).encode()
        request = AWSRequest("POST", f"{self.server.endpoint}/", data=body, headers=headers)
        SigV4Auth(self.who, self.service, self.region).add_auth(request)
        sent = {
            "Host": f"127.0.0.1:{self.server.port}",
            **dict(request.headers.items()),
            "Content-Length": str(len(body)),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        return f"POST / HTTP/1.1\r\n{head}\r\n".encode() + body


class Line:
    """A connection that is kept open."""

    def __init__(self, server: Server) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def ask(self, request: Request) -> int:
        """The status of the answer."""
        self._socket.sendall(request.wire())
        head = self._until(b"\r\n\r\n")
        status = int(head[9:12])
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        self._take(int(length or b"0"))
        return status

    def close(self) -> None:
        self._socket.close()

    def _until(self, end: bytes) -> bytes:
        while end not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(end)
        return head + b"\r\n"

    def _take(self, count: int) -> None:
        while len(self._rest) < count:
            self._more()
        self._rest = self._rest[count:]

    def _more(self) -> None:
        got = self._socket.recv(65_536)
        if not got:
            raise ConnectionError("the server closed the connection")
        self._rest += got
