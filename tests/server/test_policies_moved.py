"""Policies of older versions are stored with equal ones by a job that may be killed."""

import shutil
from functools import partial
from pathlib import Path
from random import Random

import pytest

from keystead.server.installation import rooms, upkeep
from keystead.server.installation.installation import Installation
from keystead.store.sqlite.engine import open_store
from tests.older_policies import as_older, assert_whole, own_policies
from tests.server.installations import REGION, Local, open_local
from tests.server.test_agenda import laid_out, opened
from tests.store.lossy_disk import VFS, new_disk, under_os

MOST_LOSSES = 4  # of which each is opened again


@pytest.fixture
def local(tmp_path: Path) -> Local:
    """Six keys of an older version: five with the default policy, and one with another."""
    local = open_local(tmp_path / "data")
    account = local.founded.account_id
    keys = [local.kms("CreateKey").json["KeyMetadata"]["KeyId"] for _ in range(6)]
    policy = local.kms("GetKeyPolicy", KeyId=keys[0]).json["Policy"]
    answer = local.kms("PutKeyPolicy", KeyId=keys[5], Policy=f"{policy} ")
    assert answer.status == 200
    with local.installation.store.write() as transaction:
        for key in keys:
            as_older(local.installation.keys, transaction, (account, REGION, key))
    local.installation.commit()
    assert texts(local.installation) == []
    return local


def texts(installation: Installation) -> list[int]:
    """How many keys have each policy."""
    rows = installation.store.read().all("SELECT keys FROM kms_policy_uses ORDER BY keys")
    return [keys for (keys,) in rows]


def finish(installation: Installation) -> None:
    while installation.upkeep.store_policies_once():
        assert_whole(installation.keys, installation.store.read())


def test_some_at_a_time(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run moves some, and says whether there may be more. Calls work in between."""
    monkeypatch.setattr(upkeep, "POLICIES_AT_ONCE", 4)
    run, reader = local.installation.upkeep.store_policies_once, local.installation.store.read()
    for more, left in ((True, 2), (True, 0), (False, 0), (False, 0)):
        assert run() is more
        assert own_policies(reader) == left
        assert_whole(local.installation.keys, reader)
        assert local.kms("CreateKey").status == 200
    assert texts(local.installation) == [1, 9]
    local.installation.close()


def test_a_row_that_is_not_ours_stops_no_other(local: Local) -> None:
    """A policy that fails its authentication stays, with an alarm; the others are moved."""
    with local.installation.store.write() as transaction:
        transaction.run(
            "UPDATE kms_key_policies SET text = '{}' WHERE key_id ="
            " (SELECT MIN(key_id) FROM kms_key_policies)"
        )
    finish_all = local.installation.upkeep.store_policies_once
    assert finish_all()
    assert own_policies(local.installation.store.read()) == 1
    assert local.installation.metrics.alarms["job equal policies"] == 1
    local.installation.store.undo()
    local.installation.close()


def test_power_fails_at_each_step(
    local: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start finds every key with its policy, and moves the others once."""
    local.installation.close()
    base = shutil.copytree(tmp_path / "data", tmp_path / "base")
    disk, random, left = new_disk(), Random(48), []
    under_os(disk, tmp_path / "data", monkeypatch)
    monkeypatch.setattr(rooms, "open_store", partial(open_store, vfs=VFS))
    monkeypatch.setattr(upkeep, "POLICIES_AT_ONCE", 2)
    local.installation = opened(tmp_path / "data", local.time)
    disk.on_operation = lambda _operation, _path: left.append(disk.survivors(random))
    while local.installation.upkeep.store_policies_once():
        pass
    disk.on_operation = lambda _operation, _path: None
    local.installation.close()
    monkeypatch.undo()

    some = random.sample(range(len(left)), min(MOST_LOSSES, len(left)))
    for step in sorted({0, *some, len(left) - 1}):
        directory = laid_out(base, left[step], tmp_path / "after")
        installation = opened(directory, local.time)
        assert_whole(installation.keys, installation.store.read())
        finish(installation)
        assert texts(installation) == [1, 5], step
        assert own_policies(installation.store.read()) == 0
        installation.close()
