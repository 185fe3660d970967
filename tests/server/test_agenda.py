"""Dated work: some in each run, all of it once, whatever happens in between."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from keystead.audit.log.files import PUBLIC_KEY
from keystead.audit.verify import verify
from keystead.custody.signing.verification import signature_verifier
from keystead.kms.schedule import DESTRUCTION, ROTATION
from keystead.server.installation import rooms
from keystead.server.installation.ceremonies.acts import perform
from keystead.server.installation.config import Config
from keystead.server.installation.installation import Installation
from keystead.server.installation.opening import lock
from keystead.store.protocol import StoreUnavailable
from keystead.store.sqlite.engine import SqliteStore, open_store
from tests.server.installations import REGION, Local, Time, open_local
from tests.store.lossy_disk import VFS, new_disk, under_os

DAY = timedelta(days=1)
MOST_LOSSES = 24  # of which each is opened again


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    local = open_local(tmp_path / "data")
    yield local
    local.installation.close()


def key(local: Local) -> str:
    made: str = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]
    return made


def rotating(local: Local, days: int = 90) -> str:
    """A key that is rotated every so many days."""
    made = key(local)
    assert local.kms("EnableKeyRotation", KeyId=made, RotationPeriodInDays=days).status == 200
    return made


def ending(local: Local) -> str:
    """A key that is destroyed in a week."""
    made = key(local)
    local.kms("ScheduleKeyDeletion", KeyId=made, PendingWindowInDays=7)
    return made


def rotations(local: Local, made: str) -> int:
    return len(local.kms("ListKeyRotations", KeyId=made).json["Rotations"])


def shown(local: Local) -> dict[str, Any]:
    """What `keystead jobs --json` prints."""
    told: dict[str, Any] = perform(local.installation, "jobs", {})
    return told


def dated(local: Local, name: str) -> dict[str, Any]:
    every: dict[str, dict[str, Any]] = {each["name"]: each for each in shown(local)["dated"]}
    return every[name]


def spoil(local: Local, made: str, by: int) -> None:
    """Edit a row of this key behind the server's back, or undo that."""
    with local.installation.store.write() as transaction:
        edit = "UPDATE kms_keys SET created_us = created_us + ? WHERE key_id = ?"
        transaction.run(edit, (by, made))
    local.installation.commit()


def test_a_run_ends_in_time_and_the_next_goes_on(local: Local) -> None:
    """A run without time does nothing; one after the other, they do all of it, each key once."""
    keys = [rotating(local) for _ in range(3)]
    local.time.passes(91 * DAY)
    agenda = local.installation.agenda
    assert dated(local, "key rotation")["due"] == 3
    assert local.installation.upkeep.do_due(ROTATION, -1.0) is False  # nothing was begun
    runs = 0
    while agenda.run(ROTATION, 1e-9) or agenda.is_behind(ROTATION):
        runs += 1
        assert runs < 20
    agenda.run(ROTATION)
    assert [rotations(local, each) for each in keys] == [1, 1, 1]
    found = dated(local, "key rotation")
    assert (found["due"], found["done"], found["failed"]) == (0, 3, 0)


def test_a_key_that_fails_waits_longer_each_time(local: Local) -> None:
    """It is told with its reason, tried again after one minute, then two, and stops no other."""
    bad, good = rotating(local), rotating(local)
    local.time.passes(91 * DAY)
    spoil(local, bad, 1)
    agenda, minute = local.installation.agenda, timedelta(minutes=1)
    agenda.run(ROTATION)
    assert rotations(local, good) == 1
    [failing] = agenda.failing
    assert (failing.place[2], failing.tries) == (bad, 1)
    agenda.run(ROTATION)
    assert agenda.failing == [failing]  # not tried yet
    for passed, tries in ((minute, 2), (minute, 2), (minute, 3)):
        local.time.passes(passed + timedelta(seconds=1))
        agenda.run(ROTATION)
        assert [each.tries for each in agenda.failing] == [tries]
    told = shown(local)
    assert (told["failing"][0]["key"], told["failingInAll"]) == (bad, 1)
    assert "kms_keys" in told["failing"][0]["why"]
    assert bad in dated(local, "key rotation")["lastFailure"]
    assert dated(local, "key rotation")["failed"] == 3
    spoil(local, bad, -1)
    local.time.passes(timedelta(hours=1))
    agenda.run(ROTATION)
    assert agenda.failing == []
    assert rotations(local, bad) == 1


def test_work_that_was_not_made_durable_is_not_done(
    local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run whose commit fails leaves neither change nor record, and is made up for later."""
    made = rotating(local)
    local.time.passes(91 * DAY)

    def full(_store: SqliteStore) -> None:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patch, pytest.raises(StoreUnavailable):
        patch.setattr(SqliteStore, "flush", full)
        local.installation.agenda.run(ROTATION)
    assert rotations(local, made) == 0
    assert dated(local, "key rotation")["due"] == 1
    assert dated(local, "key rotation")["done"] == 0
    local.installation.agenda.run(ROTATION)
    assert rotations(local, made) == 1


def test_what_is_held_is_shown(local: Local) -> None:
    """After a jump of the clock, destruction is held and rotation is not (TM-4)."""
    ending(local)
    local.time.ahead += 8 * DAY
    local.installation.upkeep.destroy_due()
    assert shown(local)["clock"] == "jumped"
    assert dated(local, "key destruction")["held"]
    assert dated(local, "key destruction")["due"] == 1
    assert not dated(local, "key rotation")["held"]
    assert local.installation.agenda.overdue_seconds() > 80_000
    perform(local.installation, "clock acknowledge", {})
    local.installation.upkeep.destroy_due()
    found = dated(local, "key destruction")
    assert (found["held"], found["due"], found["done"]) == (False, 0, 1)


def events(directory: Path, name: str) -> list[str]:
    """The keys in the records of this name, in their order."""
    files = sorted((directory / "audit").glob("records-*"))
    lines = b"".join(file.read_bytes().rstrip(b"\0") for file in files).splitlines()
    found = [json.loads(line)["event"] for line in lines]
    return [
        each["serviceEventDetails"]["keyId"].rpartition("/")[2]
        for each in found
        if each["eventName"] == name
    ]


def opened(directory: Path, time: Time) -> Installation:
    return Installation(
        Config(data=str(directory), regions=(REGION,)), lock(directory),
        wall=time.wall, monotonic=lambda: time.monotonic,
    )  # fmt: skip


def laid_out(base: Path, files: dict[str, bytes], to: Path) -> Path:
    """A copy of a data directory, as a power loss left the files that were written."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(base, to, ignore=shutil.ignore_patterns("keystead.db*", "control.sock"))
    for log in (to / "audit").iterdir():
        if log.name.startswith(("records-", "checkpoints")):
            log.unlink()
    for name, content in files.items():
        (to if name.startswith("keystead") else to / "audit").joinpath(name).write_bytes(content)
    return to


def test_power_fails_at_each_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each step a key is whole or done with its record, and the next start does the rest once.

    Two keys are destroyed and two are rotated, each in a run of its own.
    """
    local = open_local(tmp_path / "data")
    ends, turns = [ending(local), ending(local)], [rotating(local), rotating(local)]
    local.time.passes(91 * DAY)
    local.installation.close()
    base = shutil.copytree(tmp_path / "data", tmp_path / "base")
    disk, random, left = new_disk(), Random(12), []
    under_os(disk, tmp_path / "data", monkeypatch)
    monkeypatch.setattr(rooms, "open_store", partial(open_store, vfs=VFS))
    installation = opened(tmp_path / "data", local.time)
    installation.clock.acknowledge()
    disk.on_operation = lambda _operation, _path: left.append(disk.survivors(random))
    for work in (DESTRUCTION, ROTATION):
        while installation.agenda.run(work, 1e-9) or installation.agenda.is_behind(work):
            pass
        installation.agenda.run(work)
    left.append(disk.survivors(random))
    disk.on_operation = lambda _operation, _path: None
    installation.close()
    monkeypatch.undo()

    assert len(left) > 20
    some = {0, *random.sample(range(len(left)), min(MOST_LOSSES, len(left))), len(left) - 1}
    found = {
        _goes_on(laid_out(base, left[number], tmp_path / "after"), local.time, ends, turns)
        for number in sorted(some)
    }
    assert found >= {0, 2}


def _goes_on(directory: Path, time: Time, ends: list[str], turns: list[str]) -> int:
    """What the next start finds, and makes of it; how many keys it finds destroyed."""
    installation = opened(directory, time)
    reader = installation.store.read()
    there = {row[0] for row in reader.all("SELECT key_id FROM kms_keys")}
    assert sorted(events(directory, "DeleteKey")) == sorted(set(ends) - there)
    installation.clock.acknowledge()
    for work in (DESTRUCTION, ROTATION):
        installation.agenda.run(work)
    waits = installation.agenda.what_waits()
    done = {each.work.name: each.record.done for each in waits if each.record}
    assert done == {"key destruction": 2, "key rotation": 2}
    generations = reader.all("SELECT key_id, count(*) FROM kms_materials GROUP BY key_id")
    assert dict(generations) == dict.fromkeys(turns, 2)
    installation.close()
    assert sorted(events(directory, "DeleteKey")) == sorted(ends)
    assert sorted(events(directory, "RotateKey")) == sorted(turns)
    public = (directory / "audit" / PUBLIC_KEY).read_bytes()
    assert verify(directory / "audit", public, signature_verifier(public)).holds
    return len(set(ends) - there)
