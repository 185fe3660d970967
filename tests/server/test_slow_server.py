"""The slow lane of a running server: killed, stopped, and asked for more than it can do."""

import random
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from keystead.server.lane.lane import WORKERS
from keystead.work import PROCESSOR
from tests.conftest import REGION, Server, free_port
from tests.patience import wait_until
from tests.server.slow_operations import LONG, SLOW, SLOW_SECONDS

PROGRAM = (sys.executable, "-m", "tests.server.slow_server")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data", free_port(), PROGRAM)
    server.start()
    yield server
    if server.process is not None:
        server.kill()


def is_working(server: Server) -> bool:
    return server.metric("keystead_work_begun") > 0


def test_killed_while_work_is_done(server: Server) -> None:
    """After a kill at any moment, what was acknowledged is there and recorded."""
    kms = server.client("kms", max_pool_connections=8)
    keys = [kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(8)]
    acknowledged: dict[str, list[int]] = {key: [] for key in keys}

    def write(key: str, first: int) -> None:
        for number in range(first, first + 1000):
            try:
                kms.update_primary_region(KeyId=key, PrimaryRegion=f"eu-west-{number}")
            except ClientError as error:
                if error.response["Error"]["Code"] == "ThrottlingException":
                    continue
                return
            except BotoCoreError:
                return
            acknowledged[key].append(number)

    def count() -> int:
        return sum(map(len, acknowledged.values()))

    for kill in range(2):
        before = count()
        threads = [threading.Thread(target=write, args=(key, kill * 1000)) for key in keys]
        for thread in threads:
            thread.start()
        wait_until(lambda: count() > before)  # noqa: B023  # waited for here
        time.sleep(random.uniform(0, 0.5))  # when is all that varies
        server.kill()
        for thread in threads:
            thread.join()
        server.start()
    for key, numbers in acknowledged.items():
        described = kms.describe_key(KeyId=key)["KeyMetadata"]["Description"]
        last = int(described.rpartition("-")[2] or -1)
        assert last >= max(numbers, default=-1)  # the last one's answer may have been cut off
    assert server.stop() == 0
    verified = server.keystead("audit", "verify")
    assert verified.returncode == 0, verified.stderr
    logs = (server.data / "audit").glob("records-*")
    recorded = sum(log.read_bytes().count(b'"eventName":"UpdatePrimaryRegion"') for log in logs)
    assert recorded >= count()


def test_what_does_not_fit_is_throttled_and_retried(server: Server) -> None:
    """More work than fits is throttled; SDKs try again, and all have it in the end."""
    created = server.client("kms").create_key()["KeyMetadata"]["KeyId"]
    work = int(4 / SLOW_SECONDS) * WORKERS[PROCESSOR]  # twice what may wait

    def signing(attempts: int) -> Any:
        who = server.admin
        return boto3.client(
            "kms", region_name=REGION, endpoint_url=server.endpoint,
            aws_access_key_id=who.access_key_id, aws_secret_access_key=who.secret,
            config=Config(
                retries={"total_max_attempts": attempts, "mode": "legacy"},
                max_pool_connections=work,
            ),
        )  # fmt: skip

    def ask(kms: Any) -> str:
        try:
            kms.sign(KeyId=created, Message=SLOW, SigningAlgorithm="RSASSA_PSS_SHA_256")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    with ThreadPoolExecutor(work) as together:
        once = list(together.map(ask, [signing(1)] * work))
        tried = list(together.map(ask, [signing(12)] * work))
    assert set(once) == {"", "ThrottlingException"}
    assert set(tried) == {""}


def test_drained(server: Server) -> None:
    """A stop waits for work that is being done, and its caller has the answer."""
    kms = server.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    with ThreadPoolExecutor(8) as together:
        asked = [
            together.submit(
                kms.generate_mac, KeyId=key, Message=b"%d" % n, MacAlgorithm="HMAC_SHA_256"
            )
            for n in range(8)
        ]
        wait_until(lambda: is_working(server) or any(each.done() for each in asked))
        assert server.stop() == 0
        ended = [each.exception() for each in asked]
    # Whoever had been heard has an answer; a connection that came too late had none to get.
    assert all(error is None or isinstance(error, BotoCoreError) for error in ended)
    assert None in ended


def test_a_drain_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that goes on after the deadline costs its caller a 503, and holds up no exit."""
    monkeypatch.setenv("KEYSTEAD_DRAIN_SECONDS", "1")
    server = Server(tmp_path / "data", free_port(), PROGRAM)
    server.start()
    kms = server.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    with ThreadPoolExecutor(1) as together:
        asked = together.submit(
            kms.generate_mac, KeyId=key, Message=LONG, MacAlgorithm="HMAC_SHA_256"
        )
        wait_until(lambda: is_working(server))
        assert server.stop() == 0
        error = asked.exception()
    assert isinstance(error, ClientError)
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    logs = b"".join(log.read_bytes() for log in (server.data / "audit").glob("records-*"))
    assert logs.count(error.response["ResponseMetadata"]["RequestId"].encode()) == 1
