"""Does a server that works for a while take more and more memory?

Clients call it in every way that needs nothing but a client, successes, refusals and strangers
mixed, with small and large bodies; meanwhile its memory is read from the system. What it takes at
first are caches that fill. After that, the straight line through what it took must not rise.

The store keeps pages of its file in memory, at most 32 MiB of them, and the file grows while calls
are denied: refusals are kept for days. So what the file may account for is taken off.
"""

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import boto3

from keystead.server.installation.founding import STORE_FILE
from tests.conftest import Credentials, Server, create_user
from tests.memory.kept import send
from tests.memory.served import Client
from tests.memory.ways import LARGE, SIGNS, SMALL, Caller, Way, from_outside
from tests.patience import PATIENCE
from tests.server.installations import REGION, Local, Time

PAGE = 4096
CLIENTS = 4
SAMPLE_SECONDS = 0.1
CACHED = 32 * 1024 * 1024  # bytes of its file that the store keeps in memory at most
SIGNED_ANEW = 60.0  # seconds; a signature is good for five minutes
ALLOWED = 8 * 1024 * 1024  # bytes by which the line may rise, whatever the number of calls


@dataclass(frozen=True, slots=True)
class Sample:
    """How much memory the server had after so many calls, without pages of its file."""

    calls: int
    bytes: int


@dataclass(slots=True)
class Soak:
    """One soak: what is sent to whom, and what was seen."""

    server: Server
    samples: list[Sample] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # what was answered otherwise than it should be
    calls: int = 0
    _ways: list[tuple[str, Way]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def connect(self) -> Client:
        return Client(self.server.port)

    def run(self, seconds: float, seed: int = 0, *, least: int = 0) -> None:
        """Call for so many seconds, and until there were so many calls, and sample."""
        people = self._people()
        self._sign(people)
        clients = [
            threading.Thread(target=self._call, args=(random.Random(seed + n),))
            for n in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        signed = time.monotonic()
        until = signed + seconds
        while time.monotonic() < until or (
            self.calls < least and time.monotonic() < until + PATIENCE
        ):
            time.sleep(SAMPLE_SECONDS)
            self.samples.append(Sample(self.calls, self._resident() - self._cached()))
            if time.monotonic() - signed > SIGNED_ANEW:
                signed = time.monotonic()
                self._sign(people)
        self._over.set()
        for client in clients:
            client.join()

    def _people(self) -> tuple[Local, Local, str, str]:
        """Who may everything, who may nothing, a key, and the ARN of one that signs."""
        admin, nobody = self.server.admin, create_user(self.server, "may-nothing")
        kms = boto3.client(
            "kms", region_name=REGION, endpoint_url=self.server.endpoint,
            aws_access_key_id=admin.access_key_id, aws_secret_access_key=admin.secret,
        )  # fmt: skip
        key_id = str(kms.create_key()["KeyMetadata"]["KeyId"])
        signing = str(kms.create_key(**SIGNS)["KeyMetadata"]["Arn"])
        return _signer(admin), _signer(nobody), key_id, signing

    def _sign(self, people: tuple[Local, Local, str, str]) -> None:
        admin, nobody, *keys = people
        self._ways = [
            each
            for longer in (SMALL, LARGE)
            for each in from_outside(Caller(admin, longer), Caller(nobody, longer), *keys).items()
        ]

    def _call(self, chance: random.Random) -> None:
        while not self._over.is_set():
            name, way = chance.choice(self._ways)
            try:
                send(self, way, way.together)
            except AssertionError as error:
                self.wrong.append(f"{name}: {error}")
            except OSError as error:  # who is refused before all is sent may see it so
                if not way.closes:
                    self.wrong.append(f"{name}: {error}")
            self.calls += way.together

    def _resident(self) -> int:
        assert self.server.process is not None
        statm = Path(f"/proc/{self.server.process.pid}/statm").read_text()
        return int(statm.split()[1]) * PAGE

    def _cached(self) -> int:
        return min((self.server.data / STORE_FILE).stat().st_size, CACHED)


@dataclass(frozen=True, slots=True)
class _Signing:
    """What is known of an installation from outside: an access key."""

    access_key: Credentials


def _signer(who: Credentials) -> Local:
    """Who signs from outside of the server."""
    return Local(cast("Any", None), cast("Any", _Signing(who)), Time(began=None))


def rise(samples: Sequence[Sample]) -> float:
    """By how many bytes the line rises over the later two thirds of the calls. (least squares)"""
    later = samples[len(samples) // 3 :]
    calls = sum(each.calls for each in later) / len(later)
    size = sum(each.bytes for each in later) / len(later)
    spread = sum((each.calls - calls) ** 2 for each in later)
    together = sum((each.calls - calls) * (each.bytes - size) for each in later)
    return together / spread * (later[-1].calls - later[0].calls) if spread else 0.0
