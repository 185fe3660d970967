"""An installation in this process: real rooms, a clock that a test moves, no sockets."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from keystead.audit.event import Event
from keystead.custody.seals.root import FileSeal
from keystead.server.installation import founding
from keystead.server.installation.config import Config
from keystead.server.installation.founding import Choices, Founded
from keystead.server.installation.installation import Installation, lock
from keystead.wire.http import Endpoint, HttpRequest
from tests.raw import TARGETS

REGION = "us-east-1"
ENDPOINT = "http://127.0.0.1:8420"


@dataclass
class Time:
    """Wall and monotonic time, `ahead` of the machine's."""

    ahead: timedelta = timedelta()
    monotonic: float = 1_000.0

    def wall(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def passes(self, time: timedelta) -> None:
        self.ahead += time
        self.monotonic += time.total_seconds()


@dataclass
class Answered:
    """What the pipeline answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Local:
    """An installation, and its administrator who signs."""

    installation: Installation
    founded: Founded
    time: Time
    events: list[Event] = field(default_factory=list)

    def request(self, service: str, body: bytes, **headers: str) -> HttpRequest:
        """A request as an SDK signs it; `headers` with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = AWSRequest("POST", f"{ENDPOINT}/", data=body, headers=named)
        key = self.founded.access_key
        signer = SigV4Auth(BotoCredentials(key.access_key_id, key.secret), service, REGION)
        now = self.time.wall().replace(tzinfo=None)
        with patch("botocore.auth.get_current_datetime", lambda **_: now):
            signer.add_auth(request)
        received = {"host": "127.0.0.1:8420", "user-agent": "test"}
        received.update({k.lower(): str(v) for k, v in request.headers.items()})
        return HttpRequest("POST", "/", "", received, body, "127.0.0.1", False, Endpoint())

    def json_request(self, service: str, operation: str, **members: Any) -> HttpRequest:
        return self.request(
            service, json.dumps(members).encode(), Content_Type="application/x-amz-json-1.1",
            X_Amz_Target=f"{TARGETS[service]}.{operation}",
        )  # fmt: skip

    def kms_request(self, operation: str, **members: Any) -> HttpRequest:
        return self.json_request("kms", operation, **members)

    def iam_request(self, action: str, **members: str) -> HttpRequest:
        form = urlencode({"Action": action, "Version": "2010-05-08", **members})
        return self.request("iam", form.encode(), Content_Type="application/x-www-form-urlencoded")

    def send(self, request: HttpRequest) -> Answered:
        """Answer a request and make its turn durable."""
        response = self.installation.pipeline.answer(request).response
        self.installation.commit()
        return Answered(response.status, dict(response.headers), response.body)

    def kms(self, operation: str, **members: Any) -> Answered:
        return self.send(self.kms_request(operation, **members))

    def organizations(self, operation: str, **members: Any) -> Answered:
        return self.send(self.json_request("organizations", operation, **members))

    def iam(self, action: str, **members: str) -> Answered:
        return self.send(self.iam_request(action, **members))


def choices() -> Choices:
    return Choices(FileSeal(), REGION, ENDPOINT)


def open_local(directory: Path) -> Local:
    """Make an installation and open it."""
    time = Time()
    held = lock(directory)
    founded = founding.found(directory, choices(), time.wall())
    installation = Installation(
        Config(data=str(directory), regions=(REGION,)), held,
        wall=time.wall, monotonic=lambda: time.monotonic,
    )  # fmt: skip
    local = Local(installation, founded, time)
    record = installation.trail.record

    def remember(event: Event) -> None:
        local.events.append(event)
        record(event)

    installation.trail.record = remember  # type: ignore[method-assign]  # seen, and recorded
    return local
