"""Signed requests byte by byte: what no SDK would send, signed by botocore's own signer."""

import http.client
import json
import re
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from tests.conftest import REGION, Credentials, Server
from tests.patience import PATIENCE

IDLE_SECONDS = 30  # half of what the server waits for the next request
TARGETS = {"kms": "TrentService", "organizations": "AWSOrganizationsV20161128",
           "cloudtrail": "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
           "keystead-instances": "KeysteadInstances_20261130"}  # fmt: skip
VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15", "ec2": "2016-11-15"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The error's code in either protocol; "" for a success."""
        if self.status < 400:
            return ""
        if "x-amzn-errortype" in self.headers:
            return self.headers["x-amzn-errortype"]
        found = re.search(rb"<Code>([^<]+)</Code>", self.body)
        return found[1].decode() if found else self.body.decode(errors="replace")

    @property
    def message(self) -> str:
        """The error's text."""
        if self.body.startswith(b"{"):
            document = json.loads(self.body)
            return str(document.get("message", document.get("Message", "")))
        found = re.search(rb"<Message>([^<]*)</Message>", self.body)
        return found[1].decode() if found else ""

    @property
    def request_id(self) -> str:
        return self.headers.get("x-amzn-requestid", "")


class Wire:
    """One keep-alive connection that sends signed requests."""

    def __init__(self, server: Server, who: Credentials | None = None) -> None:
        self.server = server
        self.who = who or server.admin
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        self.last = time.monotonic()

    def send(
        self,
        service: str,
        body: bytes,
        headers: dict[str, str],
        *,
        path: str = "/",
        method: str = "POST",
    ) -> Answer:
        """Sign and send; the signature covers `headers`."""
        if time.monotonic() - self.last > IDLE_SECONDS:
            self.connection.close()  # the server is about to; the next request opens it again
        self.last = time.monotonic()
        request = AWSRequest(method, f"{self.server.endpoint}{path}", data=body, headers=headers)
        signer = BotoCredentials(self.who.access_key_id, self.who.secret)
        SigV4Auth(signer, service, REGION).add_auth(request)
        signed = {**dict(request.headers.items()), "Content-Length": str(len(body))}
        try:
            self.connection.request(method, path, body, signed)
            answer = self.connection.getresponse()
            return Answer(
                answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
            )
        except (http.client.HTTPException, OSError):
            self.connection.close()
            raise

    def json(self, service: str, operation: str, body: bytes) -> Answer:
        """A call of a JSON service with these bytes as its body."""
        target = {"X-Amz-Target": f"{TARGETS[service]}.{operation}"}
        return self.send(service, body, {"Content-Type": "application/x-amz-json-1.1", **target})

    def kms(self, operation: str, body: bytes) -> Answer:
        """A KMS call with these bytes as its body."""
        return self.json("kms", operation, body)

    def query(self, service: str, operation: str, parameters: list[tuple[str, str]]) -> Answer:
        """An IAM or STS call with these parameters."""
        body = urlencode(
            [("Action", operation), ("Version", VERSIONS[service]), *parameters]
        ).encode()
        return self.send(
            service, body, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        )
