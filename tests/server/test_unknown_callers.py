"""Refusals of unknown callers: one by one at first, then counted; those of known callers never."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keystead.audit.counting.counted import EACH_OWNER, IN_ALL, NAMED
from keystead.audit.counting.unknown_callers import EVENT_NAME
from keystead.audit.show import Filter, events, row
from keystead.audit.verify import verify
from keystead.custody.signing.verification import signature_verifier
from keystead.store.protocol import StoreUnavailable
from keystead.wire.http import HttpRequest
from tests.server.installations import Local, open_local

UNSIGNED = "MissingAuthenticationToken"


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    opened = open_local(tmp_path / "data")
    yield opened
    opened.installation.close()


def unsigned(local: Local, address: str = "192.0.2.1") -> HttpRequest:
    request = local.iam_request("ListUsers")
    headers = {"host": "a", "content-type": request.headers["content-type"]}
    return msgspec.structs.replace(request, headers=headers, source_ip=address)


def recorded(local: Local) -> list[dict[str, Any]]:
    """Every record of the log."""
    files = sorted((local.installation.directory / "audit").glob("records-*"))
    return [json.loads(line)["event"] for file in files for line in file.read_bytes().splitlines()]


def named(local: Local) -> Counter[str]:
    return Counter(event["eventName"] for event in recorded(local))


def counts(local: Local) -> dict[str, Any]:
    """What the only record of counts says."""
    [found] = [event for event in recorded(local) if event["eventName"] == EVENT_NAME]
    details: dict[str, Any] = found["serviceEventDetails"]
    return details


def test_a_flood_is_counted(local: Local) -> None:
    """What one address sends beyond its share becomes one record, and metrics count each."""
    for _ in range(EACH_OWNER + 40):
        assert local.send(unsigned(local)).status == 403
    assert local.send(unsigned(local, "192.0.2.2")).status == 403
    local.installation.upkeep.write_counted()
    local.installation.upkeep.write_counted()

    assert named(local)["ListUsers"] == EACH_OWNER + 1
    assert named(local)[EVENT_NAME] == 1
    assert counts(local)["requests"] == 40
    assert counts(local)["errorCodes"] == {UNSIGNED: 40}
    assert counts(local)["sourceIPAddresses"] == {"192.0.2.1": 40}
    [series] = [
        series for (_, _, code), series in local.installation.metrics.calls.items()
        if code == UNSIGNED
    ]  # fmt: skip
    assert sum(series.buckets) == EACH_OWNER + 41
    assert local.installation.unknown.counted == 40


def test_the_next_minute_is_recorded_again(local: Local) -> None:
    """The share is one of each minute."""
    for _ in range(EACH_OWNER + 1):
        local.send(unsigned(local))
    local.time.passes(timedelta(minutes=1))
    local.send(unsigned(local))

    assert named(local)["ListUsers"] == EACH_OWNER + 1


def test_many_addresses_share_one_limit(local: Local) -> None:
    """Many addresses fill the log no faster, and a record of counts names only so many of them."""
    for number in range(IN_ALL + NAMED + 5):
        request = unsigned(local, f"198.51.{number // 250}.{number % 250}")
        local.installation.pipeline.answer(request)
    local.installation.commit()
    local.installation.upkeep.write_counted()

    assert named(local)["ListUsers"] == IN_ALL
    assert counts(local)["requests"] == NAMED + 5
    assert len(counts(local)["sourceIPAddresses"]) == NAMED
    assert counts(local)["otherSourceIPAddresses"] == 5


def test_who_is_known_is_always_recorded(local: Local) -> None:
    """Refusals and successes of callers who are authenticated have a record each."""
    for _ in range(EACH_OWNER + 5):
        local.iam("GetUser", UserName="nobody")
        local.iam("ListUsers")

    found = named(local)
    assert found["GetUser"] == found["ListUsers"] == EACH_OWNER + 5
    assert EVENT_NAME not in found


def test_what_never_became_a_request_is_counted(local: Local) -> None:
    """Framing and connections that were refused are in the log, too, as counts."""
    for reason in ("framing", "framing", "connection limit"):
        local.installation.refused(reason)
    local.installation.upkeep.write_counted()

    assert counts(local)["neverRequests"] == {"framing": 2, "connection limit": 1}
    assert counts(local)["requests"] == 0
    assert local.installation.metrics.refusals["framing"] == 2


def test_counts_wait_for_a_disk(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts that could not be made durable are in the next record."""

    def full() -> None:
        raise StoreUnavailable("the disk is full")

    local.installation.refused("framing")
    with monkeypatch.context() as patch:
        patch.setattr(local.installation.trail, "_append", lambda _: full())
        with pytest.raises(StoreUnavailable):
            local.installation.upkeep.write_counted()
    local.installation.refused("framing")
    local.installation.upkeep.write_counted()

    assert counts(local)["neverRequests"] == {"framing": 2}


def test_a_record_of_counts_is_shown_and_verified(local: Local) -> None:
    """`audit show` lists it among the errors, with how many it stands for; the log verifies."""
    local.installation.refused("framing")
    local.installation.upkeep.write_counted()
    directory = local.installation.directory / "audit"

    [found] = events(directory, Filter(errors_only=True))
    assert (row(found).event, row(found).outcome) == (EVENT_NAME, "Refused x1")
    key = (directory / "public-key.pem").read_bytes()
    assert verify(directory, key, signature_verifier(key)).holds
