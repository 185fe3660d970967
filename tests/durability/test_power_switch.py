"""Nothing acknowledged is lost: the server is killed at random points, 200 times and more."""

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.conftest import Server, free_port
from tests.patience import PATIENCE, wait_until

KILLS_PER_CAMPAIGN = 52
CAMPAIGNS = 4
LONGEST_LIFE = 18  # calls that are acknowledged before the power goes


@dataclass(slots=True)
class Known:
    """What one worker knows of the server: acknowledged state, and the one call in flight."""

    users: set[str] = field(default_factory=set)
    descriptions: dict[str, str] = field(default_factory=dict)  # key id -> text
    policies: dict[str, str] = field(default_factory=dict)  # user name -> Sid of its policy
    pending: tuple[str, ...] = ()
    request_ids: list[str] = field(default_factory=list)


class Clients:
    """What one worker calls with. They are made once, and connect anew after each start."""

    def __init__(self, server: Server) -> None:
        self.iam, self.kms = server.client("iam"), server.client("kms")


class Worker(threading.Thread):
    """Changes users and keys of its own until the power goes."""

    def __init__(self, clients: Clients, known: Known, number: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.iam, self.kms = clients.iam, clients.kms
        self.known, self.number, self.random = known, number, random.Random(seed)
        self.fault: Exception | None = None

    def run(self) -> None:
        steps: list[Callable[[], None]] = [
            self.create_user,
            self.describe,
            self.put_policy,
            self.remove,
        ]
        try:
            while True:
                self.random.choice(steps)()
        except (BotoCoreError, OSError):
            return  # the power is gone; `pending` says what was in flight
        except ClientError as fault:
            self.fault = fault

    def call(
        self, function: Callable[..., dict[str, Any]], pending: tuple[str, ...], **members: Any
    ) -> dict[str, Any]:
        self.known.pending = pending
        answer = function(**members)
        self.known.request_ids.append(answer["ResponseMetadata"]["RequestId"])
        return answer

    def done(self) -> None:
        self.known.pending = ()

    def create_user(self) -> None:
        name = f"w{self.number}-{self.random.getrandbits(64):x}"
        self.call(self.iam.create_user, ("create user", name), UserName=name)
        self.known.users.add(name)
        self.done()

    def describe(self) -> None:
        text = f"{self.random.getrandbits(64):x}"
        if len(self.known.descriptions) < 3:
            made = self.call(self.kms.create_key, ("create key", text), Description=text)
            self.known.descriptions[made["KeyMetadata"]["KeyId"]] = text
        else:
            key = self.random.choice(sorted(self.known.descriptions))
            self.call(
                self.kms.update_key_description,
                ("describe", key, text),
                KeyId=key,
                Description=text,
            )
            self.known.descriptions[key] = text
        self.done()

    def put_policy(self) -> None:
        if not self.known.users:
            return
        name, sid = (
            self.random.choice(sorted(self.known.users)),
            f"s{self.random.getrandbits(64):x}",
        )
        document = {
            "Version": "2012-10-17",
            "Statement": {"Sid": sid, "Effect": "Allow", "Action": "kms:*", "Resource": "*"},
        }
        self.call(
            self.iam.put_user_policy, ("policy", name, sid),
            UserName=name, PolicyName="p", PolicyDocument=json.dumps(document),
        )  # fmt: skip
        self.known.policies[name] = sid
        self.done()

    def remove(self) -> None:
        bare = sorted(self.known.users - set(self.known.policies))
        if len(bare) < 3:
            return
        name = self.random.choice(bare)
        self.call(self.iam.delete_user, ("delete user", name), UserName=name)
        self.known.users.discard(name)
        self.done()


def settle(clients: Clients, known: Known, number: int) -> None:
    """Compare the server with what was acknowledged; learn what became of the call in flight."""
    kms, users = clients.kms, users_with_policies(clients.iam)
    mine = {name for name in users if name.startswith(f"w{number}-")}
    kind, *rest = known.pending or ("nothing",)

    if kind == "create user" and rest[0] in mine:
        known.users.add(rest[0])
    if kind == "delete user" and rest[0] not in mine:
        known.users.discard(rest[0])
    assert mine == known.users, f"in flight: {known.pending}"

    for key, text in known.descriptions.items():
        stored = kms.describe_key(KeyId=key)["KeyMetadata"]["Description"]
        if kind == "describe" and key == rest[0] and stored == rest[1]:
            known.descriptions[key] = stored
        else:
            assert stored == text
    for name, sid in known.policies.items():
        stored = users[name]["p"]["Statement"]["Sid"]
        if kind == "policy" and name == rest[0] and stored == rest[1]:
            known.policies[name] = stored
        else:
            assert stored == sid
    if kind == "policy" and rest[0] not in known.policies and users[rest[0]]:
        known.policies[rest[0]] = rest[1]
    known.pending = ()


def users_with_policies(iam: Any) -> dict[str, dict[str, Any]]:
    """Every user, and the documents of its policies by their names."""
    pages = iam.get_paginator("get_account_authorization_details").paginate(
        Filter=["User"], PaginationConfig={"PageSize": 1000}
    )
    return {
        user["UserName"]: {
            each["PolicyName"]: each["PolicyDocument"] for each in user.get("UserPolicyList", [])
        }
        for page in pages
        for user in page["UserDetailList"]
    }


def acknowledged(known: Sequence[Known]) -> int:
    """How many calls were acknowledged since the beginning."""
    return sum(len(each.request_ids) for each in known)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("campaign", range(CAMPAIGNS))
def test_no_acknowledged_write_is_lost(campaign: int, tmp_path: Path) -> None:
    """After a kill, every acknowledged call is there; the one in flight wholly or not at all."""
    chance = random.Random(campaign)
    server = Server(tmp_path / "data", free_port(), program=())
    known = [Known(), Known()]
    clients: list[Clients] = []

    for _ in range(KILLS_PER_CAMPAIGN):
        server.start()
        clients = clients or [Clients(server) for _ in known]
        workers = [
            Worker(calls, k, n, chance.getrandbits(32))
            for n, (calls, k) in enumerate(zip(clients, known, strict=True))
        ]
        for number, (calls, each) in enumerate(zip(clients, known, strict=True)):
            settle(calls, each, number)
        for worker in workers:
            worker.start()
        life = acknowledged(known) + chance.randrange(LONGEST_LIFE)
        wait_until(lambda: acknowledged(known) >= life or any(w.fault for w in workers))  # noqa: B023  # waited for here
        time.sleep(chance.uniform(0, 0.01))  # anywhere in the calls that are in flight
        server.kill()
        for worker in workers:
            worker.join(timeout=PATIENCE)
            assert worker.fault is None

    server.start()
    for number, (calls, each) in enumerate(zip(clients, known, strict=True)):
        settle(calls, each, number)
    identifiers = [identifier for each in known for identifier in each.request_ids]
    assert len(identifiers) > KILLS_PER_CAMPAIGN
    assert server.keystead("audit", "verify").returncode == 0
    shown = server.keystead("audit", "show", "--json", "--last", "1000000")
    recorded = [json.loads(line)["requestID"] for line in shown.stdout.splitlines()]
    assert len(recorded) == len(set(recorded))
    assert set(identifiers) <= set(recorded)
    assert server.stop() == 0
