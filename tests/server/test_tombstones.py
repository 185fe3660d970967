"""The operator deletes keys with care, and proves that they are destroyed (threat-model KM-7)."""

import base64
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keystead.custody.material import BadTombstone, Told, Tombstone, read_tombstone
from keystead.custody.material.tombstones import sign
from keystead.custody.signing.signer import AuditSigner
from keystead.custody.signing.verification import signature_verifier
from keystead.failures import Failure
from keystead.server import examination
from keystead.server.installation.ceremonies.acts import perform
from tests.server.installations import Local, open_local, opened

DAY = timedelta(days=1)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    local = open_local(tmp_path / "data")
    yield local
    local.installation.close()


def made(local: Local) -> str:
    arn: str = local.kms("CreateKey").json["KeyMetadata"]["Arn"]
    return arn


def destroyed(local: Local) -> str:
    """A key with two materials that was destroyed."""
    arn = made(local)
    local.kms("RotateKeyOnDemand", KeyId=arn)
    assert local.kms("ScheduleKeyDeletion", KeyId=arn, PendingWindowInDays=7).status == 200
    local.time.passes(8 * DAY)
    local.installation.upkeep.destroy_due()
    return arn


def ceremony(local: Local, name: str, **arguments: Any) -> dict[str, Any]:
    result: dict[str, Any] = perform(local.installation, name, arguments)
    return result


def test_a_tombstone_is_signed(local: Local) -> None:
    """It names the key, all of its materials and the times, and the log's key signed it."""
    arn = made(local)
    local.kms("RotateKeyOnDemand", KeyId=arn)
    listed = local.kms("ListKeyRotations", KeyId=arn, IncludeKeyMaterial="ALL_KEY_MATERIAL").json
    local.kms("ScheduleKeyDeletion", KeyId=arn, PendingWindowInDays=7)
    local.time.passes(8 * DAY)
    local.installation.upkeep.destroy_due()
    shown = ceremony(local, "key tombstone", arn=arn)
    assert shown["key"] == arn
    assert shown["materials"] == [each["KeyMaterialId"] for each in listed["Rotations"]]
    stone = Tombstone(shown["statement"], base64.b64decode(shown["signature"]))
    pem = (local.installation.directory / "audit" / "public-key.pem").read_bytes()
    told = read_tombstone(stone, signature_verifier(pem))
    assert (told.arn, told.installation) == (arn, local.installation.hierarchy.installation)
    assert told.destroyed - told.created > 7 * DAY


def test_openssl_verifies_it(local: Local, tmp_path: Path) -> None:
    """With the public key alone, and no tool of ours; another statement does not pass."""
    openssl = shutil.which("openssl")
    assert openssl, "this test needs the `openssl` command"
    shown = ceremony(local, "key tombstone", arn=destroyed(local))
    statement, signature = tmp_path / "statement", tmp_path / "signature"
    signature.write_bytes(base64.b64decode(shown["signature"]))
    pem = local.installation.directory / "audit" / "public-key.pem"
    command = [
        openssl, "pkeyutl", "-verify", "-pubin", "-inkey", str(pem), "-rawin",
        "-in", str(statement), "-sigfile", str(signature),
    ]  # fmt: skip
    statement.write_text(shown["statement"])
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    statement.write_text(shown["statement"].replace("key/", "key/0"))
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_what_is_no_tombstone() -> None:
    """Another key's signature, an edited text and a text of another kind are refused."""
    ours, other = AuditSigner(b"1" * 32), AuditSigner(b"2" * 32)
    now = datetime(2026, 11, 24, tzinfo=UTC)
    told = Told("i", "arn:aws:kms:eu-west-1:111122223333:key/k", now, now + DAY, ("a", "b"))
    good = sign(told, ours)
    is_ours = signature_verifier(ours.public_key_pem)
    assert read_tombstone(good, is_ours) == told
    checkpoint = "keystead-audit-checkpoint/2\n1\nx\ny\n1\nz\n"
    for bad in (
        sign(told, other),
        Tombstone(good.statement.replace("a b", "a"), good.signature),
        Tombstone(checkpoint, ours.sign(checkpoint.encode())),
    ):
        with pytest.raises(BadTombstone):
            read_tombstone(bad, is_ours)


def test_verify_examines_tombstones(local: Local) -> None:
    """`audit verify` counts them, and names one that says something else."""
    arn = destroyed(local)
    config = local.installation.config
    local.installation.close()
    found = examination.examine_state(config, lambda _: None)
    assert (found.tombstones, found.problems) == (1, [])

    again = opened(local)
    table = again.installation.keys.tombstones._statements  # as the holder of the root key
    with again.installation.store.write() as transaction:
        [stone] = again.installation.keys.tombstones.every(transaction)
        lie = stone.statement.replace("key/", "key/0")
        table.update(transaction, type(stone)(**{**members(stone), "statement": lie}))
    again.installation.commit()
    with pytest.raises(Failure, match="not good"):
        ceremony(again, "key tombstone", arn=arn)
    again.installation.close()
    found = examination.examine_state(config, lambda _: None)
    assert [problem for problem in found.problems if "not signed" in problem]
    local.installation = opened(local).installation


def members(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


def test_there_is_no_tombstone(local: Local) -> None:
    """Of a key that is there, and of none, the reason is told."""
    arn = made(local)
    with pytest.raises(Failure, match="the key is there"):
        ceremony(local, "key tombstone", arn=arn)
    with pytest.raises(Failure, match="no such key was destroyed"):
        ceremony(local, "key tombstone", arn=arn[:-1])
    with pytest.raises(Failure, match="is not the ARN of a key"):
        ceremony(local, "key tombstone", arn="alias/x")


@pytest.mark.parametrize("written", [False, True])
def test_a_key_in_use_needs_force(local: Local, written: bool) -> None:
    """A key that was used within a day is refused without force; after a day it needs none."""
    used, forced = made(local), made(local)
    for arn in (used, forced):
        assert local.kms("GenerateDataKey", KeyId=arn, KeySpec="AES_256").status == 200
    if written:
        local.installation.upkeep.write_key_uses(at_once=True)
    for arn in (used, forced):
        with pytest.raises(Failure, match="is in use: GenerateDataKey at"):
            ceremony(local, "key schedule-deletion", arn=arn, days=7)
        assert local.kms("DescribeKey", KeyId=arn).json["KeyMetadata"]["KeyState"] == "Enabled"
    told = ceremony(local, "key schedule-deletion", arn=forced, days=7, force=True)
    assert told["KeyState"] == "PendingDeletion"
    local.time.passes(DAY + timedelta(minutes=1))
    ceremony(local, "key schedule-deletion", arn=used, days=7)
    assert local.kms("DescribeKey", KeyId=used).json["KeyMetadata"]["KeyState"] == "PendingDeletion"
    with pytest.raises(Failure, match="is pending deletion"):
        ceremony(local, "key schedule-deletion", arn=used, days=7)


def test_a_scheduled_deletion_is_recorded(local: Local) -> None:
    """The operator's act is a record of high severity about this key; others may cancel it."""
    arn = made(local)
    ceremony(local, "key schedule-deletion", arn=arn, days=7)
    [event] = [each for each in local.events if each.name == "ScheduleKeyDeletion"]
    assert (event.severity, [each.arn for each in event.resources]) == ("high", [arn])
    assert event.principal is None
    assert local.kms("CancelKeyDeletion", KeyId=arn).status == 200
    with pytest.raises(Failure, match="waiting period"):
        ceremony(local, "key schedule-deletion", arn=arn, days=6)
