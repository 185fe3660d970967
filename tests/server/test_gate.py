"""A worker that computes in Python pauses often, and waits while the loop is in a turn."""

import asyncio
import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from unittest.mock import Mock

import pytest

from keystead.pauses import pause, pausing, wait_in_pauses
from keystead.server.door import Turn
from keystead.server.door.replies import text
from keystead.server.lane import Gate, Lane
from keystead.server.lane import gate as gates
from keystead.server.pipeline import Answer, Later
from keystead.wire.http import HttpRequest
from keystead.work import DOCUMENTS, PROCESSOR, Done, MadeWith, Outcome, Undone, Work
from tests.documents import LARGE, key_policy
from tests.patience import PATIENCE, some_turns, wait_until
from tests.server.conftest import unavailable
from tests.server.installations import Local, open_local

MOST_CALLS = 6_000
"""Between two pauses, as the profiler counts them: some half a millisecond."""


def waited(gate: Gate) -> "queue.Queue[float]":
    """A thread that comes to the gate; it tells for how long it waited."""
    told: queue.Queue[float] = queue.Queue()

    def come() -> None:
        began = time.monotonic()
        gate.wait()
        told.put(time.monotonic() - began)

    threading.Thread(target=come, daemon=True).start()
    return told


def test_nobody_waits_at_an_open_gate() -> None:
    """Between two turns a worker goes on at once."""
    gate = Gate()
    gate.close()
    gate.open()
    waited(gate).get(timeout=PATIENCE)

    assert gate.waits == 0


def test_a_worker_waits_for_the_end_of_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a closed gate it waits until the gate opens."""
    monkeypatch.setattr(gates, "WAIT_SECONDS", 2 * PATIENCE)
    gate = Gate()
    gate.close()
    told = waited(gate)
    wait_until(lambda: gate._bells)
    assert told.empty()
    gate.open()

    told.get(timeout=PATIENCE)
    assert gate.waits == 1


def test_a_loop_that_is_never_idle_stops_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its wait a worker passes the closed gate, for a while without waiting again."""
    monkeypatch.setattr(gates, "FREE_SECONDS", 2 * PATIENCE)
    gate = Gate()
    gate.close()
    first, _ = waited(gate).get(timeout=PATIENCE), waited(gate).get(timeout=PATIENCE)

    assert first >= gates.WAIT_SECONDS
    assert gate.waits == 1


def test_the_gate_is_closed_in_a_turn() -> None:
    """While requests are answered, and during the commit; not before, and not after."""
    loop, gate, seen = asyncio.new_event_loop(), Gate(), []
    turn = Turn(loop, lambda: seen.append(gate.is_closed), Mock(), lambda: "now", gate=gate)
    turn.put(Mock(), Mock(), last=False)
    seen.append(gate.is_closed)
    for _ in range(4):
        loop.call_soon(loop.stop)
        loop.run_forever()
    loop.close()

    assert seen == [False, True]
    assert not gate.is_closed


def test_the_store_rests_when_nobody_waits() -> None:
    """After a turn that no other follows, with the gate closed; not between two turns."""
    loop, gate = asyncio.new_event_loop(), Gate()
    seen: list[str] = []

    def arrives() -> None:
        turn.put(receiver, Answer(text(200, "said"), unavailable), last=False)

    def deliver(*_: object, **__: object) -> None:
        if len(seen) == 1:  # a client asks again at once
            arrives()
        elif len(seen) == 2:  # another one is heard in the look at the sockets that follows
            loop.call_soon(arrives)

    receiver, resting = Mock(deliver=deliver), Mock(tired=True)
    resting.rest = lambda: seen.append(f"rest, {'closed' if gate.is_closed else 'open'}")
    turn = Turn(
        loop,
        lambda: seen.append("commit"),
        Mock(),
        lambda: "now",
        gate=gate,
        resting=resting,
    )
    arrives()
    loop.run_until_complete(some_turns())
    resting.tired = False
    arrives()
    loop.run_until_complete(some_turns())
    loop.close()

    assert seen == ["commit", "commit", "commit", "rest, closed", "commit"]
    assert not gate.is_closed


def has_to_wait() -> bool:
    """Would a pause of this thread call something?"""
    return not isinstance(pausing(()), type(iter(())))


@pytest.mark.parametrize(("pool", "waits"), [(DOCUMENTS, True), (PROCESSOR, False)])
def test_those_who_compute_in_python_wait(pool: str, waits: bool) -> None:
    """Readers of documents come to the gate; others let the interpreter go by themselves."""
    lane, ended = Lane(), queue.Queue[Outcome | Undone]()
    lane.hand_over(lane.promise(Work(pool, 0.001, MadeWith(), has_to_wait), "", 0), ended.put)
    done = ended.get(timeout=PATIENCE)

    assert isinstance(done, Done)
    assert done.value is waits
    assert not has_to_wait()


class Calls:
    """It counts the calls of functions between two pauses of this thread."""

    def __init__(self) -> None:
        self.most = self.since = 0

    def pause(self) -> None:
        self.most, self.since = max(self.most, self.since), 0

    def count(self, _frame: FrameType, event: str, _argument: object) -> None:
        self.since += event in {"call", "c_call"}

    @contextmanager
    def counted(self) -> Iterator[None]:
        wait_in_pauses(self.pause)
        sys.setprofile(self.count)
        try:
            yield
        finally:
            sys.setprofile(None)
            self.pause()
            wait_in_pauses(None)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    local = open_local(Path(tmp_path_factory.mktemp("gate")) / "data")
    yield local
    local.installation.close()


Asks = Callable[[Local, str], list[HttpRequest]]


def simulating(local: Local, text: str) -> list[HttpRequest]:
    members = {"PolicyInputList.member.1": text, "ActionNames.member.1": "kms:Encrypt"}
    return [local.iam_request("SimulateCustomPolicy", **members)]


def finding_keys(local: Local, text: str) -> list[HttpRequest]:
    return [
        local.iam_request("GetContextKeysForCustomPolicy", **{"PolicyInputList.member.1": text})
    ]


def validating(local: Local, text: str) -> list[HttpRequest]:
    body = json.dumps({"policyDocument": text, "policyType": "IDENTITY_POLICY"}).encode()
    kind = {"Content_Type": "application/json"}
    return [local.request("access-analyzer", body, path="/policy/validation", **kind)]


def changing(local: Local, text: str) -> list[HttpRequest]:
    made = local.kms("CreateKey").json["KeyMetadata"]
    written = key_policy(made["AWSAccountId"], text)
    put = {"KeyId": made["KeyId"], "PolicyName": "default", "Policy": written}
    return [
        local.kms_request("PutKeyPolicy", **put),
        local.kms_request("Encrypt", KeyId=made["KeyId"], Plaintext="AAAA"),
    ]


def most_calls(local: Local, request: HttpRequest) -> dict[str, int]:
    """By function, the calls between two pauses of the work that a request needs."""
    pipeline, most = local.installation.pipeline, dict[str, int]()
    [answer] = pipeline.answer_all([request], 60.0)
    while isinstance(answer, Later):
        local.installation.commit()
        work = answer._promise.work
        assert work is not None
        calls = Calls()
        with calls.counted():
            done = work.do()
        most[work.function.__name__] = calls.most
        answer.take_back()
        [answer] = pipeline.answer_all([answer.after(done)], 60.0)
    local.installation.commit()
    assert answer.response.status == 200
    return most


@pytest.mark.parametrize("asks", [simulating, finding_keys, validating, changing])
@pytest.mark.parametrize("form", sorted(LARGE))
def test_work_pauses_often(local: Local, asks: Asks, form: str) -> None:
    """However a document of 32 KB is written, its reader pauses after some hundred calls."""
    most = [most_calls(local, request) for request in asks(local, LARGE[form](1))]

    assert any(most)
    assert {k: v for found in most for k, v in found.items() if v > MOST_CALLS} == {}


def test_a_pause_does_nothing_elsewhere() -> None:
    """The loop, and commands, compute without pauses."""
    pause()
    assert list(pausing(range(5), after=2)) == [0, 1, 2, 3, 4]


def test_some_pauses_tidy() -> None:
    """So what a worker makes is examined before much has gathered; also while the gate is open."""
    gate, tidied = Gate(), Mock()
    gate.tidy = tidied
    for _ in range(2 * gates.TIDY_AFTER):
        gate.wait()

    assert tidied.call_count == 2
