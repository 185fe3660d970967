"""How long does an installation of a million keys take to start, and to answer its first request?

    python -m bench.million [--keys N] [--data DIR]

The keys are made in bulk, in one account, through the rooms that own their rows. Then a fresh
process opens the directory and answers signed requests; each time is wall time, with the CPU time
of the process beside it. A directory that is there already is measured as it is.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from bench.signed import signed_request
from keystead.custody.seals.root import FileSeal
from keystead.kms.keys.records import KeyRecord
from keystead.policy.evaluation.decision import Permit
from keystead.server.door.peers import Peer
from keystead.server.installation import founding
from keystead.server.installation.config import Config
from keystead.server.installation.founding import Choices
from keystead.server.installation.installation import Installation, lock
from keystead.times import microseconds
from keystead.wire.http import Endpoint, HttpRequest

REGION = "us-east-1"
TOGETHER = 10_000  # keys of one commit
MEASURED = 200  # requests for keys that were not asked for before


class Owner:
    """The account, as custody's permit needs it."""

    def __init__(self, account: str) -> None:
        self.owner = account


def build(directory: Path, count: int) -> None:
    """An installation with so many keys, and the credentials and some key ids beside it."""
    now = datetime.now(UTC)
    held = lock(directory / "data")
    founded = founding.found(directory / "data", Choices(FileSeal(), REGION, "http://x"), now)
    installation = Installation(_config(directory), held)
    policy = json.dumps(
        {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{founded.account_id}:root"},
             "Action": "kms:*", "Resource": "*"}]}
    )  # fmt: skip
    sample = _first(installation, founded, policy)
    some: list[str] = []
    for start in range(0, count, TOGETHER):
        with installation.store.write(quiet=True) as transaction:
            some += [
                _add(installation, transaction, sample, policy, now)
                for _ in range(min(TOGETHER, count - start))
            ]
        installation.store.flush()
        print(f"\r{start + TOGETHER} keys", end="", file=sys.stderr)
    installation.remember_time()  # signed, with the state
    installation.close()
    (directory / "some.json").write_text(
        json.dumps(
            {
                "access_key_id": founded.access_key.access_key_id,
                "secret": founded.access_key.secret,
                "keys": Random(1).sample(some, min(MEASURED, len(some))),
            }
        )
    )


def _first(installation: Installation, founded: Any, policy: str) -> KeyRecord:
    """A key that the server made: what all others are copies of."""
    body = json.dumps({"Policy": policy}).encode()
    request = _request(
        founded.access_key.access_key_id, founded.access_key.secret, "CreateKey", body
    )
    response = installation.pipeline.answer(request, _PEER).response
    installation.commit()
    if response.status != HTTPStatus.OK:
        raise RuntimeError(response.body)
    reader = installation.store.read()
    return installation.keys.keys_after(reader, founded.account_id, REGION, "", 1)[0]


def _add(
    installation: Installation, transaction: Any, sample: KeyRecord, policy: str, now: datetime
) -> str:
    key_id = str(uuid.uuid4())
    permit = Permit.for_system(Owner(sample.account), "kms:CreateKey", "a benchmark")
    secret = installation.custody.generate(permit, sample.key_spec).do().value
    material = installation.custody.create_material(
        transaction, permit, sample.account, key_id, now, key_spec=sample.key_spec, secret=secret
    )
    record = msgspec.structs.replace(
        sample, key_id=key_id, material_id=material, created_us=microseconds(now), row_version=1
    )
    root = f"arn:aws:iam::{sample.account}:root"
    installation.keys.add_key(transaction, record, policy, {root: sample.account})
    return key_id


_PEER = Peer("127.0.0.1", trusted=False, loopback=True)


def _request(access_key_id: str, secret: str, operation: str, body: bytes) -> HttpRequest:
    headers = signed_request(access_key_id, secret, operation, body)
    return HttpRequest("POST", "/", "", headers, body, "127.0.0.1", False, Endpoint())


def measure(directory: Path) -> None:
    """The figures of a fresh process."""
    some = json.loads((directory / "some.json").read_text())
    who = (some["access_key_id"], some["secret"])
    wall, cpu = time.perf_counter(), time.process_time()
    installation = Installation(_config(directory), lock(directory / "data"))
    _tell("start", wall, cpu)
    for place, key in enumerate(some["keys"][:3]):
        request = _request(*who, "Encrypt", _encrypt(key))
        _tell(("first request", "second", "third")[place], *_timed(installation, request))
    rest = [_request(*who, "Encrypt", _encrypt(key)) for key in some["keys"][3:]]
    wall, cpu = time.perf_counter(), time.process_time()
    for request in rest:
        _timed(installation, request)
    _tell(f"each of {len(rest)} new keys", wall, cpu, len(rest))
    creating = [_request(*who, "CreateKey", json.dumps({"Tags": []}).encode()) for _ in range(100)]
    wall, cpu = time.perf_counter(), time.process_time()
    for request in creating:
        _timed(installation, request)
    _tell("CreateKey", wall, cpu, len(creating))
    installation.close()


def _config(directory: Path) -> Config:
    return Config(data=str(directory / "data"), regions=(REGION,), request_quotas=False)


def _encrypt(key: str) -> bytes:
    return json.dumps({"KeyId": key, "Plaintext": "AAAA"}).encode()


def _timed(installation: Installation, request: HttpRequest) -> tuple[float, float]:
    """Answer a request and make its turn durable; when that began."""
    began = time.perf_counter(), time.process_time()
    response = installation.pipeline.answer(request, _PEER).response
    installation.commit()
    if response.status != HTTPStatus.OK:
        raise RuntimeError(response.body)
    return began


def _tell(what: str, wall: float, cpu: float, times: int = 1) -> None:
    took = (time.perf_counter() - wall) / times * 1e3
    used = (time.process_time() - cpu) / times * 1e3
    print(f"{what:28}{took:9.2f} ms{used:9.2f} ms CPU", flush=True)


def main() -> None:
    """Build unless it is there, then measure in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--measure", action="store_true")
    given = parser.parse_args()
    directory = given.data or Path(tempfile.mkdtemp(prefix="keystead-million-"))
    if given.measure:
        measure(directory)
        return
    if not (directory / "some.json").exists():
        build(directory, given.keys)
    again = [sys.executable, "-m", "bench.million", "--measure", "--data", str(directory)]
    subprocess.run(again, check=True)


if __name__ == "__main__":
    main()
