"""An export of a log: equal records give equal files, however often it is interrupted."""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from keystead.audit.cloudtrail import (
    Export,
    Exported,
    ExportRefused,
    Progress,
    Signed,
    ToSign,
    layout,
    opened,
)
from keystead.audit.cloudtrail import export as exporting
from keystead.audit.log.checkpoint import key_id
from keystead.audit.records.event import EventResource
from keystead.audit.report import Report
from keystead.audit.verify import verify
from keystead.custody.signing.verification import signature_verifier
from tests.audit.world import ACCOUNT, KEY_ARN, NOW, SIGNER, World, encrypt

REGION, OTHER = "eu-central-1", "999988887777"
MINUTES = (0, 3, 4, 50, 61, 63, 200, 201, 202, 260)  # after NOW, of the records
LATER = NOW + timedelta(hours=12)


def signature(wanted: ToSign) -> str:
    """Something that depends on everything that is signed; RSA has tests of its own."""
    return hashlib.sha512("\n".join(wanted).encode()).hexdigest() * 4


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Records of five hours; those of one hour are long, and one concerns two accounts."""
    made = World(tmp_path / "data", segment_bytes=2500)
    made.root.mkdir()
    made.open()
    for number, minutes in enumerate(MINUTES):
        record(made, f"request-{number}", NOW + timedelta(minutes=minutes))
    made.clock.now = NOW + timedelta(minutes=400)
    made.trail.tick()
    yield made
    made.end()


def record(world: World, request_id: str, time: datetime, **members: Any) -> None:
    world.clock.now = max(time, world.clock.now)
    shared = [EventResource(OTHER, "AWS::KMS::Key", KEY_ARN)] if request_id.endswith("4") else []
    usual = {"region": "us-west-2"} if request_id.endswith("5") else {}
    event = encrypt(request_id, time=time, **{"resources": shared, **usual, **members})
    world.trail.record(event)
    world.trail.commit()


def run(world: World, to: Path, now: datetime = LATER, **choices: Any) -> tuple[Exported, Report]:
    pem = SIGNER.public_key_pem
    wanted = Progress(
        **{"version": 1, "log": key_id(pem), "bucket": "keystead", "home": REGION, "since": "",
           "accounts": (), **choices}
    )  # fmt: skip
    progress = opened(to, wanted)
    observer = Export(to, progress, Signed("ab" * 16, signature), now)
    report = verify(
        world.audit,
        None,
        signature_verifier(pem),
        start=max(progress.next - 1, 0),
        observer=observer,
    )
    return (observer.finish(report.records) if report.holds else observer.exported), report


def content(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.suffix != ".part"
    }


def records(directory: Path, account: str = "*") -> list[dict[str, Any]]:
    found = []
    for path in sorted(directory.glob(f"AWSLogs/{account}/CloudTrail/**/*.json.gz")):
        found += json.loads(gzip.decompress(path.read_bytes()))["Records"]
    return found


def digests(directory: Path, account: str = ACCOUNT, region: str = REGION) -> list[dict[str, Any]]:
    paths = sorted(directory.glob(f"AWSLogs/{account}/CloudTrail-Digest/{region}/**/*.json.gz"))
    return [json.loads(gzip.decompress(path.read_bytes())) for path in paths]


def test_hours_become_files_and_digests(world: World, tmp_path: Path) -> None:
    """Each record once, a copy for the other account, and digests without a gap in time."""
    exported, report = run(world, tmp_path / "out")
    assert report.holds
    assert exported.first == 0
    ids = [each["requestID"] for each in records(tmp_path / "out", ACCOUNT)]
    assert sorted(ids) == sorted(f"request-{number}" for number in range(len(MINUTES)))
    assert [each["requestID"] for each in records(tmp_path / "out", OTHER)] == ["request-4"]
    chain = digests(tmp_path / "out")
    assert chain[0]["previousDigestS3Object"] is None
    for before, after in pairwise(chain):
        assert after["digestStartTime"] == before["digestEndTime"]
        assert after["previousDigestS3Object"] == before["digestS3Object"]
        whole = gzip.decompress((tmp_path / "out" / before["digestS3Object"]).read_bytes())
        assert after["previousDigestHashValue"] == hashlib.sha256(whole).hexdigest()
    named = [each for digest in chain for each in digest["logFiles"]]
    for each in named:
        whole = gzip.decompress((tmp_path / "out" / each["s3Object"]).read_bytes())
        assert each["hashValue"] == hashlib.sha256(whole).hexdigest()
    files = list((tmp_path / "out").glob(f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/**/*.gz"))
    assert len(named) == len(files)
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)


@pytest.mark.parametrize("longest", [1, 2000, 1 << 23])
def test_often_or_once(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, longest: int
) -> None:
    """A run after each hour gives the files of a single run at the end, however long they are."""
    monkeypatch.setattr(exporting, "FILE_BYTES", longest)
    monkeypatch.setattr(exporting, "MOST_BYTES", 3 * longest)
    for hour in range(13):
        run(world, tmp_path / "often", NOW + timedelta(hours=hour))
    run(world, tmp_path / "once")
    assert content(tmp_path / "often") == content(tmp_path / "once")
    files = list((tmp_path / "once").glob("AWSLogs/*/CloudTrail/**/*.gz"))
    assert len(files) == len(MINUTES) + 1 if longest == 1 else len(files) < len(MINUTES) + 1


def test_an_hour_that_is_not_over(world: World, tmp_path: Path) -> None:
    """It is left for the next run, until five minutes after its end."""
    end = NOW.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    exported, _ = run(world, tmp_path / "out", end + timedelta(minutes=4))
    assert exported.records == 0
    exported, _ = run(world, tmp_path / "out", end + timedelta(minutes=5))
    assert exported.records == 4


def test_killed_at_any_write(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever file is being written when it is killed, the next run completes the export."""
    run(world, tmp_path / "whole")
    whole, write = content(tmp_path / "whole"), layout.write
    for killed in range(40):
        to, left = tmp_path / f"out-{killed}", [killed]

        def dies(path: Path, data: bytes, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                path.with_name(path.name + ".part").write_bytes(data[: len(data) // 2])
                raise KeyboardInterrupt
            write(path, data)

        with monkeypatch.context() as patch:
            for module in ("layout", "export", "progress"):
                patch.setattr(f"keystead.audit.cloudtrail.{module}.write", dies)
            try:
                run(world, to)
            except KeyboardInterrupt:
                assert content(to) != whole
            else:
                break
        run(world, to)
        assert content(to) == whole
    assert killed > 10


def test_a_record_that_stands_late(world: World, tmp_path: Path) -> None:
    """It is delivered in the next window, and a clock that was set back loses nothing."""
    run(world, tmp_path / "out")
    record(world, "late", NOW)
    record(world, "next", NOW + timedelta(hours=7))
    record(world, "back", NOW + timedelta(hours=2))
    world.clock.now += timedelta(minutes=1)
    world.trail.tick()
    before = len(records(tmp_path / "out"))
    run(world, tmp_path / "out", NOW + timedelta(hours=30))
    found = {each["requestID"] for each in records(tmp_path / "out")}
    assert {"late", "next", "back"} <= found
    assert len(records(tmp_path / "out")) == before + 3


def lost(world: World) -> None:
    world.records()[1].unlink()


def changed(world: World) -> None:
    path = world.records()[1]
    path.write_bytes(path.read_bytes().replace(b'"aws-cli/2"', b'"aws-cli/3"', 1))


@pytest.mark.parametrize("harm", [lost, changed])
def test_only_what_is_proved(world: World, tmp_path: Path, harm: Callable[[World], None]) -> None:
    """After a lost file or a changed record nothing more is exported."""
    assert len(world.records()) > 2
    harm(world)
    with suppress(ExportRefused):  # it misses the records of a lost file itself
        _, report = run(world, tmp_path / "out")
        assert not report.holds
    ids = [int(each["requestID"].rpartition("-")[2]) for each in records(tmp_path / "out")]
    first = int(world.records()[1 if harm is changed else 0].name[8:20])
    assert all(number < max(first, 10) for number in ids)
    assert len(ids) < len(MINUTES)


def test_records_that_left_the_log(world: World, tmp_path: Path) -> None:
    """If files were archived before they were exported, the next run names their records."""
    run(world, tmp_path / "out", NOW + timedelta(minutes=66))
    for path in world.records()[:-1]:
        path.unlink()
    with pytest.raises(ExportRefused, match=r"records [0-9]+ to [0-9]+ are not in the log"):
        run(world, tmp_path / "out")


def test_a_directory_keeps_its_choices(world: World, tmp_path: Path) -> None:
    """Another bucket, account or time would leave gaps."""
    run(world, tmp_path / "out", accounts=(ACCOUNT,))
    for name, choice in (("accounts", ()), ("bucket", "other"), ("since", "2026-01-01T00:00:00Z")):
        choices: dict[str, Any] = {"accounts": (ACCOUNT,), name: choice}
        with pytest.raises(ExportRefused, match=f"another choice of `{name}`"):
            run(world, tmp_path / "out", **choices)
    with pytest.raises(ExportRefused, match="another installation"):
        run(world, tmp_path / "out", log="00", accounts=(ACCOUNT,))
    (tmp_path / "out" / "keystead-export.json").write_bytes(b"{")
    with pytest.raises(ExportRefused, match="cannot be read"):
        run(world, tmp_path / "out", accounts=(ACCOUNT,))


@pytest.mark.parametrize("number", [0, 3, 40])
def test_another_history(world: World, tmp_path: Path, number: int) -> None:
    """If an older state was put back, its records do not count as those that were exported.

    It may have fewer records, or as many and more that are others.
    """
    run(world, tmp_path / "out")
    before = content(tmp_path / "out")
    other = World(tmp_path / "other")
    other.root.mkdir()
    other.open()
    for each in range(number):
        record(other, f"other-{each}", NOW + timedelta(minutes=each))
    other.close()
    with pytest.raises(ExportRefused, match="another history"):
        run(other, tmp_path / "out", NOW + timedelta(hours=30))
    assert content(tmp_path / "out") == before
    run(world, tmp_path / "out", NOW + timedelta(hours=30))
