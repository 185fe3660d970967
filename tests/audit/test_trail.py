"""When is an event durable, and what happens when it cannot be?"""

import errno
import os
import stat
from pathlib import Path

import pytest

from keystead.audit.log.checkpoint import Checkpoint, key_id
from keystead.audit.log.files import DiskFailed
from keystead.audit.log.recovery import AuditCorrupt
from keystead.audit.log.sinks import FileSink
from keystead.audit.trail import AuditUnavailable
from keystead.custody.signing.signer import AuditSigner
from keystead.custody.signing.verification import signature_verifier
from keystead.store.protocol import StoreUnavailable
from keystead.store.sqlite.engine import SqliteStore
from tests.audit.world import SIGNER, World, encrypt, rows, touch


class DiskProblem:
    """Makes the system's calls fail with an error, as long as it is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.write = self.sync = 0
        self.half = False  # half of the data is written before the error
        self._pwrite, self._fdatasync = os.pwrite, os.fdatasync
        monkeypatch.setattr(os, "pwrite", self._write)
        monkeypatch.setattr(os, "fdatasync", self._sync)

    def _write(self, descriptor: int, data: bytes, offset: int) -> int:
        if not self.write:
            return self._pwrite(descriptor, data, offset)
        if self.half:
            self.half = False
            return self._pwrite(descriptor, data[: len(data) // 2], offset)
        raise OSError(self.write, os.strerror(self.write))

    def _sync(self, descriptor: int) -> None:
        if self.sync:
            raise OSError(self.sync, os.strerror(self.sync))
        self._fdatasync(descriptor)


@pytest.fixture
def problem(world: World, monkeypatch: pytest.MonkeyPatch) -> DiskProblem:
    """The disk below the audit files."""
    return DiskProblem(monkeypatch)


def test_nothing_before_commit(world: World) -> None:
    """A record is in the file after commit(), not before."""
    world.trail.record(encrypt("a"))
    assert world.lines() == []
    world.trail.commit()

    assert world.request_ids() == ["a"]


def test_records_are_in_order(world: World) -> None:
    """Reading and changing turns share one sequence, without a gap."""
    world.record("a", "b")
    world.change("c", "d")
    world.record("e")

    assert world.request_ids() == list("abcde")
    assert [event["keystead"]["index"] for event in world.events()] == [0, 1, 2, 3, 4]


def test_event_ids_are_unique(world: World) -> None:
    """Every record has an id of its own, also after a restart."""
    world.record("a", "b")
    world.close()
    world.open()
    world.record("c")

    assert len({event["eventID"] for event in world.events()}) == 3


def test_a_change_commits_with_its_record(world: World) -> None:
    """The transaction that changes something carries the line that tells of it."""
    world.change("a")

    row = world.store.read().one("SELECT first_index, lines FROM audit_outbox WHERE trail='main'")
    assert row == (0, world.lines()[0])
    assert not world.store.dirty


def test_a_change_without_a_record(world: World) -> None:
    """A change that nobody asked for is flushed all the same."""
    touch(world.store, "a")
    world.trail.commit()

    assert rows(world.store) == ["a"]
    assert not world.store.dirty


def test_a_failed_store_takes_the_records_with_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the store cannot commit, the turn has happened neither there nor in the log."""

    def full(_store: SqliteStore) -> None:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patch, pytest.raises(StoreUnavailable):
        patch.setattr(SqliteStore, "flush", full)
        world.change("a")
    world.change("b")

    assert world.request_ids() == ["b"]
    assert rows(world.store) == ["b"]
    assert world.verify().holds


def test_a_full_disk_refuses_a_reading_turn(world: World, problem: DiskProblem) -> None:
    """Without a record nothing is answered; when there is room, everything goes on."""
    world.record("a")
    problem.write, problem.half = errno.ENOSPC, True
    with pytest.raises(AuditUnavailable, match="No space left"):
        world.record("b")
    problem.write = 0
    world.record("c")

    assert world.request_ids() == ["a", "c"]
    assert world.trail.failure is None
    assert world.verify().holds


def test_a_change_keeps_its_record_on_a_full_disk(world: World, problem: DiskProblem) -> None:
    """A change that is durable has its record: the file gets it before anything else."""
    problem.write, problem.half = errno.ENOSPC, True
    with pytest.raises(AuditUnavailable):
        world.change("a")
    with pytest.raises(AuditUnavailable):
        world.change("b")
    problem.write = 0
    world.record("c")

    assert rows(world.store) == ["a"]
    assert world.request_ids() == ["a", "c"]
    assert world.verify().holds


def test_a_restart_pays_what_the_disk_owes(world: World, problem: DiskProblem) -> None:
    """The same when the process ends before there is room."""
    problem.write = errno.ENOSPC
    with pytest.raises(AuditUnavailable):
        world.change("a", "b")
    problem.write = 0
    world.crash()
    world.open()

    assert world.request_ids() == ["a", "b"]
    assert world.trail.recovered.restored_records == 2
    assert rows(world.store) == ["a", "b"]


@pytest.mark.parametrize("kind", ["write", "sync"])
def test_a_failed_disk_ends_the_trail(world: World, problem: DiskProblem, kind: str) -> None:
    """After an I/O error nothing is recorded any more, and so nothing is changed either."""
    setattr(problem, kind, errno.EIO)
    with pytest.raises(AuditUnavailable):
        world.record("a")
    setattr(problem, kind, 0)

    with pytest.raises(AuditUnavailable):
        world.change("b")
    assert isinstance(world.trail.failure, AuditUnavailable)
    world.end()
    world.open()
    assert rows(world.store) == []


def test_files_are_the_owners(world: World) -> None:
    """The directory has mode 0700 and each file 0600."""
    world.record("a")
    world.close()

    assert stat.S_IMODE(world.audit.stat().st_mode) == 0o700
    for path in world.audit.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {p.name for p in world.audit.iterdir()} == {
        "records-000000000000.jsonl", "checkpoints.jsonl", "public-key.pem",
    }  # fmt: skip


def test_segments(tmp_path: Path) -> None:
    """A full file is followed by another one, named after its first record; all verify."""
    world = World(tmp_path, segment_bytes=3000).open()
    for number in range(12):
        world.record(str(number))
    world.close()
    world.open()
    world.record("12")
    world.close()

    firsts = [int(path.stem.removeprefix("records-")) for path in world.records()]
    assert firsts[0] == 0
    assert len(firsts) > 3
    assert world.request_ids() == [str(number) for number in range(13)]
    assert world.verify().records == 13
    assert world.verify().holds


def signed(world: World) -> int:
    """How many records are under a checkpoint."""
    return world.trail.head.size if world.trail.head else 0


def test_the_first_turn_has_a_checkpoint(world: World) -> None:
    """A log with records has a checkpoint from the first turn on."""
    world.record("a", "b")
    assert signed(world) == 2
    world.record("c")
    assert signed(world) == 2


def test_checkpoints_by_count(world: World) -> None:
    """A thousand records without a checkpoint are too many; fewer are not, at the same moment."""
    world.record("first")
    world.record(*(str(number) for number in range(999)))
    assert signed(world) == 1
    world.record("one more")

    assert signed(world) == 1001


@pytest.mark.parametrize("seconds", [1, -3600])
def test_checkpoints_by_time(world: World, seconds: int) -> None:
    """A record waits at most a second for its checkpoint, also when the clock jumps back."""
    world.record("first")
    world.record("a")
    world.trail.tick()
    assert signed(world) == 1
    world.clock.advance(seconds)
    world.trail.tick()

    assert signed(world) == 2


def test_what_a_crash_left_is_signed_at_once(world: World) -> None:
    """Records of before a crash do not wait for those that come after it."""
    world.record("first")
    world.record("a")
    world.crash()
    world.open()
    assert signed(world) == 1
    world.record("b")

    assert signed(world) == 3


def test_no_checkpoint_without_news(world: World) -> None:
    """What is signed is not signed again."""
    world.record("a")
    world.clock.advance(2)
    world.trail.tick()
    head = world.trail.head
    world.clock.advance(60)
    world.trail.tick()
    world.close()

    assert world.trail.head is head
    assert len((world.audit / "checkpoints.jsonl").read_bytes().splitlines()) == 1


def test_tick_leaves_an_open_turn_alone(world: World) -> None:
    """A tick in the middle of a turn neither commits nor signs anything."""
    world.record("first")
    world.record("a")
    world.clock.advance(2)
    touch(world.store, "b")
    world.trail.tick()
    assert signed(world) == 1
    world.store.undo()

    assert rows(world.store) == []


def test_close_signs_the_rest(world: World) -> None:
    """After a clean stop everything is under a checkpoint that the public key verifies."""
    world.record("a", "b")
    world.close()
    [line] = (world.audit / "checkpoints.jsonl").read_bytes().splitlines()
    checkpoint = Checkpoint.parse(line)
    valid = signature_verifier((world.audit / "public-key.pem").read_bytes())

    assert checkpoint.size == 2
    assert checkpoint.key_id == key_id(SIGNER.public_key_pem)
    assert valid(checkpoint.signature, checkpoint.signed)
    assert not valid(checkpoint.signature, checkpoint.signed + b"x")


def test_sinks_get_every_checkpoint(tmp_path: Path) -> None:
    """A file sink holds what the log's own file of checkpoints holds, and proves a cut."""
    sink = tmp_path / "elsewhere.jsonl"
    (tmp_path / "data").mkdir()
    world = World(tmp_path / "data", sinks=[FileSink(sink)]).open()
    for name in "abc":
        world.record(name)
        world.clock.advance(2)
        world.trail.tick()
    world.close()

    assert sink.read_bytes() == (world.audit / "checkpoints.jsonl").read_bytes()
    assert stat.S_IMODE(sink.stat().st_mode) == 0o600


class BrokenSink:
    """A sink whose disk is gone."""

    def open(self) -> None:
        """It has nothing."""

    def close(self) -> None:
        """There is nothing to let go of."""

    def push(self, line: bytes) -> None:
        raise DiskFailed(f"`elsewhere`: gone, with {len(line)} bytes")


def test_a_failing_sink_loses_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A sink that cannot take a checkpoint is reported; calls and checkpoints go on."""
    world = World(tmp_path, sinks=[BrokenSink()]).open()
    world.record("a")
    world.clock.advance(2)
    world.trail.tick()
    world.record("b")

    assert "did not reach a sink" in caplog.text
    assert world.trail.head is not None
    assert world.request_ids() == ["a", "b"]
    world.close()


def test_a_checkpoint_that_cannot_be_saved(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A turn that is durable is answered, even if its checkpoint has to wait."""

    def full(_store: SqliteStore) -> None:
        raise StoreUnavailable("the disk is full")

    world.record("first")
    world.record("a")
    world.clock.advance(2)
    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, "flush", full)
        world.record("b")
    assert signed(world) == 1
    assert "the disk is full" in caplog.text
    world.store.undo()
    world.trail.tick()

    assert signed(world) == 3


def test_another_key_does_not_continue(world: World) -> None:
    """A log that one key signed is not continued by another."""
    world.record("a")
    world.close()
    world.open()
    world.crash()
    store = World(world.root)
    (world.audit / "public-key.pem").write_bytes(AuditSigner(bytes(32)).public_key_pem)

    with pytest.raises(AuditCorrupt, match=r"public-key\.pem"):
        store.open()


def test_a_half_written_key_is_completed(world: World) -> None:
    """A first start that was cut off while it wrote the public key is continued."""
    world.close()
    for left in (SIGNER.public_key_pem[:20], b"", bytes(113)):
        (world.audit / "public-key.pem").write_bytes(left)
        world.open()

        assert (world.audit / "public-key.pem").read_bytes() == SIGNER.public_key_pem
        world.close()


def test_closed(world: World) -> None:
    """A closed trail records nothing more; it can be closed again."""
    world.trail.close()
    with pytest.raises(AuditUnavailable):
        world.trail.close()

    with pytest.raises(AuditUnavailable, match="closed"):
        world.record("a")


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_no_descriptor_for_the_next_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Where the next file cannot be opened for want of a descriptor, the trail goes on later."""
    world = World(tmp_path, segment_bytes=1).open()
    world.record("a")
    opens = os.open

    def without(path: Path, *arguments: int) -> int:
        if str(path).endswith(".jsonl"):
            raise OSError(number, os.strerror(number))
        return opens(path, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", without)
        world.trail.record(encrypt("refused"))
        with pytest.raises(AuditUnavailable):
            world.trail.commit()
    world.change("b")
    world.close()

    assert world.request_ids() == ["a", "b"]
    assert world.verify().holds
