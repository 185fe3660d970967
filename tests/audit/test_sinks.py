"""What is kept elsewhere: whole, ours, and never newer than what a start goes on from."""

import shutil
from pathlib import Path

import msgspec
import pytest

from keystead.audit.log.files import DiskFailed, LogFile
from keystead.audit.log.recovery import AuditCorrupt, OlderState
from keystead.audit.log.sinks import FileSink
from keystead.custody.signing.signer import AuditSigner
from tests.audit.world import World


def kept_apart(directory: Path) -> tuple[World, Path]:
    """A log of two checkpoints, closed, and the file in which both were kept."""
    kept = directory / "elsewhere.jsonl"
    (directory / "data").mkdir()
    world = World(directory / "data", sinks=[FileSink(kept)]).open()
    for name in "ab":
        world.record(name)
        world.clock.advance(2)
        world.trail.tick()
    world.close()
    return world, kept


@pytest.mark.parametrize("torn", [1, 100])
def test_a_torn_sink_is_mended(tmp_path: Path, torn: int) -> None:
    """What a crash left of a checkpoint does not become a part of the next one."""
    world, kept = kept_apart(tmp_path)
    whole = kept.read_bytes()
    for left in (whole[:-torn], whole + whole[:torn], whole + bytes(50)):
        kept.write_bytes(left)
        world.open().close()
        assert kept.read_bytes() == whole
        assert world.verify(witness=kept).holds


def test_a_sink_gets_what_it_lacks(tmp_path: Path) -> None:
    """Also when nothing of it is left, or nothing was ever there."""
    world, kept = kept_apart(tmp_path)
    whole = kept.read_bytes()
    newest = whole.splitlines(keepends=True)[-1]
    for left, expected in ((whole[: -len(newest)], whole), (b"", newest), (newest[:70], newest)):
        kept.write_bytes(left)
        world.open().close()
        assert kept.read_bytes() == expected


def test_an_older_directory_is_refused(tmp_path: Path) -> None:
    """A directory older than what was kept elsewhere does not start; the newest does."""
    world, kept = kept_apart(tmp_path)
    older = tmp_path / "older"
    shutil.copytree(world.root, older)
    world.open()
    world.record("newer")
    world.close()

    with pytest.raises(OlderState, match=r"covers 3 records .* with 2 signed records"):
        World(older, sinks=[FileSink(kept)]).open()
    World(older).open().close()  # nothing but the file says so
    world.open().close()


def test_another_history_is_refused(tmp_path: Path) -> None:
    """So is one that went on differently from an older copy, until it is as long and longer."""
    world, kept = kept_apart(tmp_path)
    fork = tmp_path / "fork"
    shutil.copytree(world.root, fork)
    for root, name, sinks in ((world.root, "ours", world.sinks), (fork, "theirs", ())):
        went_on = World(root, sinks=sinks).open()
        went_on.record(name)
        went_on.close()

    with pytest.raises(OlderState, match="another history"):
        World(fork, sinks=[FileSink(kept)]).open()


@pytest.mark.parametrize("content", [b"a letter to somebody", b"nonsense\n", b"[]" * 40_000])
def test_a_sink_is_no_other_file(tmp_path: Path, content: bytes) -> None:
    """A file that holds something else is refused, and stays as it is."""
    kept = tmp_path / "elsewhere"
    kept.write_bytes(content)
    (tmp_path / "data").mkdir()
    with pytest.raises(AuditCorrupt):
        World(tmp_path / "data", sinks=[FileSink(kept)]).open()
    assert kept.read_bytes() == content


def test_a_sink_is_no_other_installations(tmp_path: Path) -> None:
    """Checkpoints that another key signed are not continued."""
    _, kept = kept_apart(tmp_path)
    checkpoint = msgspec.json.decode(kept.read_bytes().splitlines()[-1])
    other = AuditSigner(bytes(32))
    (tmp_path / "other").mkdir()
    kept.write_bytes(msgspec.json.encode({**checkpoint, "signature": other.sign(b"")}) + b"\n")
    with pytest.raises(AuditCorrupt, match="not this installation's"):
        World(tmp_path / "other", sinks=[FileSink(kept)]).open()


def test_a_sink_that_failed_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After a failed sync nothing is appended any more, until the next start looks at the file."""
    world, kept = kept_apart(tmp_path)
    world.open()
    whole = kept.read_bytes()
    sync = LogFile.sync

    def fail(file: LogFile) -> None:
        if file.path == kept:
            raise DiskFailed("gone")
        sync(file)

    monkeypatch.setattr(LogFile, "sync", fail)
    world.record("c")
    world.clock.advance(2)
    world.trail.tick()
    monkeypatch.setattr(LogFile, "sync", sync)
    left = kept.read_bytes()
    world.record("d")
    world.clock.advance(2)
    world.trail.tick()
    assert kept.read_bytes() == left
    assert caplog.text.count("did not reach a sink") == 2
    world.close()

    world.open().close()
    assert kept.read_bytes().startswith(whole)
    assert world.verify(witness=kept).holds
