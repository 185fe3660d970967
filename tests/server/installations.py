"""An installation in this process: real rooms, a clock that a test moves, no sockets."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from keystead.audit.records.event import Event
from keystead.custody import hierarchy
from keystead.custody.proofs.passwords import Cost, Passwords
from keystead.custody.seals.root import FileSeal
from keystead.identity.federation import Network
from keystead.server.installation import founding
from keystead.server.installation.config import Config
from keystead.server.installation.founding import Choices, Founded
from keystead.server.installation.installation import Installation
from keystead.server.installation.opening import lock
from keystead.server.lane import pool as pools
from keystead.server.pipeline import Again, Later
from keystead.store.lock import DirectoryLock
from keystead.wire.http import Endpoint, HttpRequest
from keystead.work import Outcome, Undone
from tests.patience import PATIENCE
from tests.raw import TARGETS

REGION, OTHER_REGION = "us-east-1", "us-west-2"
ENDPOINT = "http://127.0.0.1:8420"

# A worker that the machine lets wait is no reason to throttle a call (`test_work` is about that).
pools.WAIT_SECONDS = PATIENCE


@dataclass
class Time:
    """Wall and monotonic time, which stand still until a test moves them.

    So no test depends on how long this machine takes, or on the part of a second in which it began.
    """

    ahead: timedelta = timedelta()
    began: datetime | None = field(
        default_factory=lambda: datetime.now(UTC).replace(microsecond=250_000)
    )
    """None: the wall clock goes, for signatures that a server in another process looks at."""
    monotonic: float = 1_000.0

    def wall(self) -> datetime:
        return (self.began or datetime.now(UTC)) + self.ahead

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

    def request(
        self, service: str, body: bytes, who: BotoCredentials | None = None, *, path: str = "/",
        region: str = REGION, method: str = "POST", query: str = "", **headers: str,
    ) -> HttpRequest:  # fmt: skip
        """A request as an SDK signs it, for the administrator; `headers` with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        target = f"{ENDPOINT}{path}?{query}" if query else f"{ENDPOINT}{path}"
        request = AWSRequest(method, target, data=body, headers=named)
        signer = SigV4Auth(who or self.admin, service, region)
        now = self.time.wall().replace(tzinfo=None)
        with patch("botocore.auth.get_current_datetime", lambda **_: now):
            signer.add_auth(request)
        received = {"host": "127.0.0.1:8420", "user-agent": "test"}
        received.update({k.lower(): str(v) for k, v in request.headers.items()})
        return HttpRequest(method, path, query, received, body, "127.0.0.1", False, Endpoint())

    @property
    def admin(self) -> BotoCredentials:
        """The administrator's access key."""
        key = self.founded.access_key
        return BotoCredentials(key.access_key_id, key.secret)

    def json_request(
        self, service: str, operation: str, who: BotoCredentials | None = None,
        region: str = REGION, **members: Any,
    ) -> HttpRequest:  # fmt: skip
        headers = {
            "Content_Type": "application/x-amz-json-1.1",
            "X_Amz_Target": f"{TARGETS[service]}.{operation}",
        }
        return self.request(service, json.dumps(members).encode(), who, region=region, **headers)

    def kms_request(
        self, operation: str, who: BotoCredentials | None = None, **members: Any
    ) -> HttpRequest:
        return self.json_request("kms", operation, who, **members)

    def iam_request(
        self, action: str, who: BotoCredentials | None = None, **members: str
    ) -> HttpRequest:
        return self._form_request("iam", "2010-05-08", action, who, members)

    def sts_request(
        self, action: str, who: BotoCredentials | None = None, **members: str
    ) -> HttpRequest:
        return self._form_request("sts", "2011-06-15", action, who, members)

    def _form_request(
        self, service: str, version: str, action: str, who: BotoCredentials | None,
        members: dict[str, str],
    ) -> HttpRequest:  # fmt: skip
        form = urlencode({"Action": action, "Version": version, **members})
        return self.request(
            service, form.encode(), who, Content_Type="application/x-www-form-urlencoded"
        )

    def new_key(self, user: str) -> BotoCredentials:
        """A new access key of a user."""
        body = self.iam("CreateAccessKey", UserName=user).body.decode()
        names = ("AccessKeyId", "SecretAccessKey")
        return BotoCredentials(*(body.split(f"<{name}>")[1].split("<")[0] for name in names))

    def send(self, request: HttpRequest) -> Answered:
        """Answer a request and make its turn durable; what it leaves as work is done, too."""
        asked: HttpRequest | Again = request
        while isinstance(answer := self.installation.pipeline.answer_all([asked], 0.0)[0], Later):
            self.installation.commit()
            ended: SimpleQueue[Outcome | Undone] = SimpleQueue()
            answer.begin(ended.put)
            asked = answer.after(ended.get(timeout=PATIENCE))
        response = answer.response
        self.installation.commit()
        return Answered(response.status, dict(response.headers), response.body)

    def kms(self, operation: str, who: BotoCredentials | None = None, **members: Any) -> Answered:
        return self.send(self.kms_request(operation, who, **members))

    def organizations(self, operation: str, **members: Any) -> Answered:
        return self.send(self.json_request("organizations", operation, **members))

    def iam(self, action: str, who: BotoCredentials | None = None, **members: str) -> Answered:
        return self.send(self.iam_request(action, who, **members))

    def sts(self, action: str, who: BotoCredentials | None = None, **members: str) -> Answered:
        return self.send(self.sts_request(action, who, **members))


def choices() -> Choices:
    return Choices(FileSeal(), REGION, ENDPOINT)


def open_local(directory: Path, network: Network | None = None, **settings: Any) -> Local:
    """Make an installation and open it. Its clocks stand still, so calls are not counted."""
    time = Time()
    held = lock(directory)
    settings = {"request_quotas": False, **settings}
    founded = found(directory, time.wall())
    return _opened(directory, held, founded, time, network, **settings)


def found(directory: Path, now: datetime) -> Founded:
    """Make an installation. The hash of its first password, the dearest of it, costs the least."""
    with patch.object(hierarchy, "Passwords", _cheap_passwords):
        return founding.found(directory, choices(), now)


def _cheap_passwords(pepper: bytes) -> Passwords:
    return Passwords(pepper, Cost(passes=2, memory_kib=19 * 1024, lanes=1))


def reopen(local: Local, **settings: Any) -> Local:
    """Close an installation and open it again, as the next process does."""
    local.installation.close()
    return opened(local, **settings)


def opened(local: Local, **settings: Any) -> Local:
    """An installation that is closed, opened again."""
    directory = local.installation.directory
    settings = {"request_quotas": False, **settings}
    return _opened(directory, lock(directory), local.founded, local.time, **settings)


def _opened(
    directory: Path, held: DirectoryLock, founded: Founded, time: Time,
    network: Network | None = None, **settings: Any,
) -> Local:  # fmt: skip
    settings = {"regions": (REGION, OTHER_REGION), **settings}
    installation = Installation(
        Config(str(directory), **settings), held,
        wall=time.wall, monotonic=lambda: time.monotonic, network=network,
    )  # fmt: skip
    local = Local(installation, founded, time)
    record = installation.trail.record

    def remember(event: Event) -> None:
        local.events.append(event)
        record(event)

    installation.trail.record = remember  # type: ignore[method-assign]  # seen, and recorded
    return local
