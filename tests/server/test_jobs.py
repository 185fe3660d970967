"""Work that nobody asks for: it happens when it is due, once, with its events."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keystead.server.installation.installation import Installation
from keystead.server.installation.jobs.periodic import Job, Jobs, Outcome
from keystead.server.installation.opening import lock
from keystead.server.telemetry.metrics import Metrics
from keystead.store.protocol import StoreUnavailable
from keystead.store.sqlite.engine import SqliteStore
from tests.server.installations import Local, open_local, reopen

DAY = timedelta(days=1)
START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    local = open_local(tmp_path / "data")
    yield local
    local.installation.close()


def test_key_is_destroyed_when_its_time_has_come(local: Local) -> None:
    """Not a day earlier, not twice, and with a DeleteKey event; a restart in between is nothing."""
    key = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]
    assert local.kms("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7).status == 200
    local.time.passes(6 * DAY)
    local.installation.upkeep.destroy_due()
    assert local.kms("CancelKeyDeletion", KeyId=key).status == 200
    assert local.kms("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7).status == 200
    local.installation.close()
    local.installation = Installation(
        local.installation.config, lock(local.installation.directory),
        wall=local.time.wall, monotonic=lambda: local.time.monotonic,
    )  # fmt: skip
    local.time.passes(7 * DAY + timedelta(minutes=1))
    for _ in range(2):
        local.installation.upkeep.destroy_due()

    assert local.kms("DescribeKey", KeyId=key).json["__type"] == "NotFoundException"
    assert _destroyed(local) == 1


def test_clock_that_jumps_destroys_nothing(local: Local) -> None:
    """When the wall clock leaps ahead of the machine's own, keys wait for a day (TM-4)."""
    key = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]
    local.kms("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    local.time.ahead += 8 * DAY
    local.installation.upkeep.destroy_due()
    assert local.kms("DescribeKey", KeyId=key).status == 200
    assert local.installation.metrics.alarms["clock jump"] == 1
    local.time.passes(DAY + timedelta(minutes=1))
    local.installation.upkeep.destroy_due()
    assert local.kms("DescribeKey", KeyId=key).status == 400


def test_destroyed_is_gone_from_the_disk(local: Local) -> None:
    """After the destruction the store's log, which held the sealed material, is empty."""
    log = local.installation.directory / "keystead.db-wal"
    key = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]
    local.kms("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    local.installation.upkeep.destroy_due()
    assert log.stat().st_size > 0
    local.time.passes(8 * DAY)
    local.installation.upkeep.destroy_due()
    assert log.stat().st_size == 0


def test_what_a_crash_left_is_purged_after_the_start(local: Local) -> None:
    """A destruction whose purge never came is made up for by the next run, once."""
    log = local.installation.directory / "keystead.db-wal"
    local.installation.upkeep.purge()
    assert log.stat().st_size == 0
    local.kms("CreateKey")
    local.installation.upkeep.purge()
    assert log.stat().st_size > 0


def test_key_that_cannot_be_destroyed_stops_no_other(local: Local) -> None:
    """One tampered row is an alarm; every other key goes at its time, with its event."""
    keys = [local.kms("CreateKey").json["KeyMetadata"]["KeyId"] for _ in range(3)]
    local.kms("CreateAlias", AliasName="alias/a", TargetKeyId=keys[0])
    for key in keys:
        local.kms("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    with local.installation.store.write() as transaction:
        transaction.run("UPDATE kms_aliases SET updated_us = updated_us + 1")
    local.installation.commit()
    local.time.passes(8 * DAY)
    local.installation.upkeep.destroy_due()

    assert [local.kms("DescribeKey", KeyId=key).status for key in keys[1:]] == [400, 400]
    assert local.installation.metrics.alarms["job key destruction"] == 1
    assert _destroyed(local) == 2


def _destroyed(local: Local) -> int:
    """How many destructions are in the log."""
    files = (local.installation.directory / "audit").glob("records-*")
    return b"".join(file.read_bytes() for file in files).count(b'"eventName":"DeleteKey"')


def test_last_use_survives_a_restart(local: Local) -> None:
    """When an access key was last used is written down by the job, without a new epoch."""
    local.kms("ListKeys")
    epoch = local.installation.store.state
    local.installation.upkeep.write_last_used()
    assert local.installation.store.state == epoch
    key = local.founded.access_key.access_key_id
    answer = local.iam("GetAccessKeyLastUsed", AccessKeyId=key)
    assert b"<ServiceName>" in answer.body


def test_the_last_use_of_a_key_survives_a_restart(local: Local) -> None:
    """It is written when the server ends, and names the record; no epoch moves for it."""
    key = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]
    local.kms("GenerateDataKey", KeyId=key, KeySpec="AES_256")
    epoch = local.installation.store.state
    assert local.installation.upkeep.write_key_uses() is False  # all of them are written
    answer = local.kms("GenerateDataKey", KeyId=key, KeySpec="AES_256")
    assert local.installation.upkeep.write_key_uses() is False  # before an hour is over
    told = local.kms("GetKeyLastUsage", KeyId=key).json
    assert told["KeyLastUsage"]["KmsRequestId"] == answer.headers["x-amzn-RequestId"]
    assert told["KeyLastUsage"]["CloudTrailEventId"] in _log(local)
    assert local.installation.store.state == epoch
    again = reopen(local)
    assert again.kms("GetKeyLastUsage", KeyId=key).json == told
    local.installation = again.installation


def test_a_full_disk_loses_no_last_use(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a job could not make durable is still known, and the job writes it when it can."""
    installation = local.installation
    upkeep, uses, reader = installation.upkeep, installation.last_used, installation.store.read()
    account, key = local.founded.account_id, local.founded.access_key.access_key_id
    stored = installation.identities.access_keys
    local.kms("ListKeys")
    installation.commit()
    known = uses.of(stored, reader, account, key)

    def accesses() -> list[tuple[object, ...]]:
        return [tuple(row) for row in reader.all("SELECT * FROM iam_service_use")]

    before = accesses()

    def full(_: SqliteStore) -> None:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, "flush", full)
        for write in (upkeep.write_last_used, upkeep.write_accesses):
            with pytest.raises(StoreUnavailable):
                write()
    assert stored.last_use(reader, account, key) is None
    assert accesses() == before
    assert uses.of(stored, reader, account, key) == known is not None
    upkeep.write_last_used()
    upkeep.write_accesses()
    assert stored.last_use(reader, account, key) == known
    assert len(accesses()) > len(before)


def _log(local: Local) -> str:
    files = (local.installation.directory / "audit").glob("records-*")
    return b"".join(file.read_bytes() for file in files).decode()


def test_job_that_fails_stops_no_other() -> None:
    """A failing job is counted and tried again; a turn of its own begins before each run."""
    metrics, turns, runs = Metrics(), [0], [0]

    def begin() -> None:
        turns[0] += 1

    def fail() -> None:
        raise OSError

    def work() -> None:
        runs[0] += 1

    failing, working = Job("failing", 1, fail), Job("working", 1, work)
    outcomes: dict[str, Outcome] = {}
    jobs = Jobs([failing, working], metrics, begin, lambda: START, outcomes)
    for job in (failing, working, failing, working):
        jobs.run(job)

    assert metrics.alarms["job failing"] == 2
    assert metrics.jobs["working"] == runs[0] == 2
    assert turns[0] == 4
    assert outcomes["failing"] == Outcome(1, failures=2, failed=START, failure="OSError")
    assert outcomes["working"] == Outcome(1, runs=2, ran=START)
