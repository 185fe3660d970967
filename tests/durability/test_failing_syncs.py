"""Under traffic a sync fails: the server ends, and the next start has all that it acknowledged."""

import json
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.conftest import Server, free_port
from tests.patience import PATIENCE

WORKERS = 3
CALLS = 12  # of each worker before the sync fails


@dataclass
class Traffic:
    """Changes and reads, one after the other, until nobody answers."""

    server: Server
    number: int
    users: set[str] = field(default_factory=set)
    acknowledged: list[str] = field(default_factory=list)  # request ids
    refused: list[int] = field(default_factory=list)  # statuses, in order
    after: list[str] = field(default_factory=list)  # acknowledged after the first refusal
    ready: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        iam, kms = self.server.client("iam"), self.server.client("kms")
        for count in range(1_000_000):
            name = f"w{self.number}-{count}"
            try:
                made = iam.create_user(UserName=name) if count % 2 else kms.list_keys()
            except ClientError as error:
                self.refused.append(error.response["ResponseMetadata"]["HTTPStatusCode"])
                continue
            except (BotoCoreError, OSError):
                return
            self.acknowledged.append(made["ResponseMetadata"]["RequestId"])
            if count % 2:
                self.users.add(name)
            if self.refused:
                self.after.append(name)
            if count == CALLS:
                self.ready.set()


@pytest.mark.parametrize("file", ["keystead.db-wal", "records-", "checkpoints.jsonl"])
def test_a_failed_sync_under_traffic(tmp_path: Path, file: str) -> None:
    """Nobody is told a success after it, the process ends, and a restart has lost nothing."""
    data, order = tmp_path / "data", tmp_path / "order"
    failing = (sys.executable, "-m", "tests.durability.failing_server", str(order))
    server = Server(data, free_port(), failing)
    server.start()
    traffic = [Traffic(server, number) for number in range(WORKERS)]
    threads = [threading.Thread(target=one.run, daemon=True) for one in traffic]
    for thread in threads:
        thread.start()
    for one in traffic:
        assert one.ready.wait(PATIENCE)
    order.with_suffix(".new").write_text(file)
    order.with_suffix(".new").rename(order)
    assert server.process is not None
    assert server.process.wait(timeout=PATIENCE) == 1
    for thread in threads:
        thread.join(timeout=PATIENCE)

    assert not order.exists()
    assert {status for one in traffic for status in one.refused} <= {503}
    assert [name for one in traffic for name in one.after] == []
    again = Server(data, server.port)
    again.start()
    pages = again.client("iam").get_paginator("list_users").paginate()
    users = {user["UserName"] for page in pages for user in page["Users"]}
    assert users >= {name for one in traffic for name in one.users}
    assert again.keystead("audit", "verify").returncode == 0
    shown = again.keystead("audit", "show", "--json", "--last", "1000000")
    recorded = {json.loads(line)["requestID"] for line in shown.stdout.splitlines()}
    assert recorded >= {each for one in traffic for each in one.acknowledged}
    assert again.stop() == 0
