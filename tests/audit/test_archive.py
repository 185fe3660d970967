"""Archiving: older files of the log go elsewhere, no record is lost, and the rest still proves."""

import errno
import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keystead.audit.log import archive
from keystead.audit.records.event import Event
from keystead.audit.report import Report
from keystead.audit.trail import AuditUnavailable
from tests.audit.world import World, encrypt

RECORDS = 14


def told(before: int) -> Event:
    """The event that says what was archived."""
    return encrypt(
        "archived", source="keystead", name=archive.EVENT, event_type=archive.SERVICE_EVENT,
        principal=None, service_details={archive.BEFORE: str(before)},
    )  # fmt: skip


def put_away(world: World, to: Path, keep: int = 0) -> int:
    """Archive what is finished, as the command does; the first record that stays."""
    before = archive.boundary(world.audit, keep)
    if before:
        archive.copy(world.audit, before, to)
        world.trail.forget(before, told(before))
    return before


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose log has several finished files."""
    root = tmp_path_factory.mktemp("template")
    world = World(root, segment_bytes=3000).open()
    for number in range(RECORDS):
        world.record(str(number))
    world.close()
    assert len(world.records()) > 3
    return root


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    made = World(shutil.copytree(template, tmp_path / "data"), segment_bytes=3000).open()
    yield made
    made.end()


def archived_ids(directory: Path) -> list[str]:
    """The request ids of what an archive holds."""
    found = sorted(directory.glob("records-*.jsonl.gz"))
    lines = b"".join(gzip.decompress(path.read_bytes()) for path in found).splitlines()
    return [msgspec.json.decode(line)["event"]["requestID"] for line in lines]


def said(report: Report) -> str:
    return "\n".join(map(str, report.problems))


def test_what_is_archived_is_there_and_proves(world: World, tmp_path: Path) -> None:
    """The log begins later; it, the archive, and both together verify."""
    to = tmp_path / "archive"
    before = put_away(world, to)
    world.record("after")

    assert before == int(world.records()[0].stem.removeprefix("records-")) > 0
    numbers = [str(number) for number in range(RECORDS)]
    assert archived_ids(to) == numbers[:before]
    assert world.request_ids() == [*numbers[before:], "archived", "after"]
    alone = world.verify()
    assert (alone.holds, alone.first, alone.records) == (True, before, RECORDS + 2), said(alone)
    both = world.verify(archives=[to])
    assert (both.holds, both.first, both.records) == (True, 0, RECORDS + 2), said(both)
    assert all(path.stat().st_mode & 0o077 == 0 for path in to.iterdir())


def test_archiving_again_goes_on(world: World, tmp_path: Path) -> None:
    """Each archiving takes what was finished since; a restart goes on from the shortened log."""
    to = tmp_path / "archive"
    first = put_away(world, to, keep=2)
    world.close()
    world.open()
    for number in range(20):
        world.record(f"more {number}")
    second = put_away(world, to)

    assert 0 < first < second
    report = world.verify(archives=[to])
    assert (report.holds, report.first, report.records) == (True, 0, RECORDS + 22), said(report)
    assert world.verify().holds
    world.close()
    world.open()
    assert world.trail.recovered.restored_records == 0


def test_only_finished_files_go(tmp_path: Path) -> None:
    """A log of one file has nothing to archive; `keep` leaves finished files where they are."""
    world = World(tmp_path, segment_bytes=1_000_000).open()
    world.record("a")
    assert archive.boundary(world.audit) == 0
    assert not archive.begins(world.audit, 1)
    world.close()


def test_a_missing_file_is_told_from_a_changed_one(world: World, tmp_path: Path) -> None:
    """What is not there is said to be missing, and what follows it is still examined."""
    to = tmp_path / "archive"
    put_away(world, to)
    packed = sorted(to.glob("records-*.jsonl.gz"))
    kept = packed[1].read_bytes()

    packed[1].unlink()
    report = world.verify(archives=[to])
    assert [problem.missing for problem in report.problems] == [True]
    assert "are missing before it" in said(report)
    assert report.records == RECORDS + 1

    text = gzip.decompress(kept)
    packed[1].write_bytes(gzip.compress(text.replace(b"aws-cli/2", b"aws-cli/3", 1)))
    report = world.verify(archives=[to])
    assert [problem.missing for problem in report.problems] == [False]
    packed[1].write_bytes(kept[:-20])
    report = world.verify(archives=[to])
    assert [problem.missing for problem in report.problems] == [False]
    packed[1].write_bytes(kept)
    assert world.verify(archives=[to]).holds


def test_a_shortened_log_has_to_say_so(world: World) -> None:
    """Files that are gone without a record of it are missing, whatever a caller called."""
    world.record("x")
    world.trail.record(
        encrypt("mine", name=archive.EVENT, service_details={archive.BEFORE: "1000"})
    )
    world.trail.commit()
    first, second = world.records()[:2]
    first.unlink()

    report = world.verify()

    assert not report.holds
    assert [problem.missing for problem in report.problems] == [True]
    assert f"records 0 to {int(second.stem.removeprefix('records-')) - 1}" in said(report)


def test_the_newest_records_cannot_be_missing(world: World) -> None:
    """A log that ends too early is not excused by its beginning."""
    world.records()[-1].unlink()
    report = world.verify()
    assert [problem.missing for problem in report.problems] == [True]
    assert "the log ends before it" in said(report)


def test_verification_begins_at_any_checkpoint(world: World) -> None:
    """`start` skips what lies before a checkpoint, and sees what was changed after it."""
    report = world.verify(start=RECORDS - 1)
    assert report.holds
    assert 0 < report.first <= RECORDS - 1
    path = world.records()[-1]
    path.write_bytes(path.read_bytes().replace(b"aws-cli/2", b"aws-cli/3"))
    assert not world.verify(start=RECORDS - 1).holds
    path = world.records()[0]
    path.write_bytes(path.read_bytes().replace(b"aws-cli/2", b"aws-cli/3"))
    assert world.verify(start=RECORDS - 1).problems[0].file != path.name


@pytest.mark.parametrize(("number", "passes"), [(errno.ENOSPC, True), (errno.EIO, False)])
def test_a_disk_that_fails_meanwhile(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, passes: bool
) -> None:
    """A full disk ends nothing; after a failed sync nothing is written any more (DB-4)."""
    replace = Path.replace

    def failing(path: Path, target: Path) -> Path:
        if target.name == "checkpoints.jsonl":
            raise OSError(number, os.strerror(number))
        return replace(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", failing)
        with pytest.raises(AuditUnavailable):
            put_away(world, tmp_path / "archive")
    assert (world.trail.failure is None) == passes
    if passes:
        world.record("after")
    assert world.verify(archives=[tmp_path / "archive"]).holds


class Killed(BaseException):
    """The process ended here."""


def kill_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """End the process at the step with this number: every sync, rename and removal is one."""
    left = [steps]

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return original(*arguments, **options)

        return step

    for name in ("fsync", "fdatasync", "rename", "replace", "unlink"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))


def test_killed_at_every_step(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever step archiving is killed at, no record is lost, and the next one ends it."""
    numbers = {str(number) for number in range(RECORDS)}
    finished = False
    for steps in range(200):
        root, to = tmp_path / f"at-{steps}", tmp_path / f"archive-{steps}"
        world = World(shutil.copytree(template, root), segment_bytes=3000).open()
        with monkeypatch.context() as patched:
            kill_after(steps, patched)
            try:
                put_away(world, to)
                finished = True
            except Killed:
                pass
        world.crash()
        world.open()
        held = archived_ids(to) if to.exists() else []
        assert numbers <= {*held, *world.request_ids()}, steps
        archives = [to] if to.exists() else []
        report = world.verify(archives=archives)
        assert (report.holds, report.first) == (True, 0), (steps, said(report))
        assert world.verify().holds, steps

        put_away(world, to)
        world.record("after")
        assert archived_ids(to) == [str(n) for n in range(len(archived_ids(to)))]
        assert world.verify(archives=[to]).holds, steps
        assert len(world.records()) < 3
        world.close()
        if finished:
            break
    assert finished
    assert steps > 15
